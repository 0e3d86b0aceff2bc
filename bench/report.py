"""The rows of the report, and its output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A comparison of `ours` with `theirs`, of which the ratio must be at least `least`. A lower `cost` is better."""

    work: str
    peer: str
    unit: str
    ours: float
    theirs: float
    least: float
    cost: bool = False

    @property
    def ratio(self) -> float:
        """The factor by which ours is better."""
        return self.theirs / self.ours if self.cost else self.ours / self.theirs

    @property
    def reached(self) -> bool:
        """Whether the required ratio is reached."""
        return self.ratio >= self.least


def show(rows: Sequence[Row]) -> None:
    """Print the table."""
    print(f"{'work':26} {'beside':15} {'ours':>10} {'theirs':>10} {'ratio':>7} {'at least':>9}")
    for row in rows:
        figures = f"{row.ours:>10.4g} {row.theirs:>10.4g} {row.ratio:>6.2f}x {row.least:>8.2f}x"
        print(f"{row.work:26} {row.peer:15} {figures} {row.unit:4}{'' if row.reached else ' MISSED'}")
