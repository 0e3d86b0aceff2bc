"""`locum policy` on a running plane: the policy of what real clients did, tried, put in place, and lived with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.plane import (
    ACCOUNT,
    LOCUM,
    Key,
    RunningPlane,
    allow,
    command_lines,
    document,
    fresh,
    refused,
    trusting,
    up,
)
from support.processes import finished

pytestmark = pytest.mark.xdist_group("record")


def policy(
    plane: RunningPlane, command: str, *arguments: str, said: str | None = None
) -> subprocess.CompletedProcess[str]:
    """`locum policy COMMAND` on `plane`."""
    line = [LOCUM, "policy", command, "--data", str(plane.data), *arguments]
    return finished(line, said, env=plane.environment())


def told(done: subprocess.CompletedProcess[str]) -> Any:
    """The JSON that a command printed."""
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


class Application:
    """An application that reads what it is given, writes what it makes of it, and keeps count."""

    def __init__(self, plane: RunningPlane, bucket: str, table: str, queue: str) -> None:
        self._plane = plane
        self._bucket = bucket
        self._table = table
        self._queue = queue

    def run(self, key: Key, version: str) -> None:
        """One day's work, by boto3 and by the AWS command line."""
        s3, plane = self._plane.client("s3", key), self._plane
        found = s3.list_objects_v2(Bucket=self._bucket, Prefix="in/")["Contents"]
        for entry in found:
            s3.get_object(Bucket=self._bucket, Key=entry["Key"])
            s3.copy_object(
                Bucket=self._bucket, Key=entry["Key"].replace("in", "done"), CopySource=f"{self._bucket}/{entry['Key']}"
            )
        plane.client("dynamodb", key).put_item(TableName=self._table, Item={"k": {"S": "count"}})
        plane.client("sqs", key).send_message(QueueUrl=self._queue, MessageBody="done")
        plane.aws(version, "s3api", "list-buckets", key=key)
        plane.aws(version, "dynamodb", "describe-table", "--table-name", self._table, key=key)


def listed(value: str | list[str]) -> list[str]:
    """An element of a policy as a list."""
    return [value] if isinstance(value, str) else value


