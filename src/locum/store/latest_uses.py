"""The last uses as a journal's writing thread remembers them, beside the table that has them.

Nearly every call is a use, and of the same few things; hardly anybody asks. So the instants are kept in memory, and a
use is written, with the batch that has the call, only where it is a new one or moved on by COARSE seconds. What a
crash takes with it is that much precision, never a use: the table always has a row for whatever memory knows of.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

from locum.store.journal import AuditRow, Use

COARSE: Final = 60.0
"""Seconds."""

KEPT: Final = 32_768
"""How many uses are kept in memory."""


class _Instant:
    """The instant of a last use, and the one that is in the table (epoch seconds)."""

    __slots__ = ("at", "saved")

    def __init__(self, at: float, saved: float) -> None:
        self.at = at
        self.saved = saved


class LatestUses:
    """The latest uses, up to some `kept`. Belongs to the writing thread, save for `latest`."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._instants: dict[Use, _Instant] = {}

    @property
    def full(self) -> bool:
        """Whether there are more than are kept: time to write the `unsaved` ones and to `clear`."""
        return len(self._instants) > self._kept

    def due(self, uses: dict[Use, float]) -> dict[Use, float]:
        """Those of `uses`, the `last_uses` of some rows, that the table has to have. Nothing is remembered yet."""
        return {use: at for use, at in uses.items() if self._is_due(use, at)}

    def stored(self, uses: dict[Use, float], saved: dict[Use, float]) -> None:
        """Remember that the rows of `uses` were stored, and that the table has those that are `saved`."""
        for use, at in uses.items():
            known = self._instants.get(use)
            if known is None:
                self._instants[use] = _Instant(at, at)
            else:
                known.at = max(known.at, at)
        self.saved(saved)

    def unsaved(self) -> dict[Use, float]:
        """The uses of which the table does not have the last instant."""
        return {use: known.at for use, known in self._instants.items() if known.at > known.saved}

    def saved(self, uses: dict[Use, float]) -> None:
        """Remember that the table has `uses`."""
        for use, at in uses.items():
            known = self._instants.get(use)
            if known is not None:
                known.saved = max(known.saved, at)

    def clear(self) -> None:
        """Forget all of it."""
        self._instants.clear()

    def latest(self, use: Use, stored: float) -> float:
        """When `use` last happened, where the table says `stored`. For any thread."""
        known = self._instants.get(use)
        return stored if known is None else max(stored, known.at)

    def _is_due(self, use: Use, at: float) -> bool:
        known = self._instants.get(use)
        return known is None or at - known.saved >= COARSE


def last_uses(rows: Sequence[AuditRow]) -> dict[Use, float]:
    """The uses of `rows`, each with its last instant, which is most often that of the last row."""
    found: dict[Use, float] = {}
    for row in reversed(rows):
        if row.use is not None and row.at > found.get(row.use, -inf):
            found[row.use] = row.at
    return found
