"""The import side of a journal: what another journal has is written to a new one as it is there.

A journal gives sequence numbers, positions and its identity itself; whoever moves one keeps them: sessions, trails and
column stores know them. All of an import is there when it is finished, or nothing is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from locum.store.journal import AuditRow, Entry, Former, Used


class Beginning(NamedTuple):
    """What a journal begins with: its identity, the entry before its first one, and since when `former` is kept."""

    installation: str
    before: int
    remembered: float


class Import(Protocol):
    """An import that is under way, for one thread. Each method may be called often. Everything raises StorageError."""

    def entries(self, entries: Sequence[Entry]) -> None:
        """Entries that follow those before."""
        ...

    def checkpoint(self, sequence: int, parts: Iterable[bytes]) -> None:
        """The checkpoint; entries that are part of it may be there as well."""
        ...

    def rows(self, rows: Sequence[tuple[int, AuditRow]]) -> None:
        """Audit rows with their positions, which grow. `use` of a row is passed over."""
        ...

    def uses(self, uses: Sequence[Used]) -> None:
        """Last uses."""
        ...

    def former(self, former: Sequence[Former]) -> None:
        """What takes entries back, in any order."""
        ...


class Importer(Protocol):
    """A place for a journal."""

    def importing(self, beginning: Beginning) -> AbstractContextManager[Import]:
        """An import, which is there as a whole once the block has ended, and not at all where it raised.

        Raises ConfigurationError where the place has a journal with something in it.
        """
        ...
