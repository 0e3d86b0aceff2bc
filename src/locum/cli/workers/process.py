"""The program of a worker process: it serves until its plane ends, by whatever, or ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager, suppress

import uvloop

from locum.agents.waiting import cancelled
from locum.backends.remote import UsedServices
from locum.backends.remote.channel import PIECE, Channel, ChannelLost
from locum.cli.open_files import raise_open_files
from locum.cli.options import Options
from locum.cli.plane_log import plane_log
from locum.cli.telemetry import json_log
from locum.cli.tuning import tune_interpreter
from locum.cli.workers.given import HURRY, METRICS, READY, STARTED, given_in, tell_families
from locum.cli.workers.node import WorkerNode
from locum.core.http import HttpResponse
from locum.core.metrics import CONTENT_TYPE


def main() -> None:
    """Run a worker.

    The arguments are three descriptors: of what its plane asks, of what it asks its plane, and of the memory with the
    services that are in use.
    """
    raise_open_files()
    *sockets, used = map(int, sys.argv[-3:])
    asked, asking = (socket.socket(fileno=number) for number in sockets)
    with suppress(ChannelLost):  # the plane has ended before it said anything
        uvloop.run(_run(asked, asking, UsedServices(used)))


async def _run(asked: socket.socket, asking: socket.socket, used: UsedServices) -> None:
    loop, stop, gone = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # which a terminal sends to all: the plane says when it ends
    with _plane_watched(gone):
        channel, plane = await _channel(asked), Plane(await _channel(asking))
        given = given_in(await channel.receive())
        async with AsyncExitStack() as left:
            left.enter_context(_log(given.options))
            node = WorkerNode(given, used, plane.exposed)
            left.push_async_callback(node.close)
            loop.add_signal_handler(HURRY, node.hurry)
            await node.open()
            tune_interpreter()
            await channel.send(READY)
            tasks = [asyncio.ensure_future(it) for it in (_answer(channel, node), stop.wait(), gone.wait())]
            left.push_async_callback(cancelled, *tasks)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set() and not gone.is_set():
                await node.drain(gone)


class Plane:
    """The plane of this worker, as far as it is asked."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._turn = asyncio.Lock()

    async def exposed(self) -> HttpResponse:
        """The response with the metrics of all its processes; 503 where it does not tell them."""
        try:
            async with self._turn:
                await self._channel.send(METRICS)
                body = await self._channel.receive()
        except ChannelLost:
            return HttpResponse(503)
        return HttpResponse(200, [("content-type", CONTENT_TYPE)], body)


async def _answer(channel: Channel, node: WorkerNode) -> None:
    """Do what the plane says, until it is gone."""
    with suppress(ChannelLost):
        while (said := await channel.receive()) in (METRICS, STARTED):
            if said == METRICS:
                await channel.send(tell_families(list(node.families())))
            else:
                node.gateway.readiness.started()


@contextmanager
def _plane_watched(gone: asyncio.Event) -> Iterator[None]:
    """Set `gone` when the process that started this one has ended (pidfd_open(2))."""
    loop, plane = asyncio.get_running_loop(), os.pidfd_open(os.getppid())
    loop.add_reader(plane, gone.set)
    try:
        yield
    finally:
        loop.remove_reader(plane)
        os.close(plane)


def _log(options: Options) -> AbstractContextManager[None]:
    return json_log() if options.log_format == "json" else plane_log(options.data, rotates=False)


async def _channel(sock: socket.socket) -> Channel:
    return Channel(*await asyncio.open_unix_connection(sock=sock, limit=PIECE))


if __name__ == "__main__":
    main()
