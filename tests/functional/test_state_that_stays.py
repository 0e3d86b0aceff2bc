"""`locum up` after a stop, after `kill -9`, and what `locum snapshot` and `locum reset` make of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import processes
from support.functions import package
from support.plane import LOCUM, RunningPlane, trusting, up

SOON: Any = {"WaiterConfig": {"Delay": 1}}


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[RunningPlane]:
    """A plane of the test's own."""
    with up(tmp_path) as running:
        yield running


def locum(plane: RunningPlane, *words: str, data: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`locum COMMAND [SUBCOMMAND] --data ... ARGUMENTS`; the words behind `--` are the arguments."""
    command, arguments = words[: words.index("--")], words[words.index("--") + 1 :]
    line = [LOCUM, *command, "--data", str(data or plane.data), *arguments]
    return processes.finished(line, env=plane.environment())


def errors(plane: RunningPlane) -> str:
    return (plane.home / "errors.log").read_text()


def queues(plane: RunningPlane) -> list[str]:
    return sorted(url.rpartition("/")[2] for url in plane.client("sqs").list_queues().get("QueueUrls", ()))


def made_function(plane: RunningPlane) -> str:
    role = plane.role(trusting(Service="lambda.amazonaws.com"))
    code = package(main="def handler(event, context):\n    return {'was': event['is']}\n")
    plane.client("lambda").create_function(
        FunctionName="echo",
        Runtime="python3.12",
        Handler="main.handler",
        Role=f"arn:aws:iam::000000000000:role/{role}",
        Code={"ZipFile": code},
    )
    return "echo"


def invoked(plane: RunningPlane, function: str) -> object:
    answer = plane.client("lambda").invoke(FunctionName=function, Payload=b'{"is": 1}')
    return json.loads(answer["Payload"].read())


@pytest.mark.nightly
def test_after_a_stop_and_a_start_everything_is_there(plane: RunningPlane) -> None:
    """A bucket with 64 MiB, a secret, a parameter, a log group, a rule, a stack, and a function that runs."""
    octets = bytes(range(256)) * (1 << 18)
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="large", Body=octets)
    plane.client("secretsmanager").create_secret(Name="secret", SecretString="open sesame")
    plane.client("ssm").put_parameter(Name="/p", Value="v", Type="SecureString")
    plane.client("logs").create_log_group(logGroupName="group")
    plane.client("events").put_rule(Name="rule", EventPattern='{"source": ["x"]}')
    template = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "made"}}}})
    plane.client("cloudformation").create_stack(StackName="stack", TemplateBody=template)
    plane.client("cloudformation").get_waiter("stack_create_complete").wait(StackName="stack", **SOON)
    function = made_function(plane)
    plane.stop()
    plane.start()
    assert invoked(plane, function) == {"was": 1}
    assert plane.client("s3").get_object(Bucket="kept", Key="large")["Body"].read() == octets
    assert plane.client("secretsmanager").get_secret_value(SecretId="secret")["SecretString"] == "open sesame"
    assert plane.client("ssm").get_parameter(Name="/p", WithDecryption=True)["Parameter"]["Value"] == "v"
    assert [it["logGroupName"] for it in plane.client("logs").describe_log_groups()["logGroups"]] == ["group"]
    assert plane.client("events").describe_rule(Name="rule")["EventPattern"] == '{"source": ["x"]}'
    (resource,) = plane.client("cloudformation").describe_stack_resources(StackName="stack")["StackResources"]
    assert resource["PhysicalResourceId"].endswith("/made")
    assert queues(plane) == ["made"]
    plane.client("cloudformation").delete_stack(StackName="stack")
    plane.client("cloudformation").get_waiter("stack_delete_complete").wait(StackName="stack", **SOON)
    assert queues(plane) == []
    plane.stop()
    kept = [path for path in (plane.data / "backend").rglob("*") if path.is_file()]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept)
    assert not any(b"open sesame" in path.read_bytes() or b"\x00\x01\x02\x03" * 2 in path.read_bytes() for path in kept)
    assert "missing" not in errors(plane)
    plane.start()


def test_after_a_kill_the_latest_snapshot_is_there_and_the_rest_is_told(plane: RunningPlane) -> None:
    plane.client("sqs").create_queue(QueueName="before")
    plane.stop()
    plane.start()
    plane.client("sqs").create_queue(QueueName="after")
    plane.kill()
    plane.start()
    assert "what was last changed in sqs is missing: it is there as it was at 20" in errors(plane)
    assert queues(plane) == ["before"]


@pytest.mark.nightly
def test_a_plane_that_is_ephemeral_keeps_nothing_and_says_so(plane: RunningPlane) -> None:
    plane.stop()
    plane.start("--ephemeral")
    plane.client("sqs").create_queue(QueueName="passing")
    plane.stop()
    plane.start()
    assert queues(plane) == []


@pytest.mark.nightly
def test_a_state_is_saved_of_a_running_plane_forked_loaded_and_reset(plane: RunningPlane, tmp_path: Path) -> None:
    plane.client("sqs").create_queue(QueueName="saved")
    plane.client("iam").create_user(UserName="saved")
    said = locum(plane, "snapshot", "save", "--", "first")
    assert (said.returncode, said.stdout) == (0, "saved as first: identities, records, sqs\n"), said.stderr
    again = locum(plane, "snapshot", "save", "--", "first")
    assert (again.returncode, again.stderr.startswith("locum: there is a snapshot first already")) == (1, True)
    plane.client("sqs").create_queue(QueueName="later")
    running = locum(plane, "snapshot", "load", "--", "first", "--yes")
    assert (running.returncode, "is in use by another Locum" in running.stderr) == (1, True)
    assert queues(plane) == ["later", "saved"]
    assert locum(plane, "snapshot", "list", "--").stdout.startswith("first  20")

    other = tmp_path / "other" / "plane"
    assert locum(plane, "snapshot", "fork", "--", "first", str(other)).returncode == 0
    assert locum(plane, "snapshot", "fork", "--", "first", str(other)).returncode == 1
    with up(other.parent) as beside:
        assert queues(beside) == ["saved"]
        beside.client("sqs").create_queue(QueueName="beside")
    assert queues(plane) == ["later", "saved"]

    plane.stop()
    assert locum(plane, "snapshot", "load", "--", "first", "--yes").returncode == 0
    plane.start()
    assert queues(plane) == ["saved"]
    assert [user["UserName"] for user in plane.client("iam").list_users()["Users"]] == ["saved"]

    plane.stop()
    assert locum(plane, "snapshot", "save", "--", "second").stdout.startswith("saved as second: identities")
    reset = locum(plane, "reset", "--", "--service", "sqs", "--yes")
    assert (reset.returncode, reset.stdout) == (0, "reset: sqs\n"), reset.stderr
    plane.start()
    assert queues(plane) == []
    assert plane.client("iam").get_user(UserName="saved")
    plane.stop()
    assert locum(plane, "reset", "--", "--yes").returncode == 0
    plane.start()
    assert plane.client("iam").list_users()["Users"] == []
    assert len(locum(plane, "snapshot", "list", "--").stdout.splitlines()) == 2


def test_a_load_that_was_interrupted_is_finished_by_the_next_start(plane: RunningPlane) -> None:
    plane.client("iam").create_user(UserName="saved")
    locum(plane, "snapshot", "save", "--", "first")
    plane.client("iam").create_user(UserName="later")
    plane.stop()
    (plane.data / "loading").write_text("first")
    (plane.data / "locum.db").unlink()  # as it is in the middle
    plane.start()
    assert [user["UserName"] for user in plane.client("iam").list_users()["Users"]] == ["saved"]
    assert not (plane.data / "loading").exists()


@pytest.mark.parametrize("name", ["../out"])
def test_a_name_that_is_a_path_is_none(plane: RunningPlane, name: str) -> None:
    for command in (("save",), ("load", "--yes"), ("delete",)):
        said = locum(plane, "snapshot", command[0], "--", *command[1:], name)
        assert (said.returncode, "is no name of a snapshot" in said.stderr) == (1, True)
