"""Attacks on the joined writes: a client that goes away costs no other client anything."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
import uvloop

from locum.http.joined_writes import LARGE, JoinedWrites, WriteQueue


class Received(asyncio.Protocol):
    """A server's end of a connection, whose writes are joined."""

    def __init__(self, queue: WriteQueue, made: asyncio.Queue[JoinedWrites]) -> None:
        self._queue, self._made = queue, made

    def connection_made(self, transport: Any) -> None:
        self._made.put_nowait(JoinedWrites(transport, self._queue))


async def connection(made: asyncio.Queue[JoinedWrites], port: int) -> tuple[JoinedWrites, socket.socket]:
    """The server's end and the client's."""
    client = socket.create_connection(("127.0.0.1", port))
    client.setblocking(False)
    return await made.get(), client


@pytest.mark.parametrize("size", [1, LARGE + 1])
def test_a_client_that_is_gone_costs_no_other_client_its_answer(size: int) -> None:
    async def run() -> list[bytes]:
        loop = asyncio.get_running_loop()
        queue, made = WriteQueue(loop), asyncio.Queue[JoinedWrites]()
        server = await loop.create_server(lambda: Received(queue, made), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        (gone, away), (here, other) = await connection(made, port), await connection(made, port)
        gone.close()
        away.close()
        for _ in range(3):
            await asyncio.sleep(0)  # the transport is closed in the next iteration
        answers = []
        for answer in (b"one", b"two"):
            gone.write(b"x" * size)
            here.write(answer)
            answers.append(await asyncio.wait_for(loop.sock_recv(other, 100), 30))
        here.close()
        other.close()
        server.close()
        return answers

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(run()) == [b"one", b"two"]
