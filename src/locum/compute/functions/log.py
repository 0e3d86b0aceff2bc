"""The log of a function's process: what it writes to standard output and error, as events of CloudWatch Logs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from locum.core.clock import Clock

TAIL: Final = 4096
"""Octets of LogResult. Lambda API Reference, Invoke: "the last 4 KB of the execution log"."""

MOST_LOGGED: Final = 8 << 20
"""Octets of one invocation that are kept as events; what a function writes beyond them is counted."""

LONGEST: Final = 262_118
"""Octets of one event: 256 KiB less its overhead of 26. CloudWatch Logs quotas, "Event size"."""

FLUSH_SECONDS: Final = 2.0
"""Seconds that a line that a function writes is kept before it is told, while the invocation runs."""

_PIPE: Final = 1 << 16  # octets: what a pipe holds. pipe(7)


class LogEvent(NamedTuple):
    """A line, with its newline, and when it came, in milliseconds since 1970."""

    at: int
    message: str


class Drained(NamedTuple):
    """The end of the log of an invocation: the events that nobody was told, and its last `TAIL` octets."""

    events: tuple[LogEvent, ...]
    tail: bytes


class FunctionLog:
    """Reads the pipe of a process, of which `entry` is the descriptor to write to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._exit, self.entry = os.pipe()
        os.set_blocking(self._exit, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._exit, self._arrived)
        self._told: Callable[[Sequence[LogEvent]], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._events: list[LogEvent] = []
        self._clear()

    def begin(self, told: Callable[[Sequence[LogEvent]], None] | None) -> None:
        """Tell `told` of events from now on, some time after they came, until the log is drained."""
        self._told = told

    def add(self, line: str) -> None:
        """Add a line of the host's, behind what is in the pipe."""
        self._take()
        self._end_line()
        self._keep(f"{line}\n".encode())

    def drain(self) -> Drained:
        """Take the events that nobody was told, those that are still in the pipe included, and the end of the log."""
        self._told = None
        self._forget_timer()
        self._take()
        self._end_line()
        if self._left_out:
            text = f"{self._left_out} bytes of the log are left out\n"
            self._events.append(LogEvent(self._now(), text))
        drained = Drained(tuple(self._events), self._tail)
        self._clear()
        return drained

    def close(self) -> None:
        """Close the pipe."""
        self._forget_timer()
        self._loop.remove_reader(self._exit)
        os.close(self._exit)
        os.close(self.entry)

    def _arrived(self) -> None:
        """Take what came, and have it be told in a while."""
        self._take()
        if self._told is not None and self._timer is None:
            self._timer = self._loop.call_later(FLUSH_SECONDS, self._flush)

    def _flush(self) -> None:
        self._timer = None
        if self._told is not None and self._events:
            self._told(tuple(self._events))
            self._events, self._size = [], 0

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _clear(self) -> None:
        self._events = []
        self._tail = self._partial = b""
        self._size = self._left_out = 0

    def _take(self) -> None:
        with suppress(BlockingIOError):
            self._keep(os.read(self._exit, _PIPE))

    def _keep(self, octets: bytes) -> None:
        self._tail = (self._tail + octets)[-TAIL:]
        *lines, self._partial = (self._partial + octets).split(b"\n")
        for line in lines:
            self._event(line + b"\n")
        while len(self._partial) >= LONGEST:
            self._event(self._partial[:LONGEST])
            self._partial = self._partial[LONGEST:]

    def _end_line(self) -> None:
        """End a line that the function has begun."""
        if self._partial:
            self._event(self._partial + b"\n")
            self._tail = (self._tail + b"\n")[-TAIL:]
            self._partial = b""

    def _event(self, line: bytes) -> None:
        if self._size + len(line) > MOST_LOGGED:
            self._left_out += len(line)
            return
        self._size += len(line)
        for start in range(0, len(line), LONGEST):
            text = line[start : start + LONGEST].decode(errors="replace")
            self._events.append(LogEvent(self._now(), text))

    def _now(self) -> int:
        return int(self._clock() * 1000)
