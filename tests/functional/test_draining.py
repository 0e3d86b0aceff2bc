"""The end of a node behind a load balancer: it says so, answers those who have not heard, and then it ends."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from support.plane import SECONDS, RunningPlane, up


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[RunningPlane]:
    """A plane that drains for longer than any test."""
    with up(tmp_path, "--drain", "3600") as running:
        yield running


def ready(connection: http.client.HTTPConnection) -> tuple[int, dict[str, Any], str | None]:
    connection.request("GET", "/_locum/ready")
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read()), answer.getheader("connection")


def test_a_node_that_is_told_to_end_drains_and_ends_at_once_when_told_again(plane: RunningPlane) -> None:
    connection = http.client.HTTPConnection(urlsplit(plane.endpoint).netloc, timeout=SECONDS)
    status, body, closes = ready(connection)
    assert (status, body["ready"], closes) == (200, True, None)
    plane._process.send_signal(signal.SIGTERM)
    while status == 200:
        status, body, closes = ready(connection)
    assert (status, body["reason"], closes) == (503, "draining", "close")
    name, _ = plane.user()
    assert plane.client("iam").get_user(UserName=name)["User"]["UserName"] == name
    plane._process.send_signal(signal.SIGTERM)
    assert plane._process.wait(SECONDS) == 0
    plane.start("--drain", "0")
    assert plane.client("iam").get_user(UserName=name)["User"]["UserName"] == name
