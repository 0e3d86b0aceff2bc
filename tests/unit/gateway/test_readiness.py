"""What a node says of itself, and that it serves nothing while it may be behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from locum.core.carriers import Carrier, Kind
from locum.core.errors import Fault, PassingStorageError
from locum.core.http import HttpRequest, HttpResponse
from locum.gateway.readiness import Readiness
from locum.store import Ledger
from locum.store.memory import MemoryJournal
from support.inprocess import Answer, InProcess, Key, exchange
from support.plane import trusting
from support.shared_nodes import SharedPlane, two_nodes
from support.silent_journals import SilentJournal
from support.wire_requests import form, rest, target

BEYOND = 2.1
"""Seconds, after which a node has heard nothing for too long."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SharedPlane, SharedPlane]]:
    with two_nodes(tmp_path_factory.mktemp("nodes")) as nodes:
        yield nodes


@pytest.fixture
def stale(here: tuple[SharedPlane, SharedPlane]) -> Iterator[SharedPlane]:
    """A node whose connection to the database is dead without a word."""
    plane = here[1]
    plane.look()
    plane.journal.die()
    plane.uptime.now += BEYOND
    yield plane
    plane.journal.live()
    plane.look()


def told(plane: InProcess, path: str) -> tuple[int, dict[str, Any]]:
    answer = plane.send(HttpRequest("GET", path, "", {}))
    return answer.status, json.loads(answer.body)


# -- ready ---------------------------------------------------------------------------------------------------


def test_a_node_is_ready_once_it_is_complete(tmp_path: Path) -> None:
    plane = InProcess(tmp_path)
    assert told(plane, "/_locum/ready")[1]["reason"] == "starting"
    plane.node.gateway.readiness.started()
    status, body = told(plane, "/_locum/ready")
    assert (status, body["ready"], body["staleness"], body["sequence"]) == (
        200,
        True,
        0,
        plane.node.ledger.state.sequence,
    )
    assert "reason" not in body
    plane.close()


def test_a_node_that_ends_soon_says_so_and_answers(tmp_path: Path) -> None:
    plane = InProcess(tmp_path)
    plane.node.gateway.readiness.started()
    plane.node.gateway.readiness.drain()
    assert told(plane, "/_locum/ready") == (
        503,
        {**told(plane, "/_locum/ready")[1], "ready": False, "reason": "draining"},
    )
    assert plane.client("sts").get_caller_identity()["Account"]
    plane.close()


def test_a_node_whose_storage_failed_says_so(tmp_path: Path) -> None:
    plane = InProcess(tmp_path)
    plane.node.gateway.readiness.started()
    plane.run(plane.node.ledger.close())
    status, body = told(plane, "/_locum/ready")
    assert (status, body["reason"]) == (503, "storage")
    plane.close()