def without(action: str, statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Statements that do not allow an action."""
    found = [{**it, "Action": [one for one in listed(it["Action"]) if one != action]} for it in statements]
    return [it for it in found if it["Action"]]


def application(plane: RunningPlane) -> Application:
    return deployed(plane, fresh("application"))


def deployed(plane: RunningPlane, name: str) -> Application:
    """The application, whose bucket, table and queue have this name."""
    bucket, table = plane.bucket(name, **{"in/a": b"a", "in/b": b"b"}), plane.table(name)
    queue = plane.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return Application(plane, bucket, table, queue)


@command_lines
def test_an_application_lives_with_nothing_but_the_policy_of_what_it_did(
    plane: RunningPlane, version: str, tmp_path: Path
) -> None:
    role = plane.role(trusting(AWS=ACCOUNT), allow("*"))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    work = application(plane)
    work.run(plane.assume(role), version)
    done = policy(plane, "from-activity", "--principal", arn)
    assert done.returncode == 0, done.stderr
    written = told(done)
    assert told(policy(plane, "from-activity", "--principal", arn)) == written

    plane.permit(role, *written["Statement"])
    key = plane.assume(role)
    work.run(key, version)
    assert refused(plane.client("s3", key).delete_object, Bucket=work._bucket, Key="in/a").code == "AccessDenied"
    assert refused(plane.client("s3", key).list_objects_v2, Bucket=work._bucket, Prefix="other/").code == "AccessDenied"
    compared = told(policy(plane, "diff", "--principal", arn, "--json"))
    assert (compared["unused"], compared["wider"], compared["notGranted"]) == ({}, [], [])

    file = tmp_path / "written.json"
    file.write_text(done.stdout)
    same = policy(plane, "replay", "--principal", arn, "--policy", str(file))
    assert same.returncode == 0, same.stdout
    less = [one for one in written["Statement"] if "sqs:SendMessage" not in one["Action"]]
    broken = policy(plane, "replay", "--principal", arn, "--policy", "-", "--json", said=document(*less))
    assert broken.returncode == 1
    (change,) = {(one["action"], one["was"], one["becomes"]): one for one in told(broken)["changed"]}.values()
    assert (change["action"], change["was"], change["becomes"]) == ("sqs:SendMessage", "allow", "implicit-deny")
    explained = plane.locum("explain", change["requestId"])
    assert "sqs:SendMessage" in explained.stdout


def test_a_policy_is_written_of_what_observe_let_go_on(tmp_path: Path) -> None:
    with up(tmp_path, "--observe") as plane:
        user, key = plane.user()
        bucket = plane.bucket(a=b"a")
        plane.client("s3", key).get_object(Bucket=bucket, Key="a")
        arn = f"arn:aws:iam::{ACCOUNT}:user/{user}"
        (statement,) = told(policy(plane, "from-activity", "--principal", arn))["Statement"]
        assert (statement["Action"], statement["Resource"]) == ("s3:GetObject", f"arn:aws:s3:::{bucket}/a")
        (lacking,) = told(policy(plane, "diff", "--principal", arn, "--json"))["notGranted"]
        assert lacking["action"] == "s3:GetObject"


@pytest.mark.nightly
@command_lines
def test_a_round_of_least_privilege_from_observing_to_the_one_permission_that_lacks(
    version: str, tmp_path: Path
) -> None:
    with up(tmp_path, "--observe", "--ephemeral") as plane:
        role, work = plane.role(trusting(AWS=ACCOUNT)), deployed(plane, "application")
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        work.run(plane.assume(role), version)
        statements = told(policy(plane, "from-activity", "--principal", arn))["Statement"]
    with up(tmp_path, "--ephemeral") as plane:
        work = deployed(plane, "application")  # the backend forgets
        with pytest.raises(ClientError, match="AccessDenied"):
            work.run(plane.assume(role), version)
        plane.permit(role, *statements)
        work.run(plane.assume(role), version)
        actions = {action for statement in statements for action in listed(statement["Action"])}
        assert len(actions) > 5
        for action in sorted(actions):
            plane.permit(role, *without(action, statements))
            with pytest.raises((ClientError, AssertionError), match="AccessDenied"):
                work.run(plane.assume(role), version)
            assert action in plane.locum("explain", "--role", role).stdout


def test_what_is_granted_and_not_used_is_told_action_by_action(plane: RunningPlane, tmp_path: Path) -> None:
    user, key = plane.user(allow(["sqs:ListQueues", "sqs:PurgeQueue"]))
    plane.client("sqs", key).list_queues()
    arn = f"arn:aws:iam::{ACCOUNT}:user/{user}"
    text = policy(plane, "diff", "--principal", arn).stdout
    assert "granted and not used" in text
    assert "PurgeQueue" in text
    assert "ListQueues on *" in text  # used, but on one account's queues alone
    proposed = tmp_path / "proposed.json"
    proposed.write_text(document(allow("s3:GetObject")))
    other = told(policy(plane, "diff", "--principal", arn, "--policy", str(proposed), "--json"))
    assert other["unused"] == {str(proposed): {"s3": ["GetObject"]}}
    assert [one["action"] for one in other["notGranted"]] == ["sqs:ListQueues"]


@pytest.mark.parametrize(
    ("command", "arguments", "error"),
    [
        ("from-activity", ["--principal", "arn:aws:iam::000000000000:role/nobody"], "there is no user and no role"),
        ("replay", ["--policy", "-"], "- is no identity policy"),
    ],
)
def test_an_error_is_one_line(plane: RunningPlane, command: str, arguments: list[str], error: str) -> None:
    done = policy(plane, command, *arguments, said="{}")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert error in done.stderr


def test_who_did_nothing_gets_no_policy(plane: RunningPlane) -> None:
    user, _ = plane.user()
    done = policy(plane, "from-activity", "--principal", f"arn:aws:iam::{ACCOUNT}:user/{user}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no call" in done.stderr


def test_a_time_that_is_none_is_an_error_of_usage(plane: RunningPlane) -> None:
    done = policy(plane, "from-activity", "--principal", "x", "--since", "yesterday")
    assert done.returncode == 2
    assert "is no time" in done.stderr
