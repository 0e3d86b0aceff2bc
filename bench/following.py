"""The delay until a ledger in another process, or a subscriber in the same process, receives a change.

    python -m bench.following DIRECTORY

is that other process, which prints when it received each change.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import IO

from bench.report import Row
from bench.servers import CLIENT_CORE, ROOT
from locum.services.verbs import Outcome
from locum.state import Account, State, put
from locum.store import Ledger, SqliteJournal

CHANGES = 300


def rows() -> list[Row]:
    """The rows: the delays from a call to its reception in milliseconds, medians of many changes in sequence."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["taskset", "-c", str(CLIENT_CORE), sys.executable, "-m", "bench.following", directory]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as other:
            try:
                assert other.stdout is not None
                other.stdout.readline()
                there, here = asyncio.run(_measured(Path(directory), other.stdout))
            finally:
                other.kill()
    return [Row("a change is seen", "same process", "ms", there, here, 0.05, cost=True)]


@asynccontextmanager
async def _following(directory: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger.open(SqliteJournal.open(directory, shared=True))
    ledger.follow()
    try:
        yield ledger
    finally:
        await ledger.close()


async def _measured(directory: Path, seen_there: IO[bytes]) -> tuple[float, float]:
    there, here = [], []
    async with _following(directory) as ledger:
        with ledger.subscribe() as changes:
            for number in range(CHANGES):
                begin = time.monotonic_ns()
                await ledger.transact(partial(_account, f"{number:012d}"), lambda _: ())
                await anext(changes)
                here.append(time.monotonic_ns() - begin)
                there.append(int(await asyncio.to_thread(seen_there.readline)) - begin)
    return median(there) / 1e6, median(here) / 1e6


def _account(number: str, _: State) -> Outcome:
    return Outcome({}, (put(Account(account=number, created=0)),))


async def _watch(directory: Path) -> None:
    """Print the time at which each change was received, by the machine's clock."""
    async with _following(directory) as ledger:
        with ledger.subscribe(State()) as changes:
            print("ready", flush=True)
            async for _ in changes:
                print(time.monotonic_ns(), flush=True)


if __name__ == "__main__":
    asyncio.run(_watch(Path(sys.argv[1])))
