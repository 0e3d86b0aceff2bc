"""The front door itself: health, what is too large, who goes away."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from locum import __version__
from locum.core.http import HttpRequest
from locum.http import asgi
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
