"""Leases: which one of several nodes does what must be done once.

A lease is held for a term by the clock of whoever keeps the leases, never by that of a holder. A holder renews it
before its term is over, and counts the term from before it asked, by a clock that does not jump: so it knows that it
lost the lease no later than anybody else can have it.
"""

from __future__ import annotations

from typing import Protocol


class Leases(Protocol):
    """The leases of an installation. Blocks; for one thread at a time. Everything raises StorageError."""

    def take(self, name: str, holder: str, term: float) -> bool:
        """Take the lease `name`, or renew it, for `term` seconds from now. False: another holder has it."""
        ...

    def release(self, name: str, holder: str) -> None:
        """Let others have the lease at once, where `holder` has it."""
        ...

    def holder(self, name: str) -> str:
        """Who holds the lease now; empty where nobody does."""
        ...
