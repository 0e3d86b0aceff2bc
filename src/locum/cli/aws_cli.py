"""The AWS CLI that is installed, and the environment in which it calls a plane and nothing else.

Versions before 2.13 and 1.29 ignore AWS_ENDPOINT_URL, and would call Amazon: all are given `--endpoint-url`, which each
version has. What makes clients of its own in spite of it (`aws cloudformation package`) finds the plane as its proxy,
which passes nothing on. Keys are in the environment, never among the arguments.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from locum.cli.home import Plane, RootKey
from locum.core.errors import ConfigurationError

WRAPPED: Final = "LOCUM_AWS"
"""Set for the AWS CLI that `locum aws` runs: where it is set already, that was a wrapper of `locum aws`."""

_ENDPOINT: Final = "--endpoint-url"
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_DIRECT: Final = "localhost,.localhost,127.0.0.1,::1,169.254.169.254,169.254.170.2,169.254.170.23"
"""The plane, and the places of credentials, which `--as-me` may need."""

_CREDENTIALS: Final = frozenset({
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
})  # fmt: skip
_REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
_ELSEWHERE: Final = frozenset({
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_ENDPOINT_URL",
})  # fmt: skip
"""What has clients choose another endpoint, beside AWS_ENDPOINT_URL_SERVICE."""

_VERSION: Final = re.compile(r"aws-cli/(\d+)\.(\d+)")
_ENDPOINTS_SINCE: Final = {1: 29, 2: 13}
"""The minor versions from which on AWS_ENDPOINT_URL is read: AWS CLI User Guide, "Using endpoints in the AWS CLI"."""


class Version(NamedTuple):
    """The version of an AWS CLI."""

    major: int
    minor: int

    @property
    def reads_endpoint(self) -> bool:
        """Whether it knows AWS_ENDPOINT_URL."""
        since = _ENDPOINTS_SINCE.get(self.major)
        return self.major > max(_ENDPOINTS_SINCE) if since is None else self.minor >= since


def found_program(environment: Mapping[str, str]) -> str | None:
    """The path of the `aws` on PATH, else of that beside this interpreter, None where there is none."""
    found = shutil.which("aws", path=environment.get("PATH"))
    beside = Path(sys.executable).with_name("aws")
    return found or (str(beside) if os.access(beside, os.X_OK) else None)


def aws_program(environment: Mapping[str, str]) -> str:
    """The same. Raises ConfigurationError where there is none, or it has called `locum aws` itself."""
    found = found_program(environment)
    if found is None:
        raise ConfigurationError(
            "there is no AWS CLI on PATH: install one (`pip install awscli`, the system's package awscli, or AWS's own)"
        )
    if environment.get(WRAPPED):
        raise ConfigurationError(f"{found} calls `locum aws` itself: put the AWS CLI before it on PATH")
    return found


def version_of(program: str) -> Version | None:
    """What `program --version` tells; None where that is no version of an AWS CLI."""
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(done.stdout + done.stderr)  # the first version 1 told it on the standard error
    return Version(int(found[1]), int(found[2])) if found else None


def line_of(program: str, plane: Plane, arguments: Sequence[str]) -> list[str]:
    """The command line with `arguments`. Raises ConfigurationError where they name another endpoint.

    The AWS CLI takes the beginning of an option for the option.
    """
    names = (argument.partition("=")[0] for argument in arguments)
    if any(len(name) > len("--") and _ENDPOINT.startswith(name) for name in names):
        raise ConfigurationError(f"`locum aws` goes to {plane.endpoint}: leave {_ENDPOINT} out, or call `aws` itself")
    return [program, _ENDPOINT, plane.endpoint, *arguments]


def environment_of(given: Mapping[str, str], plane: Plane, key: RootKey | None, program: str) -> dict[str, str]:
    """The environment of the AWS CLI: `given`, without what leads elsewhere, with the endpoint of `plane` and `key`.

    Without a key the credentials of `given` are used, and the region where there is one.
    """
    kept = {name: value for name, value in given.items() if not _leads_elsewhere(name)}
    if key is not None:
        kept = {name: value for name, value in kept.items() if name not in _CREDENTIALS and name not in _REGIONS}
        kept |= {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret_access_key}
    if not any(kept.get(name) for name in (*_REGIONS, "AWS_PROFILE", "AWS_DEFAULT_PROFILE")):
        kept |= dict.fromkeys(_REGIONS, plane.region)
    proxies = {"http_proxy": plane.endpoint, "https_proxy": plane.endpoint, "no_proxy": _DIRECT}
    upper = {name.upper(): value for name, value in proxies.items()}
    return {**kept, "AWS_ENDPOINT_URL": plane.endpoint, WRAPPED: program, **proxies, **upper}


def _leads_elsewhere(name: str) -> bool:
    return name in _ELSEWHERE or name.startswith("AWS_ENDPOINT_URL_") or name.lower() in _PROXIES
