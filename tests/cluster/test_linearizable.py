"""The judge of histories refuses those that must be refused: a check that cannot fail shows nothing."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from cluster.linearizable import NOTHING, Call, refuted

BOUND = 2.0


def wrote(value: int, start: float, end: float = math.inf) -> Call:
    return Call(start, end, value, write=True)


def read(value: int, start: float, end: float) -> Call:
    return Call(start, end, value)


def decided(allowed: bool, start: float, end: float) -> Call:
    """A decision by a policy whose even versions allow."""
    return Call(start, end, 0 if allowed else 1, parity=True)


GOOD = {
    "nothing": [],
    "nobody wrote": [read(NOTHING, 0, 1)],
    "one after the other": [wrote(1, 0, 1), read(1, 2, 3), wrote(2, 4, 5), read(2, 6, 7)],
    "a read beside a write sees either": [wrote(1, 0, 1), wrote(2, 2, 5), read(1, 3, 4), read(2, 3, 4)],
    "writes beside one another in any order": [wrote(1, 0, 9), wrote(2, 0, 9), read(2, 1, 2), read(1, 3, 4)],
    "a write without an answer happened": [wrote(1, 0), read(1, 5, 6)],
    "a write without an answer did not happen": [wrote(1, 0, 1), wrote(2, 2), read(1, 5, 6)],
    "a write without an answer happened late": [wrote(1, 0, 1), wrote(2, 2), read(1, 5, 6), read(2, 7, 8)],
    "decisions": [wrote(2, 0, 1), decided(True, 2, 3), wrote(3, 4, 5), decided(False, 6, 7)],
}
BAD = {
    "an acknowledged write is lost": [wrote(1, 0, 1), wrote(2, 2, 3), read(1, 4, 5)],
    "a value that nobody wrote": [wrote(1, 0, 1), read(7, 2, 3)],
    "back again": [wrote(1, 0, 1), wrote(2, 2, 9), read(2, 3, 4), read(1, 5, 6)],
    "two readers disagree on the order": [
        *(wrote(1, 0, 1), wrote(2, 0, 1)),
        *(read(1, 2, 3), read(2, 4, 5), read(1, 6, 7)),
    ],
    "seen before it was written": [read(1, 0, 1), wrote(1, 2, 3)],
    "a write without an answer that happened twice": [wrote(1, 0), read(1, 1, 2), wrote(2, 3, 4), read(1, 5, 6)],
    "a write that was answered never happened": [wrote(1, 0, 1), read(NOTHING, 2, 3)],
    "allowed after the denial was acknowledged": [wrote(2, 0, 1), wrote(3, 2, 3), decided(True, 4, 5)],
    "denied though every version allows": [wrote(2, 0, 1), wrote(4, 2, 3), decided(False, 2.5, 2.6)],
}


@pytest.mark.parametrize("name", GOOD)
def test_what_could_have_happened_is_accepted(name: str) -> None:
    assert refuted(GOOD[name]) is None


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_have_happened_is_refused(name: str) -> None:
    found = refuted(BAD[name])
    assert found is not None
    assert found.stuck


def test_a_read_may_be_as_old_as_the_bound_and_no_older() -> None:
    wrote_two = [wrote(1, 0, 1), wrote(2, 2, 3)]
    assert refuted([*wrote_two, read(1, 4.9, 5.5)], BOUND) is None
    assert refuted([*wrote_two, read(1, 5.1, 5.2)], BOUND) is not None
    assert refuted([*wrote_two, read(1, 4.9, 5.5)]) is not None


def test_a_read_that_took_long_is_as_old_as_its_start() -> None:
    assert refuted([wrote(1, 0, 1), wrote(2, 2, 3), read(1, 4, 60)], BOUND) is None


def test_a_bound_lets_no_lost_write_and_no_value_of_nowhere_pass() -> None:
    assert refuted([wrote(1, 0, 1), read(7, 1, 2)], BOUND) is not None
    assert refuted([wrote(1, 0, 1), wrote(2, 2, 3), read(2, 4, 5), read(1, 6, 7)], BOUND) is not None


def brute(calls: list[Call]) -> bool:
    """The definition: some subset with all that were answered, in some order that respects time, explains all reads."""
    lost = [call for call in calls if math.isinf(call.end)]
    answered = [call for call in calls if math.isfinite(call.end)]
    for number in range(len(lost) + 1):
        for happened in itertools.combinations(lost, number):
            if any(map(explains, itertools.permutations([*answered, *happened]))):
                return True
    return False


def explains(order: tuple[Call, ...]) -> bool:
    value = NOTHING
    for number, call in enumerate(order):
        if any(later.end < call.start for later in order[number:]):
            return False
        if call.write:
            value = call.value
        elif not call.fits(value):
            return False
    return True


@pytest.mark.parametrize("seed", range(300))
def test_small_histories_are_judged_as_by_the_definition(seed: int) -> None:
    chance = random.Random(seed)
    calls = []
    for _ in range(chance.randint(2, 6)):
        start = chance.randint(0, 8)
        write = chance.random() < 0.5
        lost = write and chance.random() < 0.25
        end = math.inf if lost else start + chance.randint(1, 4) + 0.5
        calls.append(Call(start, end, chance.randint(0, 2), write, parity=not write and chance.random() < 0.3))
    assert (refuted(calls) is None) == brute(calls)


@pytest.mark.parametrize("broken", [False, True])
def test_a_long_history_is_judged_at_once(broken: bool) -> None:
    """Ten thousand calls, a hundred of them at a time, with a lost answer now and then."""
    calls, value = [], NOTHING
    for number in range(10_000):
        at = number / 10
        if number % 20 == 0:
            value = number
            calls.append(wrote(value, at, math.inf if number % 400 == 0 else at + 0.05))
            if number % 400 == 0:
                calls.append(read(value, at, at + 0.06))
        else:
            calls.append(read(value, at, at + 0.05))
    if broken:
        calls.append(read(20, 900.0, 900.1))
    assert (refuted(calls, BOUND) is None) is not broken


@pytest.mark.parametrize("broken", [False, True])
def test_a_thousand_writes_without_an_answer_are_judged_at_once(broken: bool) -> None:
    """As while there is no primary: each may have happened, and one of them did."""
    calls = [wrote(0, 0, 1), *(wrote(number, 2 + number / 1000) for number in range(1, 1000))]
    calls += [read(501, 10, 11), decided(False, 12, 13), wrote(2000, 14, 15)]
    calls += [call for at in range(16, 60) for call in (read(2000, at, at + 0.5), decided(True, at, at + 0.6))]
    calls += [read(501 if broken else 2000, 70, 71)]
    assert (refuted(calls) is None) is not broken
