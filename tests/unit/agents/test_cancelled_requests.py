"""A cancelled request of Cloud Control: its provider is told before its next call, and undoes what it has made."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import pytest

from locum.agents.resource_requests.run import Cancelled, until
from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Made, Request, Step, Work, or_undone

FIRST, SECOND, UNDO = (Request("sqs", name, {}) for name in ("CreateQueue", "TagQueue", "DeleteQueue"))


def undone() -> Generator[Step, Mapping[str, Any], None]:
    yield UNDO


def rest() -> Work:
    yield SECOND
    return Made("made")


def creation() -> Work:
    yield FIRST
    return (yield from or_undone(rest(), undone()))


def steps_of(work: Work, cancelled_after: int) -> Generator[Step, None, Made]:
    """The steps that are carried out where it is cancelled after so many."""
    count = 0
    work = until(lambda: count >= cancelled_after, work)
    step = next(work)
    while True:
        yield step
        count += 1
        try:
            step = work.send({})
        except StopIteration as done:
            made: Made = done.value
            return made


def carried_out(work: Work, cancelled_after: int) -> tuple[list[Step], Made | None]:
    found: list[Step] = []
    steps = steps_of(work, cancelled_after)
    try:
        while True:
            found.append(next(steps))
    except StopIteration as done:
        return found, done.value
    except Cancelled:
        return found, None


def test_nothing_is_called_where_it_is_cancelled_before() -> None:
    with pytest.raises(Cancelled):
        next(until(lambda: True, creation()))


def test_what_is_made_is_undone_by_calls_that_are_still_made() -> None:
    assert carried_out(creation(), 1) == ([FIRST, UNDO], None)


def test_what_is_done_in_spite_of_it_is_done() -> None:
    assert carried_out(creation(), 2) == ([FIRST, SECOND], Made("made"))


def test_a_provider_that_goes_on_is_told_once() -> None:
    def stubborn() -> Work:
        for step in (FIRST, SECOND):
            try:
                yield step
            except Fault:
                yield UNDO
        return Made("made")

    assert carried_out(stubborn(), 1) == ([FIRST, UNDO], Made("made"))


def test_a_fault_of_a_call_reaches_the_provider() -> None:
    work = until(lambda: False, creation())
    assert next(work) == FIRST
    assert work.send({}) == SECOND
    assert work.throw(Fault("AccessDenied", "no")) == UNDO
    with pytest.raises(Fault, match="no"):
        work.send({})
