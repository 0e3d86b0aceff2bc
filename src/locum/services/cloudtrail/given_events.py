"""Events that event data stores are given: those from outside of AWS, and those of imported log files."""

from __future__ import annotations

from typing import NamedTuple


class GivenEvent(NamedTuple):
    """An event as a store keeps it: its id, its time in epoch seconds, and its JSON."""

    id: str
    at: float
    event: str
