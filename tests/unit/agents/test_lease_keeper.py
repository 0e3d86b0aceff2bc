"""Leases of nodes: what is done once is done by one of them, and never by two."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from locum.agents.lease_keeper import LeaseKeeper
from support.leases import MemoryLeases

TERM = 15.0


class Node:
    """A node that wants the duties, and what it was told of them. `keeper` goes by the leases' clock."""

    def __init__(self, leases: MemoryLeases, name: str) -> None:
        self.told: list[str] = []
        self.keeper = LeaseKeeper(leases, "duties", name, lambda: leases.now, self._gained, self._lost, term=TERM)

    async def _gained(self) -> None:
        self.told.append("gained")

    async def _lost(self) -> None:
        self.told.append("lost")


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_one_of_several_nodes_has_the_duties_and_keeps_them_while_it_renews() -> None:
    leases = MemoryLeases()
    first, second = Node(leases, "a"), Node(leases, "b")

    async def story() -> None:
        for _ in range(10):
            await first.keeper.step()
            await second.keeper.step()
            leases.now += TERM / 5
        assert (first.told, second.told) == (["gained"], [])

    run(story())


def test_the_duties_of_a_node_that_vanished_are_taken_over_within_a_term() -> None:
    leases = MemoryLeases()
    first, second = Node(leases, "a"), Node(leases, "b")

    async def story() -> None:
        await first.keeper.step()
        leases.now += TERM - 0.1
        await second.keeper.step()
        assert second.told == []
        leases.now += 0.1
        await second.keeper.step()
        assert second.told == ["gained"]

    run(story())


def test_a_node_that_stops_leaves_the_duties_to_others_at_once() -> None:
    leases = MemoryLeases()
    first, second = Node(leases, "a"), Node(leases, "b")

    async def story() -> None:
        await first.keeper.step()
        await first.keeper.close()
        await second.keeper.step()
        assert (first.told, second.told) == (["gained", "lost"], ["gained"])

    run(story())


def test_attack_a_node_that_was_paused_past_its_term_finds_that_it_lost_the_duties() -> None:
    leases = MemoryLeases()
    first, second = Node(leases, "a"), Node(leases, "b")

    async def story() -> None:
        await first.keeper.step()
        leases.now += TERM + 1
        await second.keeper.step()
        await first.keeper.step()
        assert (first.told, second.told) == (["gained", "lost"], ["gained"])
        assert not first.keeper.held

    run(story())


def test_storage_that_is_away_for_less_than_a_term_takes_no_duties() -> None:
    leases = MemoryLeases()
    node = Node(leases, "a")

    async def story() -> None:
        await node.keeper.step()
        leases.away = True
        leases.now += TERM - 1
        await node.keeper.step()
        assert node.told == ["gained"]
        leases.now += 2
        await node.keeper.step()
        assert node.told == ["gained", "lost"]
        leases.away = False
        await node.keeper.step()
        assert node.told == ["gained", "lost", "gained"]

    run(story())


def test_attack_a_node_that_ends_while_it_loses_the_duties_leaves_them_when_they_have_ended() -> None:
    """Else what it stands for would go on beside the next holder's, and without a ledger."""
    leases = MemoryLeases()
    begun, ends, told = asyncio.Event(), asyncio.Event(), list[str]()

    async def lost() -> None:
        begun.set()
        await ends.wait()
        told.append("ended")

    keeper = LeaseKeeper(leases, "duties", "a", lambda: leases.now, lost=lost, term=TERM)

    async def story() -> None:
        await keeper.step()
        leases.away = True
        leases.now += TERM
        keeper.start()
        await begun.wait()
        leases.away = False
        leases.take("duties", "a", TERM)
        closing = asyncio.create_task(keeper.close())
        for _ in range(10):
            await asyncio.sleep(0)
        assert leases.holder("duties") == "a"
        ends.set()
        await closing
        assert (told, leases.holder("duties")) == (["ended"], "")

    run(story())


