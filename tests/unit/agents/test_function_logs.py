"""Logs of functions in CloudWatch Logs: who writes them, by which calls, and what becomes of them otherwise."""

from __future__ import annotations

import asyncio
import re

import pytest

from locum.compute.functions import log as function_log
from support.deployed import MAY_LOG, TRUSTS_LAMBDA, deployed, invoked, role
from support.functions import WAITING, Meeting
from support.inprocess import InProcess
from support.plane import allow


def log_calls(plane: InProcess, name: str) -> list[tuple[str, str, str]]:
    """The calls of CloudWatch Logs about a function: operation, session and verdict, the first one first."""
    plane.write_logs()
    told = [record for record in plane.records() if record.service == "logs" and name in str(record.parameters)]
    return [(record.operation, record.identity.arn.split("/", 1)[1], record.verdict) for record in reversed(told)]


def written(plane: InProcess, name: str) -> dict[str, list[str]]:
    """What is in the log group of a function, by stream."""
    client, group = plane.client("logs"), f"/aws/lambda/{name}"
    streams = [it["logStreamName"] for it in client.describe_log_streams(logGroupName=group)["logStreams"]]
    return {
        stream: [it["message"] for it in client.get_log_events(logGroupName=group, logStreamName=stream)["events"]]
        for stream in streams
    }


def test_the_log_is_written_by_the_session_of_the_role(plane: InProcess) -> None:
    made = role(plane, TRUSTS_LAMBDA, MAY_LOG)
    name = deployed(plane, "def handler(event, context): print('working')", Role=made)
    answer, _ = invoked(plane, name)
    request, session = answer["ResponseMetadata"]["RequestId"], f"{made.rpartition('/')[2]}/{name}"
    operations = ("CreateLogStream", "CreateLogGroup", "CreateLogStream", "PutLogEvents")
    assert log_calls(plane, name) == [(operation, session, "allow") for operation in operations]
    ((stream, (start, said, end, report)),) = written(plane, name).items()
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)
    assert (start, said, end) == (
        f"START RequestId: {request} Version: $LATEST\n",
        "working\n",
        f"END RequestId: {request}\n",
    )
    assert report.startswith(f"REPORT RequestId: {request}\tDuration: ")
    assert {record.invoked_by for record in plane.records() if record.service == "logs"} >= {"lambda.amazonaws.com"}


def test_a_role_without_permissions_of_logs_has_no_logs_and_nothing_fails(plane: InProcess) -> None:
    name = deployed(plane)
    assert invoked(plane, name)[0]["StatusCode"] == 200
    assert [(operation, verdict) for operation, _, verdict in log_calls(plane, name)] == [
        ("CreateLogStream", "implicit-deny")
    ]
    groups = plane.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")
    assert groups["logGroups"] == []


def test_what_a_function_writes_is_in_the_log_while_it_runs(
    plane: InProcess, place: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function_log, "FLUSH_SECONDS", 0.0)
    plane.let_functions_reach(place.port)
    program = WAITING.replace("    with socket", "    print('working')\n    with socket")
    name = deployed(
        plane, program, Role=role(plane, TRUSTS_LAMBDA, MAY_LOG), Environment={"Variables": place.environment}
    )
    plane.client("logs").create_log_group(logGroupName=f"/aws/lambda/{name}")
    invoked(plane, name, InvocationType="Event")
    visitor = plane.run(asyncio.to_thread(place.next))
    lines: list[str] = []
    while "working\n" not in lines:
        plane.run(asyncio.sleep(0))
        plane.write_logs()
        lines = [line for stream in written(plane, name).values() for line in stream]
    assert [line.split()[0] for line in lines] == ["START", "working"]
    visitor.release()
    plane.carry_out()
    plane.write_logs()
    ((_, lines),) = written(plane, name).items()
    assert [line.split()[0] for line in lines] == ["START", "working", "END", "REPORT"]


def test_a_group_that_is_there_is_written_to_without_the_permission_to_make_it(plane: InProcess) -> None:
    name = deployed(plane, Role=role(plane, TRUSTS_LAMBDA, allow(["logs:CreateLogStream", "logs:PutLogEvents"], "*")))
    plane.client("logs").create_log_group(logGroupName=f"/aws/lambda/{name}")
    invoked(plane, name)
    plane.write_logs()
    assert len(written(plane, name)) == 1


def test_a_long_log_is_written_whole_in_as_few_calls_as_take_it(plane: InProcess) -> None:
    program = "def handler(event, context):\n    for number in range(12_000): print(number)\n"
    name = deployed(plane, program, Role=role(plane, TRUSTS_LAMBDA, MAY_LOG))
    invoked(plane, name)
    assert [operation for operation, _, _ in log_calls(plane, name)].count("PutLogEvents") == 2
    client, group = plane.client("logs"), f"/aws/lambda/{name}"
    (stream,) = client.describe_log_streams(logGroupName=group)["logStreams"]
    assert stream["storedBytes"] > sum(len(str(number)) for number in range(12_000))


def test_the_logs_of_an_environment_are_one_stream(plane: InProcess) -> None:
    name = deployed(plane, Role=role(plane, TRUSTS_LAMBDA, MAY_LOG))
    for _ in range(2):
        invoked(plane, name)
    plane.write_logs()
    (lines,) = written(plane, name).values()
    assert [line.split()[0] for line in lines] == ["START", "END", "REPORT"] * 2
