"""What an import has done, for people and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from locum.cli.accounts.bringing import Works, every
from locum.cli.accounts.work import Outcome, Work

_PLURALS: Final = {"providers": "identity providers", "profiles": "instance profiles"}
_FEW: Final = 3
"""Entities that are named of which the same is to be told."""


def is_complete(works: Works) -> bool:
    """Whether all is as it should be, but for what was left out on purpose."""
    return not any(work.failures or work.outcome in (Outcome.DIFFERS, Outcome.FAILED) for work in every(works))


def as_json(works: Works, notes: list[str]) -> dict[str, Any]:
    """All of it."""
    rows = [
        {
            "kind": work.kind,
            "name": work.name,
            "outcome": str(work.outcome),
            "calls": work.calls,
            "failures": work.failures,
            "differences": work.differences,
            "left": work.left,
        }
        for work in every(works)
    ]
    return {"complete": is_complete(works), "notes": notes, "entities": rows}


def lines(works: Works, notes: list[str], *, tried: bool) -> Iterator[str]:
    """A table of the kinds, and what is to be known of single entities. `tried`: nothing was done."""
    for kind, found in works.items():
        if found:
            counted = Counter(work.outcome for work in found)
            told = "  ".join(f"{counted[outcome]:5} {_word(outcome, tried)}" for outcome in Outcome if counted[outcome])
            yield f"{_PLURALS.get(kind, kind):18}{told}"
    said: dict[tuple[str, str], list[str]] = {}
    for work in every(works):
        for line in _about(work):
            said.setdefault(line, []).append(f"{work.kind} {work.name}")
    yield from (f"{what}: {_some(names)}: {text}" for (what, text), names in said.items())
    yield from notes


def _some(names: list[str]) -> str:
    """A few of the names."""
    more = len(names) - _FEW
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_FEW])} and {more} others"


def _word(outcome: Outcome, tried: bool) -> str:
    return f"to be {outcome}" if tried and outcome in (Outcome.MADE, Outcome.CHANGED) else str(outcome)


def _about(work: Work) -> Iterator[tuple[str, str]]:
    yield from (("failed", failure) for failure in work.failures)
    yield from (("differs", difference) for difference in work.differences)
    yield from (("left out", one) for one in work.left)
