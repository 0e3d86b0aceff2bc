"""Commands of Run Command made real: a script that runs inside an instance, to an end, with bounded output.

The script gets nothing of the plane's: neither its variables nor its descriptors. What it may do is what anything in
the instance may: its credentials are those of the metadata service.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from locum.compute.handover import Entrance

MOST_KEPT: Final = 1 << 20
"""Octets of standard output, and of standard error, that are kept; what comes after them is read and dropped."""

_CHUNK: Final = 1 << 16
_SOURCE: Final = str(Path(__file__).resolve().parents[2])
_PYTHON: Final = (sys.executable, "-I", "-u", "-B", "-X", "utf8", "-c")
_MAIN: Final = (
    *_PYTHON,
    "import sys; sys.path.insert(0, sys.argv[1]); from locum.compute import command_program as program; program.main()",
    _SOURCE,
)


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
    """Run `script` in `directory` inside the instance that `entrance` leads into.

    It is ended after so many `seconds`, once `cancelled` is set, and where this is cancelled itself: with all that it
    has started.
    """
    process = await asyncio.create_subprocess_exec(
        *_MAIN,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        cwd="/",
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    loop = asyncio.get_running_loop()
    out, err = loop.create_task(_kept(process.stdout)), loop.create_task(_kept(process.stderr))
    waits = loop.create_task(cancelled.wait())
    ends = loop.create_task(process.wait())
    try:
        asked = {**entrance._asdict(), "script": script, "directory": directory}
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        done, _ = await asyncio.wait({waits, ends}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        code = process.returncode if ends in done else None
    finally:
        process.stdin.close()  # which ends it, where it has not ended
        waits.cancel()
        await asyncio.shield(ends)
    return Result(code, await out, await err)


async def _kept(stream: asyncio.StreamReader) -> bytes:
    """The beginning of what comes, all of which is read."""
    kept = bytearray()
    while chunk := await stream.read(_CHUNK):
        kept += chunk[: MOST_KEPT - len(kept)]
    return bytes(kept)
