"""Whether a recorded history of one register could have happened one call after the other: Wing and Gong's search.

A register is one role's policy. A call happened at one instant between its start and its end. A call whose answer was
lost may have happened at any time after its start, or not at all. A read may be older than its start by a bound, which
is 0 for a linearizable register: then its instant lies between its start less that bound and its end.

The search takes every read that fits as soon as it may: reads change nothing, so that no other order needs it later.
It branches on writes alone, and remembers where it was (Lowe, "Testing for linearizability").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Final, NamedTuple

NOTHING: Final = -1
"""The value of a register that was never written."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call on a register: what it wrote, or what it saw (`fits`), and when, by a clock that does not jump.

    `end` is infinite where no answer came. A read without an answer tells nothing, and is none.
    """

    start: float
    end: float
    value: int
    write: bool = False
    parity: bool = False
    by: str = ""

    def fits(self, value: int) -> bool:
        """Whether the register has what this read saw: the value itself, or with `parity` whether it is even."""
        return (value - self.value) % 2 == 0 if self.parity else value == self.value


class Refuted(NamedTuple):
    """There is no such order. `stuck` are the calls of which one has to be next, after the longest order found."""

    taken: int
    value: int
    stuck: tuple[Call, ...]


class _Place(NamedTuple):
    """Where the search is: the calls that have happened, those of the lost ones that have (bits), and the value."""

    done: int
    used: int
    value: int


def refuted(calls: Iterable[Call], stale: float = 0.0, initial: int = NOTHING) -> Refuted | None:
    """None where the calls could have happened one after the other, from `initial` on, with reads that old at most."""
    every = sorted((_widened(call, stale) for call in calls), key=lambda call: call.start)
    history = [call for call in every if math.isfinite(call.end)]
    lost = [call for call in every if math.isinf(call.end)]
    seen_values = {call.value for call in history if not call.write and not call.parity}
    best, waiting = Refuted(-1, initial, ()), [_with_reads(history, _Place(0, 0, initial))]
    visited: set[_Place] = set()
    while waiting:
        place = waiting.pop()
        if place in visited:
            continue
        visited.add(place)
        if place.done.bit_count() == len(history):
            return None
        following = list(_next(history, place.done))
        if place.done.bit_count() > best.taken:
            best = Refuted(place.done.bit_count(), place.value, tuple(history[number] for number in following))
        frontier = min(history[number].end for number in following)
        waiting += _after_lost(history, lost, place, frontier, seen_values)
        waiting += _after_answered(history, place, following)
    return best


def _after_answered(history: Sequence[Call], place: _Place, following: Sequence[int]) -> Iterator[_Place]:
    """Where the search may go by a write that was answered; the earliest is tried first."""
    for number in reversed(following):
        if history[number].write:
            yield _with_reads(history, _Place(place.done | 1 << number, place.used, history[number].value))


def _after_lost(
    history: Sequence[Call], lost: Sequence[Call], place: _Place, frontier: float, seen_values: Set[int]
) -> Iterator[_Place]:
    """Where it may go by a write that may not have happened: only where a read fits it at once, else it is no use.

    Of those whose value nobody saw, one with an even number is as good as any other, and one with an odd one.
    """
    alike: set[int] = set()
    for number, call in enumerate(lost):
        if call.start > frontier:
            return
        kind = call.value % 2
        if place.used >> number & 1 or (call.value not in seen_values and kind in alike):
            continue
        if call.value not in seen_values:
            alike.add(kind)
        after = _with_reads(history, _Place(place.done, place.used | 1 << number, call.value))
        if after.done != place.done:
            yield after


def _widened(call: Call, stale: float) -> Call:
    start = call.start if call.write else call.start - stale
    return Call(start, call.end, call.value, call.write, call.parity, call.by)


def _next(history: Sequence[Call], done: int) -> Iterator[int]:
    """The calls of which each may be the next: none of the others ended before it started."""
    first_end, number = math.inf, _lowest_clear(done)
    while number < len(history) and history[number].start <= first_end:
        if not done >> number & 1:
            first_end = min(first_end, history[number].end)
            yield number
        number += 1


def _with_reads(history: Sequence[Call], place: _Place) -> _Place:
    """`place`, after all reads that may be next and fit it."""
    done, again = place.done, True
    while again:
        again = False
        for number in list(_next(history, done)):
            if not history[number].write and history[number].fits(place.value):
                done, again = done | 1 << number, True
    return _Place(done, place.used, place.value)


def _lowest_clear(bits: int) -> int:
    return (~bits & (bits + 1)).bit_length() - 1
