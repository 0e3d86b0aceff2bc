"""One of several ledgers on one journal, for test_two_ledgers.py and the measurements.

    python ledger_program.py DIRECTORY

Each line of standard input is a command in JSON, each line of output its answer: `create` and `delete` a role (`name`,
and perhaps `call`, the id of the call), many roles at once (`create all`), `see` the roles at the journal entry
`sequence` without writing, and `stop` at a point of the next commit, where the process then stays until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any, NoReturn

from locum.core.errors import Fault
from locum.store import AlreadyCommitted, AuditRow, Entry, Ledger, Limits, SqliteJournal
from support.ledgers import audited, creates, deletes, names, reached

LIMITS = Limits(checkpoint=15, keep=5, layers=0)


class StoppingJournal(SqliteJournal):
    """Stops the process at a point of a commit: `before` it, `inside` of it, or `after` it, with no answer given."""

    stop = ""

    def append(self, batch: Sequence[Entry], audit: Sequence[AuditRow], expected: int, batch_id: str = "") -> None:
        if self.stop == "before":
            stopped()
        if self.stop == "inside":
            self._writer.set_trace_callback(lambda statement: stopped() if statement == "COMMIT" else None)
        super().append(batch, audit, expected, batch_id)
        if self.stop == "after":
            stopped()


def say(**answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def stopped() -> NoReturn:
    say(stopped=True)
    Event().wait()
    raise AssertionError("not killed")


async def carried_out(ledger: Ledger, journal: StoppingJournal, command: dict[str, Any]) -> dict[str, Any]:
    """The answer to a command."""
    match command["do"]:
        case "create" | "delete" as verb:
            handler = (creates if verb == "create" else deletes)(command["name"])
            try:
                await ledger.transact(handler, audited, command.get("call", ""))
            except Fault as refused:
                return {"refused": refused.code}
            except AlreadyCommitted as before:
                return {"already": before.sequence}
        case "create all":
            await asyncio.gather(*(ledger.transact(creates(name), audited) for name in command["names"]))
        case "see":
            await reached(ledger, command["sequence"])
        case "stop":
            journal.stop = command["where"]
    return {"names": sorted(names(ledger.state)), "sequence": ledger.state.sequence}


async def main(directory: Path) -> None:
    journal = StoppingJournal.open(directory, shared=True)
    assert isinstance(journal, StoppingJournal)
    ledger = Ledger.open(journal, limits=LIMITS)
    ledger.follow()
    say(ready=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        say(**await carried_out(ledger, journal, json.loads(line)))
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
