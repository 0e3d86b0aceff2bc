"""Has an account of a plane that does not run begin anew."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from locum.core.clock import Clock
from locum.core.errors import ConfigurationError
from locum.services.verbs import Outcome
from locum.state import Account, State, put
from locum.state.events import kind_of
from locum.state.organizations import TABLES
from locum.state.removals import removals
from locum.store import Ledger, SqliteJournal

_STAY: Final = frozenset({kind_of(Account), *TABLES})
"""What makes it an account, and its place in an organization."""


def remove_identities(data: Path, account: str, clock: Clock) -> None:
    """Remove the identities of an account, and all else that Locum itself has of it, but the record.

    The account stays, with its place in an organization; the first account's root user gets another key at the next
    start. Raises LocumError.
    """
    asyncio.run(_removed(data, account, clock))


async def _removed(data: Path, account: str, clock: Clock) -> None:
    journal = SqliteJournal.open(data)
    try:
        ledger = Ledger.open(journal, clock)
    except BaseException:
        journal.close()
        raise

    def handler(state: State) -> Outcome:
        found = state.get(Account, account, account)
        if found is None:
            raise ConfigurationError(f"the plane on {data} has no account {account}")
        bare = Account(
            account=account, created=found.created, name=found.name, email=found.email, founding=found.founding
        )
        return Outcome({}, (*removals(state, (account,), _STAY), put(bare)))

    try:
        await ledger.transact(handler, lambda _: ())
    finally:
        await ledger.close()
