"""Checks of AWS's clients: whether those of this shell go to the plane, and nowhere else."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from typing import Final
from urllib.parse import urlsplit

from locum.cli.aws_cli import found_program, version_of
from locum.cli.checks.findings import Examined, Finding, note, ok, problem
from locum.cli.greeting import data_flag, locum_command

_LOOPBACK: Final = ("127.0.0.1", "localhost")
_SWITCHES: Final = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT")
_IDENTITIES: Final = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
_IGNORED: Final = "ignore_configured_endpoint_urls"
_BOTOCORE: Final = (1, 31)
"""The botocore that reads AWS_ENDPOINT_URL first, as boto3 1.28 has it."""


def command_line(examined: Examined) -> Finding:
    """Which AWS CLI there is, and whether it knows AWS_ENDPOINT_URL."""
    program = found_program(examined.environment)
    if program is None:
        return note("there is no AWS CLI on PATH", "install awscli, version 2.13 or 1.29 or newer, or use an SDK")
    version = version_of(program)
    if version is None:
        return note(f"{program} tells no version", "AWS's own is 2.13 or 1.29 or newer")
    told = f"{program}, version {version.major}.{version.minor}"
    if version.reads_endpoint and version.major == 1:
        return note(f"{told}, calls amazonaws.com for sqs all the same", "call `aws sqs` as `locum aws -- sqs ...`")
    if version.reads_endpoint:
        return ok(told)
    return problem(f"{told}, ignores AWS_ENDPOINT_URL and calls amazonaws.com", "call it as `locum aws -- ...`")


def boto(examined: Examined) -> Finding:
    """The botocore that programs of this shell import."""
    python = shutil.which("python3", path=examined.environment.get("PATH"))
    if python is None:
        return ok("there is no python3 on PATH")
    code = "import botocore; print(botocore.__version__)"
    try:
        done = subprocess.run(  # noqa: S603 - the user's own interpreter
            [python, "-c", code],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=dict(examined.environment),
        )
    except (OSError, subprocess.SubprocessError):
        return ok(f"{python} has no botocore")
    found = re.match(r"(\d+)\.(\d+)", done.stdout)
    if done.returncode or not found:
        return ok(f"{python} has no botocore")
    told = f"{python} has botocore {done.stdout.strip()}"
    if (int(found[1]), int(found[2])) >= _BOTOCORE:
        return ok(told)
    return problem(f"{told}, which ignores AWS_ENDPOINT_URL", "give endpoint_url to clients, or update boto3 to 1.28")


def endpoint(examined: Examined) -> Finding:
    """Where the clients of this shell go."""
    there, plane = examined.environment.get("AWS_ENDPOINT_URL", ""), examined.plane
    remedy = f'eval "$({locum_command()} env{data_flag(examined.data)})"'
    if plane is None:
        if there:
            return problem(f"AWS_ENDPOINT_URL is {there}, and no plane runs on {examined.data}", "start it: `locum up`")
        return note("no plane runs: AWS clients of this shell go to amazonaws.com", "`locum up`, then `locum env`")
    if not there:
        return problem("AWS_ENDPOINT_URL is not set: AWS clients of this shell go to amazonaws.com", remedy)
    ports = (plane.port, plane.tls_port)
    parts = urlsplit(there)
    if parts.hostname not in _LOOPBACK or parts.port not in ports:
        return problem(f"AWS_ENDPOINT_URL is {there}, the plane is at {plane.endpoint}", remedy)
    return ok(f"AWS_ENDPOINT_URL is the plane's, {there}")


def variables(examined: Examined) -> Finding:
    """Variables that win over those of `locum env`."""
    given = {name: value.lower() for name, value in examined.environment.items() if value}
    found = sorted(name for name in given if name.startswith("AWS_ENDPOINT_URL_"))
    found += [name for name in _SWITCHES if given.get(name) == "true"]
    if "AWS_ENDPOINT_URL" in given:  # else `locum env` is still to come, which takes them back
        found += [name for name in _IDENTITIES if name in given]
    if not found:
        return ok("no variable wins over those of `locum env`")
    return problem(f"these win over `locum env`: {', '.join(found)}", f"unset {' '.join(found)}")


def configuration(examined: Examined) -> Finding:
    """The setting of AWS's configuration file that has clients ignore endpoints."""
    path = examined.environment.get("AWS_CONFIG_FILE") or str(examined.home / ".aws" / "config")
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(path)
    except (configparser.Error, UnicodeDecodeError):
        return note(f"{path} cannot be read", "AWS's clients may not read it either")
    found = [name for name in parser.sections() if parser[name].get(_IGNORED, "").lower() == "true"]
    if found:
        return problem(f"{path} has {_IGNORED} in [{'], ['.join(found)}]", "remove it: clients ignore AWS_ENDPOINT_URL")
    return ok(f"nothing in {path} has clients ignore AWS_ENDPOINT_URL")


def proxies(examined: Examined) -> Finding:
    """A proxy that clients would ask for the plane."""
    lower = {name.lower(): value for name, value in examined.environment.items() if value}
    proxy = lower.get("http_proxy") or lower.get("all_proxy")
    excepted = lower.get("no_proxy", "")
    if proxy and not any(host in excepted.split(",") for host in (*_LOOPBACK, "*")):
        return problem("a proxy is set for HTTP, and not excepted for 127.0.0.1", "export NO_PROXY=127.0.0.1,localhost")
    return ok("no proxy stands before the plane")
