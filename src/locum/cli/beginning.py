"""`locum up --init`: what is carried out before a plane says that it is up, by `locum init` in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from locum.core.errors import LocumError

_STDERR: Final = 2
_MAIN: Final = "from locum.cli.main import main; main()"
_GRACE: Final = 5.0
"""Seconds that scripts have to end by themselves, when the plane is to stop."""


class Beginning(NamedTuple):
    """The directory, and whether the plane starts also where something in it fails."""

    directory: Path
    keep_going: bool

    @classmethod
    def of(cls, directory: Path, *, keep_going: bool) -> Beginning:
        """Check what is in a directory. Raises ConfigurationError where something cannot be used."""
        from locum.cli.inits.folder import contents

        contents(directory)
        return cls(directory.absolute(), keep_going)

    async def carry_out(self, data: Path, stop: asyncio.Event, *, quiet: bool) -> None:
        """Carry out what is in the directory, up to its end or `stop`. Raises LocumError where it fails.

        What is said goes to the standard error; with `quiet` nothing is.
        """
        words = ["init", str(self.directory), "--data", str(data), *(["--keep-going"] if self.keep_going else [])]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _MAIN, *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL if quiet else _STDERR,
            start_new_session=True,  # so that all that it starts can be ended
        )
        ended, stopped = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                return
        finally:
            stopped.cancel()
            if not ended.done():
                await _end(process, ended)
        if process.returncode and not self.keep_going:
            raise LocumError(f"the plane has stopped, as not all in {self.directory} could be carried out")


async def _end(process: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> None:
    """End a process, and all of its group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        await asyncio.wait((ended,), timeout=_GRACE)