def test_attack_duties_that_cannot_be_begun_are_left_to_others_and_tried_again() -> None:
    """Nobody would renew the lease, and what was begun would go on when it is another's."""
    leases, again, told = MemoryLeases(), asyncio.Event(), list[str]()
    release = leases.release

    async def gained() -> None:
        told.append("gained")
        if len(told) == 1:
            raise RuntimeError("an agent did not start")
        again.set()

    async def lost() -> None:
        told.append("lost")

    def released(name: str, holder: str) -> None:
        release(name, holder)
        told.append(f"held by {leases.holder(name) or 'nobody'}")

    leases.release = released  # type: ignore[method-assign]
    keeper = LeaseKeeper(leases, "duties", "a", lambda: leases.now, gained, lost, term=0.001)

    async def story() -> None:
        keeper.start()
        await again.wait()
        assert told == ["gained", "lost", "held by nobody", "gained"]
        await keeper.close()

    run(story())


def test_attack_a_lease_is_renewed_though_all_threads_of_calls_are_busy() -> None:
    """Large requests, archives and whatever else blocks would else take the duties, and the name, from a node."""
    node, done = Node(MemoryLeases(), "a"), Event()

    async def story() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        busy = asyncio.ensure_future(asyncio.to_thread(done.wait))
        try:
            async with asyncio.timeout(30):
                await node.keeper.step()
                await node.keeper.close()
        finally:
            done.set()
            await busy
        assert node.told == ["gained", "lost"]

    run(story())


class SilentLeases(MemoryLeases):
    """Leases of which a request gets no answer, until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.answering = Event()
        self.answering.set()

    def take(self, name: str, holder: str, term: float) -> bool:
        self.answering.wait()
        return super().take(name, holder, term)


def test_attack_a_database_that_does_not_answer_is_no_renewal() -> None:
    """The duties end with the term, while the request is still under way."""
    leases = SilentLeases()
    node = Node(leases, "a")

    async def story() -> None:
        await node.keeper.step()
        leases.answering.clear()
        leases.now += TERM
        asking = asyncio.create_task(node.keeper.step())
        while node.told[-1] != "lost":  # noqa: ASYNC110 - turns of the loop, not time
            await asyncio.sleep(0)
        assert not asking.done()
        leases.answering.set()
        await asking
        assert node.told == ["gained", "lost", "gained"]

    run(story())


def test_attack_an_answer_that_comes_after_its_term_is_none() -> None:
    """The term counts from before the request: what was taken then may be another's by now."""
    leases = MemoryLeases()
    node = Node(leases, "a")
    take = leases.take

    def late(name: str, holder: str, term: float) -> bool:
        taken = take(name, holder, term)
        leases.now += TERM + 1
        return taken

    leases.take = late  # type: ignore[method-assign]

    async def story() -> None:
        await node.keeper.step()
        assert node.told == []

    run(story())


def test_attack_a_node_that_cannot_begin_the_duties_ends_what_it_began_and_leaves_them_to_others() -> None:
    leases = MemoryLeases()
    told: list[str] = []

    async def gained() -> None:
        told.append("gained")
        raise OSError("no descriptor is left")

    async def lost() -> None:
        told.append("lost")

    async def story() -> None:
        keeper = LeaseKeeper(leases, "duties", "a", lambda: leases.now, gained, lost, term=TERM)
        keeper.start()
        while told != ["gained", "lost"] or leases.holder("duties"):  # noqa: ASYNC110 - turns of the loop, not time
            await asyncio.sleep(0)
        second = Node(leases, "b")
        await second.keeper.step()
        assert second.told == ["gained"]
        await keeper.close()
        assert leases.holder("duties") == "b"

    run(story())


def test_storage_that_is_away_is_told_once_each_time(caplog: pytest.LogCaptureFixture) -> None:
    leases = MemoryLeases()
    node = Node(leases, "a")

    async def story() -> None:
        for away in (True, True, True, False, True, True):
            leases.away = away
            await node.keeper.step()

    run(story())
    assert [record.getMessage() for record in caplog.records] == [
        "the lease duties cannot be renewed for now: the leases are away"
    ] * 2
