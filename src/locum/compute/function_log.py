"""The log of a function's process: what it writes to standard output and error, as events of CloudWatch Logs."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import Final, NamedTuple

from locum.core.clock import Clock

TAIL: Final = 4096
"""Octets of LogResult. Lambda API Reference, Invoke: "the last 4 KB of the execution log"."""

MOST_LOGGED: Final = 8 << 20
"""Octets of one invocation that are kept as events; what a function writes beyond them is counted."""

LONGEST: Final = 262_118
"""Octets of one event: 256 KiB less its overhead of 26. CloudWatch Logs quotas, "Event size"."""

_PIPE: Final = 1 << 16  # octets: what a pipe holds. pipe(7)


class LogEvent(NamedTuple):
    """A line, with its newline, and when it came, in milliseconds since 1970."""

    at: int
    message: str


class Logged(NamedTuple):
    """The log of one invocation: its events, and the last `TAIL` octets of it."""

    events: tuple[LogEvent, ...]
    tail: bytes


class FunctionLog:
    """Reads the pipe of a process, of which `entry` is the descriptor to write to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._exit, self.entry = os.pipe()
        os.set_blocking(self._exit, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._exit, self._take)
        self._clear()

    def add(self, line: str) -> None:
        """Add a line of the host's, behind what is in the pipe."""
        self._take()
        self._end_line()
        self._keep(f"{line}\n".encode())

    def drain(self) -> Logged:
        """What came since the last time, that which is still in the pipe included."""
        self._take()
        self._end_line()
        if self._left_out:
            text = f"{self._left_out} bytes of the log are left out\n"
            self._events.append(LogEvent(self._now(), text))
        logged = Logged(tuple(self._events), self._tail)
        self._clear()
        return logged

    def close(self) -> None:
        """Close the pipe."""
        self._loop.remove_reader(self._exit)
        os.close(self._exit)
        os.close(self.entry)

    def _clear(self) -> None:
        self._events: list[LogEvent] = []
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
