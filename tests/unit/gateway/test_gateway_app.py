"""The front door itself: health, what is too large, who goes away."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from locum import __version__
from locum.core.http import HttpRequest
from locum.gateway.app import Gateway
from locum.gateway.seen import AFTER, SEQUENCE
from locum.http import asgi
from locum.http.bodies import Bodies
from support.inprocess import InProcess, scope_of
from support.wire_requests import rest, target


def test_health_is_answered_without_a_signature(plane: InProcess) -> None:
    answer = plane.send(HttpRequest("GET", "/_locum/health", "", {}))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body) == {
        "status": "ok",
        "version": __version__,
        "sequence": plane.node.ledger.state.sequence,
    }


def test_a_plane_whose_storage_failed_says_so_and_takes_no_calls(tmp_path: Path) -> None:
    plane = InProcess(tmp_path)
    plane.client("iam").create_user(UserName="ann")
    plane.run(plane.node.ledger.close())
    health = plane.send(HttpRequest("GET", "/_locum/health", "", {}))
    assert (health.status, json.loads(health.body)["status"]) == (503, "failed")
    answer = plane.send(target("DynamoDB_20120810.ListTables", {}))
    assert answer.status == 503
    plane.close()


def test_a_plane_alone_tells_what_it_has_seen_where_it_is_asked(plane: InProcess) -> None:
    request = plane.request("sts", "get_caller_identity")
    assert SEQUENCE not in plane.send(request).headers
    for after, status in (("0", 200), (str(plane.node.ledger.state.sequence), 200), ("9" * 19, 503)):
        request.headers = {**request.headers, AFTER: after}
        answer = plane.send(request)
        assert (answer.status, answer.headers[SEQUENCE]) == (status, str(plane.node.ledger.state.sequence))


@pytest.mark.parametrize("path", ["/_locum/health/", "/_locum", "/_locum/healthy", "//_locum/health"])
def test_no_other_path_goes_without_a_signature(plane: InProcess, path: str) -> None:
    assert plane.send(HttpRequest("GET", path, "", {"host": "h"})).status in (400, 403, 404)


def test_a_payload_over_the_limit_is_refused_in_the_callers_protocol_and_recorded(plane: InProcess) -> None:
    request = rest("PUT", "/bucket/key")
    request.headers = {**request.headers, "content-length": str(asgi.MAX_BODY + 1)}
    answer = plane.send(request)
    assert (answer.status, answer.headers["content-type"]) == (413, "application/xml")
    assert b"<Code>EntityTooLarge</Code>" in answer.body
    assert plane.record(answer.headers["x-amz-request-id"]).error_code == "EntityTooLarge"


async def half_a_body() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"{", "more_body": True}


def half_sent(plane: InProcess, request: HttpRequest, app: Any = None, **state: Any) -> tuple[int, bytes]:
    """The status and body for a request whose body does not end."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {**scope_of(request), "state": state}
    plane.run((app or plane.node.gateway)(scope, half_a_body, send))
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize(
    "request_",
    [rest("PUT", "/bucket/key"), target("DynamoDB_20120810.PutItem", b"")],
    ids=["s3", "dynamodb"],
)
def test_a_body_that_does_not_come_in_time_is_told_so_in_the_callers_protocol_and_recorded(
    plane: InProcess, request_: HttpRequest
) -> None:
    status, body = half_sent(plane, request_, timed_out=True)
    assert status == 400
    assert b"RequestTimeout" in body
    assert b"Your socket connection to the server was not read from or written to within the timeout period" in body
    record = plane.records(1)[0]
    assert (record.error_code, record.stranger) == ("RequestTimeout", True)


def test_a_body_for_which_there_is_no_memory_is_told_to_slow_down(plane: InProcess) -> None:
    bodies = Bodies(limit=10, free=0)
    app = Gateway(plane.node.runtime, plane.node.gateway._pipeline, bodies)
    status, body = half_sent(plane, rest("PUT", "/bucket/key"), app)
    assert (status, b"<Code>SlowDown</Code>" in body) == (503, True)
    assert bodies.held == 0


def test_a_body_is_counted_until_its_request_is_answered(plane: InProcess) -> None:
    bodies = Bodies()
    app = Gateway(plane.node.runtime, plane.node.gateway._pipeline, bodies)
    messages: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "body": b"c"},
    ]
    held: list[int] = []

    async def receive() -> MutableMapping[str, Any]:
        return messages.pop(0)

    async def send(_message: MutableMapping[str, Any]) -> None:
        held.append(bodies.held)

    plane.run(app(scope_of(rest("PUT", "/bucket/key")), receive, send))
    assert (held[0], bodies.held) == (3, 0)


def test_a_client_that_goes_away_is_sent_nothing(plane: InProcess) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    plane.run(plane.node.gateway(scope_of(rest("GET", "/bucket/key")), receive, send))
    assert sent == []


def test_what_is_not_http_is_left_alone(plane: InProcess) -> None:
    async def unasked(*_: Any) -> Any:
        raise AssertionError("nothing is to be read or sent")

    plane.run(plane.node.gateway({"type": "lifespan"}, unasked, unasked))
