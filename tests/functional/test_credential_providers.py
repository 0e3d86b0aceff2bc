"""How clients find credentials by themselves: profiles with roles, chains and codes, and token files."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import javascript
from support.authenticator import Authenticator
from support.issuer import Issuer, signed
from support.plane import (
    ACCOUNT,
    COMMAND_LINES,
    REGION,
    SECONDS,
    RunningPlane,
    allow,
    command_lines,
    document,
    fresh,
    trusting,
)

WITH_A_CODE = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
US = f"arn:aws:iam::{ACCOUNT}:root"


class Person:
    """Somebody with a key, a phone, and a configuration file: "base" is the key, "careful" a role that wants a code,
    "second" a role behind the role "first"."""

    def __init__(self, plane: RunningPlane, home: Path) -> None:
        self.plane = plane
        name, self.key = plane.user(allow("sts:AssumeRole"))
        self.phone = self._phone(name)
        self.careful = plane.role(trusting(WITH_A_CODE, AWS=US))
        self.first = plane.role(trusting(AWS=US), allow("sts:AssumeRole"))
        self.second = plane.role(trusting(AWS=ROLE + self.first))
        self.config = home / "config"
        self.config.write_text(
            f"[profile base]\naws_access_key_id = {self.key.access_key_id}\n"
            f"aws_secret_access_key = {self.key.secret_access_key}\nregion = {REGION}\n"
            + self._profile("careful", self.careful, "base", f"mfa_serial = {self.phone.serial}")
            + self._profile("first", self.first, "base")
            + self._profile("second", self.second, "first")
        )

    def _phone(self, user: str) -> Authenticator:
        iam = self.plane.client("iam")
        phone = Authenticator.of(iam.create_virtual_mfa_device(VirtualMFADeviceName=fresh("phone")))
        iam.enable_mfa_device(UserName=user, SerialNumber=phone.serial, **phone.pair(time.time()))
        return phone

    def _profile(self, name: str, role: str, source: str, more: str = "") -> str:
        return (
            f"[profile {name}]\nrole_arn = {ROLE}{role}\nsource_profile = {source}\n"
            f"role_session_name = {name}\nregion = {REGION}\n{more}\n"
        )

    def environment(self, **more: str) -> dict[str, str]:
        """A shell that knows of the configuration file and of the plane."""
        told = {"AWS_CONFIG_FILE": str(self.config), "AWS_ENDPOINT_URL": self.plane.endpoint, "AWS_REGION": REGION}
        return self.plane.environment(**told, AWS_DEFAULT_REGION=REGION, AWS_PAGER="", **more)

    def aws(self, version: str, *arguments: str, said: str = "", **more: str) -> str:
        """Who the AWS CLI is; what it asks for is `said`. It has no terminal, so it reads its standard input."""
        line = [str(COMMAND_LINES[version]), "--endpoint-url", self.plane.endpoint, *arguments]
        line += ["sts", "get-caller-identity", "--query", "Arn", "--output", "text"]
        done = subprocess.run(
            line,
            env=self.environment(**more),
            input=said,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            start_new_session=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def person(plane: RunningPlane, tmp_path: Path) -> Person:
    return Person(plane, tmp_path)


@pytest.fixture
def token_file(plane: RunningPlane, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What a pod of Kubernetes has in its environment: a token, and the role that it is good for."""
    with Issuer().serving() as issuer:
        provider = plane.client("iam").create_open_id_connect_provider(Url=issuer.url, ClientIDList=["app"])
        trust = {
            "Effect": "Allow",
            "Principal": {"Federated": provider["OpenIDConnectProviderArn"]},
            "Action": "sts:AssumeRoleWithWebIdentity",
        }
        path, now = tmp_path / "token", int(time.time())
        path.write_text(signed({"iss": issuer.url, "aud": "app", "sub": "pod", "iat": now, "exp": now + 600}))
        yield {
            "AWS_ROLE_ARN": ROLE + plane.role(document(trust)),
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(path),
            "AWS_ROLE_SESSION_NAME": "pod",
        }


@pytest.fixture
def version(request: pytest.FixtureRequest) -> str:
    """An AWS CLI that calls STS at AWS_ENDPOINT_URL for its credentials: version 2 does so from 2.13 on."""
    name: str = request.param
    said = subprocess.run([COMMAND_LINES[name], "--version"], capture_output=True, text=True, check=True)
    major, minor, *_ = said.stdout.removeprefix("aws-cli/").split(".")
    if (2, 0) <= (int(major), int(minor)) < (2, 13):
        pytest.skip("this AWS CLI does not read AWS_ENDPOINT_URL")
    return name


finding_sts = pytest.mark.parametrize("version", command_lines.args[1], indirect=True)


def assumed(role: str, session: str) -> str:
    """The ARN of a session."""
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.removeprefix(ROLE)}/{session}"


@finding_sts
def test_the_command_line_asks_for_a_code_and_keeps_the_session(person: Person, version: str) -> None:
    code = person.phone.code(time.time(), 1)
    who = person.aws(version, "--profile", "careful", said=f"{code}\n")
    assert who == assumed(person.careful, "careful")
    # The code is used up: it is the session in the command line's cache that answers.
    assert person.aws(version, "--profile", "careful") == who


@finding_sts
def test_the_command_line_goes_through_a_chain_of_roles(person: Person, version: str) -> None:
    assert person.aws(version, "--profile", "second") == assumed(person.second, "second")


@finding_sts
def test_the_command_line_finds_a_token_file(person: Person, version: str, token_file: dict[str, str]) -> None:
    assert person.aws(version, **token_file) == assumed(token_file["AWS_ROLE_ARN"], "pod")


@command_lines
def test_the_command_line_waits_for_a_role(plane: RunningPlane, version: str) -> None:
    plane.aws(version, "iam", "wait", "role-exists", "--role-name", plane.role(trusting(AWS=US)))


def test_the_javascript_sdk_s_providers(person: Person, token_file: dict[str, str]) -> None:
    told = {
        "code": person.phone.code(time.time(), 1),
        "first": ROLE + person.first,
        "second": ROLE + person.second,
    }
    done = subprocess.run(
        [*javascript.line("providers.mjs"), json.dumps(told)],
        env=person.environment(**token_file),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "profile": assumed(person.careful, "careful"),
        "tokenFile": assumed(token_file["AWS_ROLE_ARN"], "pod"),
        "chain": assumed(token_file["AWS_ROLE_ARN"], "pod"),
        "temporary": assumed(person.second, "two"),
    }
