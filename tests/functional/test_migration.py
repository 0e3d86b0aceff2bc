"""From an access key to a role: the script that is printed is run, and the key is taken out of service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.plane import ACCOUNT, BIN, REGION, Key, RunningPlane, allow, fresh, refused, trusting, up
from support.processes import finished


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    with up(tmp_path_factory.mktemp("migrated")) as running:
        yield running


class Program:
    """A program with the access key of a user who may do anything: it writes to a bucket."""

    def __init__(self, plane: RunningPlane) -> None:
        self.plane = plane
        self.user, self.key = plane.user(allow("*"))
        self.bucket = plane.bucket()
        self.runs(self.key)

    def runs(self, key: Key) -> None:
        self.plane.client("s3", key).put_object(Bucket=self.bucket, Key="a", Body=b"x")

    def migrate(self, *arguments: str, said: str | None = None) -> Any:
        return self.plane.locum("migrate", self.key.access_key_id, *arguments, said=said)

    def run_script(self, script: str) -> None:
        """Run what was printed in a shell, as the root user."""
        settings = {"AWS_ENDPOINT_URL": self.plane.endpoint, "AWS_DEFAULT_REGION": REGION, "AWS_PAGER": ""}
        environment = self.plane.environment(**self.plane.root.environment, **settings)
        environment["PATH"] = f"{BIN}:{environment['PATH']}"
        done = finished(["sh", "-e"], script, env=environment)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def program(plane: RunningPlane) -> Program:
    return Program(plane)


def test_the_role_of_the_script_suffices_for_the_program_and_no_more(program: Program) -> None:
    name, plane = fresh("worker"), program.plane
    done = program.migrate("--to", "ec2", "--role", name)
    assert done.returncode == 0, done.stderr
    assert program.key.secret_access_key not in done.stdout
    program.run_script(done.stdout)
    iam = plane.client("iam")
    (role,) = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trusting(AWS=ACCOUNT))  # to be tried from here
    session = plane.assume(name)
    program.runs(session)
    assert refused(plane.client("s3", session).delete_object, Bucket=program.bucket, Key="a").code == "AccessDenied"


def test_a_key_is_retired_once_it_is_not_used_any_more(program: Program) -> None:
    iam, keys = program.plane.client("iam"), {"UserName": program.user}
    still = program.migrate("--check", "--since", "1h")
    assert (still.returncode, "s3:PutObject" in still.stdout) == (1, True)
    refused_ = program.migrate("--retire", "--since", "1h", said="y\n")
    assert refused_.returncode == 1
    assert [key["Status"] for key in iam.list_access_keys(**keys)["AccessKeyMetadata"]] == ["Active"]
    assert program.plane.locum("clock", "+2h").returncode == 0
    assert program.migrate("--check", "--since", "1h").returncode == 0
    assert program.migrate("--retire", "--since", "1h", said="n\n").returncode == 0
    assert [key["Status"] for key in iam.list_access_keys(**keys)["AccessKeyMetadata"]] == ["Active"]
    program.migrate("--retire", "--since", "1h", said="y\n")
    assert [key["Status"] for key in iam.list_access_keys(**keys)["AccessKeyMetadata"]] == ["Inactive"]
    program.migrate("--retire", "--since", "1h", said="y\n")
    assert iam.list_access_keys(**keys)["AccessKeyMetadata"] == []


def test_jobs_of_one_repository_have_the_role(program: Program) -> None:
    done = program.migrate("--to", "github", "--role", fresh("ci"), "--repository", "me/app", "--json")
    found = json.loads(done.stdout)
    assert [call["operation"] for call in found["calls"]] == [
        "CreateOpenIDConnectProvider",
        "CreateRole",
        "PutRolePolicy",
    ]
    (statement,) = json.loads(found["calls"][1]["params"]["AssumeRolePolicyDocument"])["Statement"]
    assert statement["Condition"]["StringLike"] == {"token.actions.githubusercontent.com:sub": "repo:me/app:*"}


@pytest.mark.parametrize("repository", ["", "me", "*/*", "me/app:*", "me/a*"])
def test_attack_a_repository_that_is_a_pattern_lets_no_others_in(program: Program, repository: str) -> None:
    done = program.migrate("--to", "github", "--repository", repository)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_key_that_nobody_has_or_that_did_nothing_is_said_so(program: Program) -> None:
    assert program.plane.locum("migrate", "AKIAQAAAAAAANOBODY00").returncode == 2
    _, idle = program.plane.user(allow("*"))
    done = program.plane.locum("migrate", idle.access_key_id)
    assert (done.returncode, "no call with the access key" in done.stderr) == (2, True)
    root = program.plane.locum("migrate", program.plane.root.access_key_id)
    assert (root.returncode, "root user" in root.stderr) == (2, True)
