"""A cancelled request of Cloud Control: its provider is told before its next call, and undoes what it has made."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from typing import Any

import pytest

from locum.agents.resource_requests.run import Cancelled, unless
from locum.agents.stacks.work import carried_out
from locum.core.actors import ServiceRole
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.principal import Source
from locum.services.cloudformation.providers.base import Made, Pause, Request, Step, Work, or_undone

FIRST, SECOND, UNDO = "CreateQueue", "TagQueue", "DeleteQueue"


def call(operation: str) -> Request:
    return Request("sqs", operation, {})


def undone() -> Generator[Step, Mapping[str, Any], None]:
    yield call(UNDO)


def rest() -> Work:
    yield call(SECOND)
    return Made("made")


def creation() -> Work:
    yield call(FIRST)
    return (yield from or_undone(rest(), undone()))


def made_by(work: Work, cancelled_after: int, fails: str = "") -> tuple[list[str], Made | None]:
    """The calls that are made where it is cancelled after so many, and the result."""
    made: list[str] = []

    async def make(one: ServiceCall) -> Mapping[str, Any]:
        made.append(one.operation)
        if one.operation == fails:
            raise Fault("AccessDenied", "no")
        return {}

    making = unless(lambda: len(made) >= cancelled_after, make)
    nobody = ServiceRole("cloudformation.amazonaws.com", "", "", Source("", ""))
    try:
        return made, asyncio.run(carried_out(making, nobody, "us-east-1", work))
    except Cancelled:
        return made, None


def test_nothing_is_called_where_it_is_cancelled_before() -> None:
    assert made_by(creation(), 0) == ([], None)


def test_what_is_made_is_undone_by_calls_that_are_still_made() -> None:
    assert made_by(creation(), 1) == ([FIRST, UNDO], None)


def test_what_is_done_in_spite_of_it_is_done() -> None:
    assert made_by(creation(), 2) == ([FIRST, SECOND], Made("made"))


def test_a_provider_that_waits_is_told_after_its_pause() -> None:
    def waiting() -> Work:
        yield call(FIRST)
        yield Pause(0)
        return (yield from rest())

    assert made_by(waiting(), 1) == ([FIRST], None)


def test_a_provider_that_goes_on_is_told_once() -> None:
    def stubborn() -> Work:
        for operation in (FIRST, SECOND):
            try:
                yield call(operation)
            except Fault:
                yield call(UNDO)
        return Made("made")

    assert made_by(stubborn(), 1) == ([FIRST, UNDO], Made("made"))


def test_a_fault_of_a_call_reaches_the_provider() -> None:
    with pytest.raises(Fault, match="no"):
        made_by(creation(), 9, fails=SECOND)
