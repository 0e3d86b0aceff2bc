"""Reconcilers: at the start, after what concerns them, when something is due, and again after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from locum.agents.reconciling import RETRY, Reconciler
from locum.core.errors import Fault, LocumError, PassingStorageError
from locum.services.verbs import Outcome
from locum.state import Event, MetadataDefaults, Put, State, put
from support.inprocess import InProcess


class Counting(Reconciler):
    """Counts its turns; `fails` are what its next ones raise, `due` what they say."""

    def __init__(self, plane: InProcess, clock: Callable[[], float]) -> None:
        super().__init__(plane.node.ledger, clock, "the count")
        self.turns = 0
        self.fails: list[Exception] = []
        self.due: float | None = None
        self._turned = asyncio.Event()

    async def reconcile(self) -> float | None:
        self.turns += 1
        self._turned.set()
        if self.fails:
            raise self.fails.pop()
        return self.due

    def concerns(self, events: Sequence[Event] | None) -> bool:
        return events is None or any(isinstance(it, Put) and isinstance(it.entity, MetadataDefaults) for it in events)

    async def turn(self, number: int) -> None:
        """Wait for that turn."""
        while self.turns < number:
            self._turned.clear()
            await self._turned.wait()


def run(
    plane: InProcess, work: Callable[[Counting], Coroutine[Any, Any, None]], now: Callable[[], float] = lambda: 0.0
) -> int:
    async def whole() -> int:
        counting = Counting(plane, now)
        counting.start()
        try:
            async with asyncio.timeout(30):
                await work(counting)
        finally:
            await counting.close()
        return counting.turns

    return plane.run(whole())


async def changed(plane: InProcess, region: str) -> None:
    def handler(state: State) -> Outcome:
        return Outcome({}, (put(MetadataDefaults(account="000000000000", region=region)),))

    await plane.node.ledger.transact(handler, lambda _outcome: ())


def test_it_looks_at_the_start_and_after_a_change_that_concerns_it(plane: InProcess) -> None:
    async def work(counting: Counting) -> None:
        await counting.turn(1)
        await changed(plane, "eu-west-1")
        await counting.turn(2)

    assert run(plane, work) == 2


def test_it_looks_when_something_is_due_and_when_the_clock_is_moved(plane: InProcess) -> None:
    now = [0.0]

    async def work(counting: Counting) -> None:
        counting.due = 3600.0
        await counting.turn(1)
        now[0] = 3600.0
        counting.due = None
        counting.wake()
        await counting.turn(2)

    assert run(plane, work, lambda: now[0]) == 2


@pytest.mark.parametrize("failure", [LocumError("no"), Fault("ServiceUnavailable", "no", 503), OSError(24, "no")])
def test_a_failure_does_not_end_it(plane: InProcess, failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    async def work(counting: Counting) -> None:
        counting.fails = [failure]
        await counting.turn(1)
        await changed(plane, "eu-west-2")
        await counting.turn(2)

    assert run(plane, work) == 2
    assert "the count goes on later" in caplog.text


def test_attack_one_that_breaks_is_no_reason_to_stop_for_the_others(plane: InProcess) -> None:
    async def step(error: Exception | None) -> float | None:
        if error is not None:
            raise error
        return 9.0

    async def all_of(*errors: Exception | None) -> list[float | None]:
        counting = Counting(plane, lambda: 1.0)
        return [await counting.apart("one", step(error)) for error in errors]

    assert plane.run(all_of(KeyError("a defect"), None, Fault("Refused", "no"))) == [1.0 + RETRY, 9.0, 1.0 + RETRY]
    for error in (OSError("no descriptor"), PassingStorageError("the disk is full")):
        with pytest.raises(type(error)):
            plane.run(all_of(error))
