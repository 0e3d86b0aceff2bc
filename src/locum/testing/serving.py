"""The program of the process that is the plane of a test run: `locum up` on a directory that is thrown away.

It says on its standard output when it answers, and ends when its standard input does: with the process that started it,
however that ends.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path
from shutil import rmtree
from typing import Final

import uvloop

from locum.cli.commands.up import serve
from locum.cli.home import Plane
from locum.cli.options import Options
from locum.core.clock import MovableClock
from locum.services.verbs import Settings

DATA: Final = "data"
"""The data directory, in the one that is thrown away."""

_STDIN: Final = 0
_CHUNK: Final = 1 << 12


def main(folder: Path, region: str) -> None:
    """Serve on a free port of the loopback address until the end of the standard input, or SIGTERM; remove `folder`."""
    uvloop.run(serve(options(folder / DATA, region), _say))
    rmtree(folder, ignore_errors=True)  # the tests may have been killed


def options(data: Path, region: str) -> Options:
    """The options of such a plane: nothing is durable, and LookupEvents is answered as often as it is asked."""
    return Options(
        data=data,
        port=0,
        settings=Settings(region, rate_limits=False),
        launcher_grace=0.0,
        durable=False,
        ephemeral=True,
    )


def _say(_options: Options, plane: Plane, _clock: MovableClock) -> None:
    gc.enable()
    asyncio.get_running_loop().add_reader(_STDIN, _end_with_input)
    sys.stdout.write(f"{plane.endpoint}\n")
    sys.stdout.flush()


def _end_with_input() -> None:
    if not os.read(_STDIN, _CHUNK):
        asyncio.get_running_loop().remove_reader(_STDIN)
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
