"""The access log: one line for each request that was answered."""

from __future__ import annotations

import asyncio
import os
import select
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Final

from locum.calls import RequestContext
from locum.core.principal import NOBODY
from locum.gateway.access_lines import Entry, Lines, TextLines

_PAUSE: Final = 0.1
"""Seconds for which lines are gathered."""
_WAITING: Final = 10_000
"""Lines that wait at most to be written, which is some seconds' worth."""
_PATIENCE: Final = 1.0
"""Seconds that the end waits for a reader."""


def parts(lines: Iterable[str]) -> Iterator[bytes]:
    """`lines` in parts of whole lines that a pipe takes whole, as others write to it, too: pipe(7), PIPE_BUF."""
    part = b""
    for line in lines:
        more = f"{line}\n".encode()
        if part and len(part) + len(more) > select.PIPE_BUF:
            yield part
            part = b""
        part += more
    if part:
        yield part


class AccessLog:
    """Writes lines to a file descriptor, in a thread of its own.

    A reader that does not keep up costs lines, which are counted, and no call waits for it.
    """

    def __init__(self, descriptor: int, lines: Lines | None = None) -> None:
        self._descriptor = descriptor
        self._lines = lines or TextLines()
        self._gathered: list[Entry] = []
        self._given: SimpleQueue[tuple[Sequence[Entry], int] | None] = SimpleQueue()
        self._handed_over = 0  # the loop's, as the next is the thread's
        self._written = 0
        self._left_out = 0
        self._thread: threading.Thread | None = None

    def add(self, context: RequestContext, status: int, now: float, code: str = "") -> None:
        """Add the line of a request that was answered `now`, by the wall clock. It runs on the event loop."""
        if len(self._gathered) + self._handed_over - self._written >= _WAITING:
            self._left_out += 1
            return
        if not self._gathered:
            asyncio.get_running_loop().call_later(_PAUSE, self._give)
        caller, authorization = context.caller, context.authorization
        observed = authorization is not None and not code and not authorization.allowed
        who = "-" if caller is NOBODY else caller.principal.arn
        kind = status, context.codec, who, context.request.source_ip, code, observed
        self._gathered.append((now, now - context.wall, context.request_id, kind))

    def close(self) -> None:
        """Write what is left, if somebody reads it."""
        self._give()
        if self._thread is not None:
            self._given.put(None)
            self._thread.join(_PATIENCE)

    def _give(self) -> None:
        if not self._gathered and not self._left_out:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="access log", daemon=True)
            self._thread.start()
        part, self._gathered, left_out, self._left_out = self._gathered, [], self._left_out, 0
        self._handed_over += len(part)
        self._given.put((part, left_out))

    def _write_all(self) -> None:
        lost = 0
        with suppress(BrokenPipeError):  # nobody reads any more
            while (given := self._given.get()) is not None:
                entries, left_out = given
                lines = list(map(self._lines.line, entries))
                if left_out + lost:
                    lines.append(self._lines.left_out(left_out + lost))
                try:
                    for part in parts(lines):
                        self._write(part)
                    lost = 0
                except BrokenPipeError:
                    raise
                except OSError:  # a disk that is full, say, which need not stay so
                    lost += left_out + len(entries)
                self._written += len(entries)

    def _write(self, text: bytes) -> None:
        left = memoryview(text)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:  # whoever shares the file has made it so
                select.select((), (self._descriptor,), ())
