"""The victim of test_crash.py: writes from many tasks at once and says what was acknowledged, until it is killed.

    python crash_writer.py DIRECTORY FIRST

Each task makes roles and profiles that belong together in one call; a line `ID SEQUENCE` on standard
output is printed after the call was answered.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from locum.core.errors import Fault
from locum.state import Event, InstanceProfile, Role, State, put
from locum.store import AuditRow, Ledger, Limits, SqliteJournal

ACCOUNT = "000000000000"
TASKS = 32


class Made(NamedTuple):
    """A handler's outcome."""

    events: tuple[Event, ...]


def pair(number: int) -> Callable[[State], Made]:
    """A role and the profile that holds it: half of it must never be seen."""

    def handler(_: State) -> Made:
        name = f"r{number}"
        role = Role(account=ACCOUNT, name=name, id=f"AROA{number}", created=number, trust="{}")
        profile = InstanceProfile(account=ACCOUNT, name=name, id=f"AIPA{number}", created=number, roles=(name,))
        return Made((put(role), put(profile)))

    return handler


def audited(number: int) -> Callable[[Made | Fault], list[AuditRow]]:
    name = str(number)
    row = AuditRow(float(number), ACCOUNT, name, name, "Create", "iam", "", "", "", False, False, True, (), b"{}")
    return lambda _: [row]


async def main(directory: Path, first: int) -> None:
    ledger = Ledger.open(SqliteJournal.open(directory), lambda: 0.0, Limits(checkpoint=150, keep=40, layers=0))
    numbers = itertools.count(first)

    async def task() -> None:
        for number in numbers:
            await ledger.transact(pair(number), audited(number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()

    await asyncio.gather(*(task() for _ in range(TASKS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
