"""Commands of Run Command made real: a script that runs inside an instance, to an end, with bounded output.

The script gets nothing of the plane's: neither its variables nor its descriptors. What it may do is what anything in
the instance may: its credentials are those of the metadata service.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Final, NamedTuple, Self

from locum.compute.handover import Entrance
from locum.core.programs import program

MOST_KEPT: Final = 1 << 20
"""Octets of standard output, and of standard error, that are kept; what comes after them is read and dropped."""

CANNOT_START: Final = 126
"""The exit code, as shells give it, of a script for which there is no process."""

_TAIL: Final = 1.0
"""Seconds for which what a process has left behind is listened to."""

_CHUNK: Final = 1 << 16


class Result(NamedTuple):
    """The end of a script: its exit code, None where it was ended before; what it printed, cut at `MOST_KEPT`."""

    code: int | None
    out: bytes
    err: bytes


async def run_inside(
    entrance: Entrance,
    script: str,
    directory: str,
    environment: Mapping[str, str],
    seconds: float,
    cancelled: asyncio.Event,
) -> Result:
    """Run `script` in `directory` inside an instance.

    It is ended after so many `seconds`, once `cancelled` is set, and where this is cancelled itself: with all that it
    has started. What it leaves behind when it ends by itself stays, and is not listened to any more. Raises OSError
    where it cannot be started.
    """
    loop = asyncio.get_running_loop()
    with ExitStack() as closed:
        out, err = closed.enter_context(_Stream()), closed.enter_context(_Stream())
        process = await asyncio.create_subprocess_exec(
            *program("locum.compute.command_program"),
            stdin=asyncio.subprocess.PIPE,
            stdout=out.writing,
            stderr=err.writing,
            env=dict(environment),
            cwd="/",
            start_new_session=True,
        )
        assert process.stdin is not None
        reading = [loop.create_task(out.read()), loop.create_task(err.read())]
        waits, ends = loop.create_task(cancelled.wait()), loop.create_task(process.wait())
        try:
            asked = {"pid": entrance.pid, "within": entrance.within, "script": script, "directory": directory}
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            done, _ = await asyncio.wait({waits, ends}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            code = process.returncode if ends in done else None
        finally:
            process.stdin.close()  # which ends it, where it has not ended
            waits.cancel()
            await asyncio.shield(ends)
            _, late = await asyncio.wait(reading, timeout=_TAIL)
            for task in late:
                task.cancel()
        return Result(code, bytes(out.kept), bytes(err.kept))


class _Stream:
    """One of the streams of a process: the beginning of what comes is `kept`, and all of it is read."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self._reading, self.writing = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for descriptor in (self._reading, self.writing):
            if descriptor >= 0:
                os.close(descriptor)

    async def read(self) -> None:
        """Read to the end, once the process has the stream."""
        os.close(self.writing)
        source, self._reading, self.writing = os.fdopen(self._reading, "rb", buffering=0), -1, -1
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), source)
        try:
            while chunk := await reader.read(_CHUNK):
                self.kept += chunk[: MOST_KEPT - len(self.kept)]
        finally:
            transport.close()
