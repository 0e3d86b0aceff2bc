"""A Lambda function, deployed and invoked: it may what its role may, the record says so, and nothing is left of it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest

from support.functions import WAITING, Meeting, package
from support.plane import ACCOUNT, RunningPlane, allow, fresh, needs_namespaces, trusting, up

READER = """
import boto3

def handler(event, context):
    found = boto3.client("s3").get_object(Bucket=event["bucket"], Key="report")
    boto3.client("iam").list_account_aliases()
    return found["Body"].read().decode()
"""
SPY = """
import os, pathlib

def handler(event, context):
    return [path for path in event if pathlib.Path(path).exists()]
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the planes that a test starts have the directories of their functions."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setenv("TMPDIR", str(made))
    return made


def deployed(plane: RunningPlane, main: str, *statements: dict[str, Any], **changes: Any) -> tuple[str, str]:
    """The names of a new function and of its role, which `statements` are about."""
    role = plane.role(trusting(Service="lambda.amazonaws.com"), *statements)
    fields = {
        "FunctionName": fresh("function"),
        "Runtime": "python3.11",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/{role}",
        "Handler": "main.handler",
        "Timeout": 60,
        "Code": {"ZipFile": package(main=main)},
    }
    return plane.client("lambda").create_function(**{**fields, **changes})["FunctionName"], role


def answer(plane: RunningPlane, name: str, event: Any) -> Any:
    """What the function answers to `event`."""
    made = plane.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(made["Payload"].read())


def events(plane: RunningPlane, operation: str, role: str) -> list[dict[str, Any]]:
    """The CloudTrail events of an operation that speak of `role`."""
    wanted = [{"AttributeKey": "EventName", "AttributeValue": operation}]
    found = plane.client("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"]
    return [json.loads(event["CloudTrailEvent"]) for event in found if role in event["CloudTrailEvent"]]


def test_a_function_may_what_its_role_may_and_the_record_says_who_it_was(plane: RunningPlane) -> None:
    may_read, closed = plane.bucket(report=b"all is well"), plane.bucket(report=b"not for you")
    reading = allow("s3:GetObject", f"arn:aws:s3:::{may_read}/*")
    name, role = deployed(plane, READER, reading, allow("iam:ListAccountAliases"))
    assert answer(plane, name, {"bucket": may_read}) == "all is well"
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"
    told = answer(plane, name, {"bucket": closed})
    assert told["errorMessage"] == (
        "An error occurred (AccessDenied) when calling the GetObject operation: "
        f"User: {session} is not authorized to perform: s3:GetObject on resource: "
        f'"arn:aws:s3:::{closed}/report" because no identity-based policy allows the s3:GetObject action'
    )
    (assumed,) = events(plane, "AssumeRole", role)
    assert assumed["userIdentity"] == {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}
    (listed,) = events(plane, "ListAccountAliases", role)
    assert (listed["userIdentity"]["type"], listed["userIdentity"]["arn"]) == ("AssumedRole", session)


@needs_namespaces
def test_a_function_does_not_see_the_data_directory(plane: RunningPlane) -> None:
    name, _ = deployed(plane, SPY)
    files = [str(path) for path in plane.data.iterdir()]
    assert files
    assert answer(plane, name, files) == []


OPENS = """
def handler(event, context):
    opened = []
    for path in event:
        try:
            open(path, "ab").close()
            opened.append(path)
        except OSError:
            pass
    return opened + [line.split()[5].split(",")[0] for line in open("/proc/self/mountinfo") if " /proc/sys " in line]
"""


@needs_namespaces
def test_a_function_of_root_s_plane_has_no_word_in_the_settings_of_the_kernel(plane: RunningPlane) -> None:
    # uid 0 writes there without any capability, and `|/program` in core_pattern is executed as root of the host
    name, _ = deployed(plane, OPENS)
    settings = ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger"]
    assert answer(plane, name, settings) == ["ro"]


def abandoned(plane: RunningPlane, name: str) -> socket.socket:
    """A connection on which the function is invoked, to be closed without waiting for the answer."""
    kept: list[AWSPreparedRequest] = []

    def keep(request: AWSPreparedRequest, **_: Any) -> None:
        kept.append(request)
        raise ConnectionAbortedError

    client = plane.client("lambda")
    client.meta.events.register("before-send", keep)
    with pytest.raises(ConnectionAbortedError):
        client.invoke(FunctionName=name)
    request = kept[0]
    parts = urlsplit(request.url)
    lines = [f"{request.method} {parts.path} HTTP/1.1", f"host: {parts.netloc}"]
    for header, value in request.headers.items():
        lines.append(f"{header}: {value.decode() if isinstance(value, bytes) else value}")
    connection = socket.create_connection((parts.hostname, parts.port))
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def test_a_caller_who_hangs_up_leaves_a_function_that_ends_at_its_timeout(temporary: Path, place: Meeting) -> None:
    with up(temporary.parent, "--function-port", str(place.port)) as plane:
        name, _ = deployed(plane, WAITING, Timeout=1, Environment={"Variables": place.environment})
        with abandoned(plane, name):
            visitor = place.next()
        assert visitor.gone()
    assert list(temporary.iterdir()) == []


def test_a_plane_that_ends_takes_its_functions_with_it(temporary: Path, place: Meeting) -> None:
    with up(temporary.parent, "--function-port", str(place.port)) as plane:
        name, _ = deployed(plane, WAITING, Timeout=900, Environment={"Variables": place.environment})
        with abandoned(plane, name):
            visitor = place.next()
    assert visitor.gone()
    assert list(temporary.iterdir()) == []
