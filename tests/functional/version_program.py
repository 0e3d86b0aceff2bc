"""A node of one version of Locum, for test_old_and_new_nodes.py: a ledger on a journal that is shared with others.

    python version_program.py DIRECTORY

Each line of standard input is a command in JSON, each line of output its answer: `allow` a format, `put` a role with
some `fields`, which is there already or not, and `see` the roles at an entry of the journal.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from locum.core.errors import Fault, StorageError
from locum.state import Event, Role, State, put
from locum.store import AuditRow, Ledger, SqliteJournal

ACCOUNT = "000000000000"


class Made(NamedTuple):
    events: tuple[Event, ...]


def say(**answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def roles(ledger: Ledger) -> dict[str, Any]:
    told = {role.name: msgspec.to_builtins(role) for role in ledger.state.every(Role)}
    return {"sequence": ledger.state.sequence, "roles": told, "failure": ledger.failure}


async def carried_out(ledger: Ledger, command: dict[str, Any]) -> dict[str, Any]:
    def handler(state: State) -> Made:
        name = command["name"]
        new = Role(account=ACCOUNT, name=name, id=f"AROA{name}", created=1, trust="{}")
        return Made((put(msgspec.structs.replace(state.get(Role, ACCOUNT, name) or new, **command["fields"])),))

    def nothing(_: object) -> Sequence[AuditRow]:
        return ()

    match command["do"]:
        case "allow":
            ledger.allow(command["format"])
        case "put":
            try:
                await ledger.transact(handler, nothing)
            except Fault as refused:
                return {"refused": refused.code, "failure": ledger.failure}
        case "see":
            await seen(ledger, command["sequence"])
    return roles(ledger)


async def seen(ledger: Ledger, sequence: int) -> None:
    """Wait until an entry was seen, or the ledger has failed."""
    changes = ledger.subscribe()
    try:
        while ledger.state.sequence < sequence and not ledger.failure:
            await anext(changes)
    except StorageError:
        return


async def main(directory: Path) -> None:
    journal = SqliteJournal.open(directory, shared=True)
    try:
        ledger = Ledger.open(journal)
    except StorageError as error:
        say(error=str(error))
        return
    ledger.follow()
    say(ready=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        say(**await carried_out(ledger, json.loads(line)))
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