def test_storage_that_is_away_for_a_while_is_no_reason_to_start_again(
    here: tuple[SharedPlane, SharedPlane], monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = here[1]

    def locked(_rows: object) -> None:
        raise PassingStorageError("the database is locked")

    plane.look()
    monkeypatch.setattr(plane.journal, "record", locked)
    plane.client("sts").get_caller_identity()
    with pytest.raises(Fault, match="ServiceUnavailable"):
        plane.run(plane.node.ledger.flush())
    assert (told(plane, "/_locum/health")[0], told(plane, "/_locum/health")[1]["status"]) == (200, "storage")
    assert (told(plane, "/_locum/ready")[0], told(plane, "/_locum/ready")[1]["reason"]) == (503, "storage")
    monkeypatch.undo()
    plane.run(plane.node.ledger.flush())
    assert (told(plane, "/_locum/health")[0], told(plane, "/_locum/ready")[0]) == (200, 200)


def test_a_stale_node_is_alive_not_ready_and_says_how_long_it_heard_nothing(stale: SharedPlane) -> None:
    assert told(stale, "/_locum/health")[0] == 200
    status, body = told(stale, "/_locum/ready")
    assert (status, body["reason"], body["staleness"]) == (503, "stale", BEYOND)


def test_a_node_that_is_heard_again_is_ready_by_itself(here: tuple[SharedPlane, SharedPlane]) -> None:
    plane = here[1]
    plane.uptime.now += BEYOND
    assert told(plane, "/_locum/ready")[0] == 503
    plane.look()
    assert told(plane, "/_locum/ready")[0] == 200
    assert plane.client("sts").get_caller_identity()["Account"]


def test_a_node_is_not_ready_before_it_has_heard_of_the_journal() -> None:
    async def asked() -> HttpResponse:
        ledger = Ledger.open(SilentJournal(MemoryJournal(shared=True)))
        readiness = Readiness(ledger)
        readiness.started()
        ledger.follow()
        response = readiness.response()
        await ledger.close()
        return response

    response = asyncio.run(asked())
    assert isinstance(response.body, bytes)
    body = json.loads(response.body)
    assert (response.status, body["reason"], body["staleness"]) == (503, "stale", None)


# -- nothing is served ---------------------------------------------------------------------------------------

REQUESTS = {
    "query": (form("iam", "ListUsers"), "<Code>ServiceUnavailable</Code>"),
    "ec2": (form("ec2", "DescribeInstances"), "ServiceUnavailable"),
    "json": (target("DynamoDB_20120810.ListTables", {}), "ServiceUnavailable"),
    "s3": (rest("GET", "/bucket/key"), "<Code>ServiceUnavailable</Code>"),
    "website": (rest("GET", "/", host="b.s3-website-us-east-1.amazonaws.com"), "ServiceUnavailable"),
    "preflight": (rest("OPTIONS", "/bucket/key", origin="https://a.example"), "ServiceUnavailable"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_stale_node_refuses_what_nobody_signed_in_each_protocol(stale: SharedPlane, name: str) -> None:
    request, told_so = REQUESTS[name]
    answer = stale.send(request)
    assert (answer.status, told_so in answer.body.decode()) == (503, True)


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("iam", "list_users", {}),
        ("sts", "get_caller_identity", {}),
        ("sts", "get_session_token", {}),
        ("ec2", "describe_instances", {}),
        ("dynamodb", "list_tables", {}),
        ("lambda", "list_functions", {}),
        ("s3", "list_buckets", {}),
        ("locum", "list_records", {}),
    ],
)
def test_a_stale_node_refuses_signed_calls_of_every_kind(
    stale: SharedPlane, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    answer = stale.send(stale.request(service, operation, **parameters))
    assert (answer.status, b"ServiceUnavailable" in answer.body + repr(answer.headers).encode()) == (503, True)


def test_a_stale_node_refuses_a_presigned_url(stale: SharedPlane) -> None:
    url = stale.client("s3").generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
    path, _, query = url.partition("://")[2].partition("/")[2].partition("?")
    assert stale.send(HttpRequest("GET", f"/{path}", query, {"host": "127.0.0.1:4566"})).status == 503


@pytest.mark.parametrize(
    "path", ["/_locum/oidc/abc/.well-known/jwks.json", "/_locum/oidc/abc/.well-known/openid-configuration"]
)
def test_a_stale_node_publishes_no_keys(stale: SharedPlane, path: str) -> None:
    assert stale.send(HttpRequest("GET", path, "", {})).status == 503


def test_a_stale_node_authenticates_nobody(stale: SharedPlane) -> None:
    """A key that is no good gets the same answer as one that is: it may be good by now, or not any more."""
    answer = stale.send(stale.request("sts", "get_caller_identity", Key("AKIAIOSFODNN7EXAMPLE", "secret")))
    assert answer.status == 503


def test_a_stale_node_gives_instances_nothing(stale: SharedPlane) -> None:
    app = stale.node.metadata.app("000000000000", "i-0123456789abcdef0")
    for method, path in (("PUT", "/latest/api/token"), ("GET", "/latest/meta-data/iam/security-credentials/")):
        answer: Answer = stale.run(exchange(app, HttpRequest(method, path, "", {})))
        assert answer.status == 503
    ipv6 = stale.node.metadata.app("000000000000", "i-0123456789abcdef0", ipv6=True)
    assert stale.run(exchange(ipv6, HttpRequest("GET", "/", "", {}))).status == 503


def test_a_stale_node_makes_no_calls_of_services(stale: SharedPlane) -> None:
    caller = service_principal("iam.amazonaws.com", "000000000000")
    with pytest.raises(Fault, match="ServiceUnavailable"):
        stale.run(stale.node.calls.make(ServiceCall(caller, "iam", "ListUsers", {}, "us-east-1")))


def test_a_stale_node_gives_a_task_no_credentials_not_even_those_that_it_has(
    here: tuple[SharedPlane, SharedPlane],
) -> None:
    plane = here[1]
    plane.look()
    role = f"tasks-{plane.sequence}"
    trust = trusting(Service="ecs-tasks.amazonaws.com")
    arn = plane.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    named = {"account": "000000000000", "region": "us-east-1", "role": arn, "name": "app", "secret": "s"}
    task = Carrier(kind=Kind.ECS, id="0" * 32, **named)
    request = HttpRequest("GET", "/v2/credentials/s", "", {"host": "169.254.170.2"})
    app = plane.node.endpoints.app(task)
    assert plane.run(exchange(app, request)).status == 200
    plane.journal.die()
    plane.uptime.now += BEYOND
    assert plane.run(exchange(app, request)).status == 503
    plane.journal.live()
    plane.look()
    assert plane.run(exchange(app, request)).status == 200


def test_strangers_at_a_stale_node_leave_nothing_to_be_written(stale: SharedPlane) -> None:
    for _ in range(50):
        assert stale.send(rest("GET", "/bucket/key")).status == 503
    assert stale.node.ledger.waiting <= 1
