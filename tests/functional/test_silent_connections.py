"""Connections that say nothing keep nobody from being answered, however few files the plane may have open."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.plane import RunningPlane, up

SILENT = 1024


@pytest.fixture(params=[512, 4096])
def plane(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningPlane]:
    with up(tmp_path, files=request.param) as running:
        yield running


@pytest.fixture
def silent(plane: RunningPlane) -> Iterator[list[socket.socket]]:
    """Connections to the plane on which nothing was said; on half of them half a request was."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * SILENT
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"this process may not have {needed} files open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    where = urlsplit(plane.endpoint)
    with ExitStack() as opened:
        opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        sockets = []
        for number in range(SILENT):
            sock = opened.enter_context(socket.create_connection((where.hostname, where.port)))
            if number % 2:
                sock.sendall(b"PUT /bucket/key HTTP/1.1\r\nhost: x\r\n")
            sockets.append(sock)
        yield sockets


def test_1024_connections_that_say_nothing_leave_the_plane_answering(
    plane: RunningPlane, silent: list[socket.socket]
) -> None:
    assert len(silent) == SILENT
    for _ in range(8):
        assert plane.client("sts").get_caller_identity()["Account"]
    bucket = plane.bucket(key=b"value")
    assert plane.client("s3").get_object(Bucket=bucket, Key="key")["Body"].read() == b"value"
    assert plane.running
