"""The workers of a plane: started once it serves, started again when one ends, and ended before it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from typing import Final

from locum.agents.waiting import cancelled, rung
from locum.backends.remote.channel import PIECE, Channel, ChannelLost
from locum.cli.workers.given import HURRY, METRICS, READY, STARTED, Given, name_of, told, told_families
from locum.cli.workers.sums import added
from locum.core.errors import ConfigurationError
from locum.core.http import HttpResponse
from locum.core.metrics import CONTENT_TYPE, Family, gauge, text
from locum.core.programs import program_alike

BEGINNING: Final = 60.0
"""Seconds in which a worker serves, else it is ended."""

ENDING: Final = 10.0
"""Seconds in which workers finish what is under way when the plane ends."""

LONGEST_PAUSE: Final = 30.0
_FIRST_PAUSE: Final = 0.5
"""Seconds until a worker that ended is started again; twice as many each time, unless it has served for long."""

_SERVED_FOR_LONG: Final = 60.0
_TELLING: Final = 2.0
"""Seconds in which a worker tells its metrics, else they are left out."""


_log: Final = logging.getLogger("locum.workers")


class Workers:
    """So many workers of one plane. `sources` are the metrics of the plane itself; `there` gets their names.

    `used` is the descriptor of the memory with the services that are in use (`backends.remote.used`).
    """

    def __init__(
        self, number: int, sources: Iterable[Callable[[], Iterable[Family]]], there: set[str], used: int
    ) -> None:
        self._sources = tuple(sources)
        self._workers = [Worker(index + 1, there, used) for index in range(number)]
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, given: Given) -> None:
        """Start all of them; once this is done, they serve. Raises ConfigurationError where one does not."""
        try:
            await asyncio.gather(*(worker.begin(given, self.exposed) for worker in self._workers))
        except ChannelLost as error:
            await self.close()
            raise ConfigurationError("a worker process did not start: the log has the reason") from error
        self._tasks = [asyncio.ensure_future(worker.keep(given, self.exposed)) for worker in self._workers]

    def started(self) -> None:
        """Let all be ready, also those that are started later."""
        for worker in self._workers:
            worker.started()

    def drain(self) -> None:
        """Have all end, once they have gone on answering for as long as the plane does; none is started any more."""
        for task in self._tasks:
            task.cancel()
        for worker in self._workers:
            worker.signal(signal.SIGTERM)

    def hurry(self) -> None:
        """Have none wait for anybody any more."""
        for worker in self._workers:
            worker.signal(HURRY)

    async def close(self) -> None:
        """Have all finish what is under way, and end."""
        await cancelled(*self._tasks)
        await asyncio.gather(*(worker.end() for worker in self._workers))

    async def exposed(self) -> HttpResponse:
        """The response with the metrics of all processes."""
        return HttpResponse(200, [("content-type", CONTENT_TYPE)], await self._text())

    async def _text(self) -> bytes:
        answers = await asyncio.gather(*(worker.families() for worker in self._workers))
        answering = sum(1 for families in answers if families)
        own = [family for source in self._sources for family in source()]
        there = gauge("locum_workers", "The worker processes that answer.", [({}, answering)])
        return text(added([*own, *(family for families in answers for family in families), there]))


class Worker:
    """One worker, which is another process each time that it is started."""

    def __init__(self, number: int, there: set[str], used: int) -> None:
        self._number = number
        self._used = used
        self._there = there
        self._started = False
        self._name = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._asking: Channel | None = None
        self._telling: asyncio.Task[list[Family]] | None = None
        self._answering: asyncio.Task[None] | None = None

    async def begin(self, given: Given, exposed: Callable[[], object]) -> None:
        """Start the process, and wait until it serves. Raises ChannelLost where it does not."""
        asked, theirs = socket.socketpair()
        asking, mine = socket.socketpair()
        with theirs, asking, ExitStack() as undone:
            undone.callback(asked.close)
            undone.callback(mine.close)
            self._process = _started(theirs.fileno(), asking.fileno(), self._used)
            self._name = name_of(self._number, self._process.pid)
            self._there.add(self._name)
            channel = self._channel = await _channel(asked)
            asking_us = self._asking = await _channel(mine)
            self._answering = asyncio.ensure_future(_answer(asking_us, exposed))
            undone.pop_all()
        try:
            async with asyncio.timeout(BEGINNING):
                await channel.send(told(given._replace(number=self._number, started=self._started)))
                if await channel.receive() != READY:
                    raise ChannelLost
        except TimeoutError as error:
            raise ChannelLost from error

    async def keep(self, given: Given, exposed: Callable[[], object]) -> None:
        """Start the process again whenever it has ended, for ever."""
        loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE
        while True:
            since = loop.time()
            status = await self._ended()
            pause = _FIRST_PAUSE if loop.time() - since > _SERVED_FOR_LONG else pause
            self._there.discard(self._name)
            told_of = self._number, status, pause
            _log.warning("worker %d ended (%s): another is started in %.1f seconds", *told_of)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            await self._reap()
            try:
                await self.begin(given, exposed)
            except (ChannelLost, OSError):
                await self._reap()

    async def families(self) -> list[Family]:
        """What the process tells of itself; nothing where there is none, or it does not answer in time."""
        channel = self._channel
        if channel is None or channel.ended:
            return []
        if self._telling is None or self._telling.done():
            self._telling = asyncio.ensure_future(_families(channel))
        telling = self._telling  # one question for all who ask meanwhile: what takes long is no reason to end a worker
        await asyncio.wait((telling,), timeout=_TELLING)
        return telling.result() if telling.done() and not telling.cancelled() else []

    def started(self) -> None:
        """Let it be ready, and those that come after it."""
        self._started = True
        if self._channel is not None and not self._channel.ended:
            self._channel.put(STARTED)

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal, where there is one."""
        if self._process is not None:
            self._process.send_signal(number)

    async def end(self) -> None:
        """Have the process finish what is under way, and end."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(ENDING):
                    await self._ended()
        await self._reap()

    async def _ended(self) -> str:
        """Wait until the process has ended; how it has."""
        process = self._process
        if process is None:
            return "it did not start"
        if process.poll() is None:  # else there may be no such process any more
            await _exit_of(process)
        status = process.wait()
        return f"status {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"

    async def _reap(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._there.discard(self._name)
        for channel in (self._channel, self._asking):
            if channel is not None:
                channel.close()
        self._channel = self._asking = None
        await cancelled(*(task for task in (self._answering, self._telling) if task is not None))
        self._answering = self._telling = None


def _started(*descriptors: int) -> subprocess.Popen[bytes]:
    words = (*program_alike("locum.cli.workers.process"), *map(str, descriptors))
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, pass_fds=descriptors)  # noqa: S603 - words of ours


async def _families(channel: Channel) -> list[Family]:
    """What a worker tells of itself; nothing where it is gone."""
    try:
        await channel.send(METRICS)
        return told_families(await channel.receive())
    except ChannelLost:
        return []


async def _answer(channel: Channel, exposed: Callable[[], object]) -> None:
    """Answer what a worker asks, until it is gone."""
    with suppress(ChannelLost):
        while await channel.receive() == METRICS:
            response = await exposed()  # type: ignore[misc]
            await channel.send(response.body)
    channel.close()


async def _exit_of(process: subprocess.Popen[bytes]) -> None:
    """Wait until a process has ended, on the event loop."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    descriptor = os.pidfd_open(process.pid)
    loop.add_reader(descriptor, ended.set)
    try:
        await rung(ended, None)
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def _channel(sock: socket.socket) -> Channel:
    return Channel(*await asyncio.open_unix_connection(sock=sock, limit=PIECE))
