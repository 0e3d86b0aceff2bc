"""A node among others: it is there before it answers, and for as long as it does something; its name is its own.

One of them has the embedded backend.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from locum.agents.lease_keeper import TERM
from locum.cli.backend_owner import claim_backend
from locum.cli.membership import Membership
from locum.core.clock import system_entropy
from locum.core.errors import ConfigurationError
from support.installation import MemoryFiles
from support.leases import MemoryLeases


async def _nothing() -> None:
    pass


def _unasked() -> None:
    raise AssertionError("it has no reason to end")


def member(leases: MemoryLeases, node: str, own: str) -> Membership:
    return Membership(leases, node, own, _nothing, _nothing, system_entropy, _unasked, lambda: leases.now)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_attack_two_nodes_with_one_name_are_not_there_at_once() -> None:
    """Each would end the instances of the other, whose launchers it does not know, and wait for its effects."""
    leases = MemoryLeases()
    first, second = member(leases, "same", "a"), member(leases, "same", "b")

    async def story() -> None:
        await first.join()
        with pytest.raises(ConfigurationError, match="a node with the name same is there"):
            await second.join()
        await second.leave()
        assert await first.present(["same"]) == ["same"]
        await first.leave()
        await second.join()

    run(story())


def test_attack_of_two_nodes_with_one_name_that_start_at_once_one_is_refused() -> None:
    """The name is free when both look, and one of them takes it."""
    leases = MemoryLeases()
    first, second = member(leases, "same", "a"), member(leases, "same", "b")
    take = leases.take

    def taken(name: str, holder: str, term: float) -> bool:
        leases.take = take  # type: ignore[method-assign]
        asyncio.run(second.join())
        return take(name, holder, term)

    leases.take = taken  # type: ignore[method-assign]
    with pytest.raises(ConfigurationError, match="a node with the name same is there"):
        run(first.join())


def test_a_node_that_was_killed_is_there_again_at_once_with_its_own_directory() -> None:
    leases = MemoryLeases()

    async def story() -> None:
        await member(leases, "a", "directory").join()
        await member(leases, "a", "directory").join()

    run(story())


def test_attack_a_name_that_begins_like_another_one_takes_no_lease_from_it() -> None:
    leases = MemoryLeases()

    async def story() -> None:
        await member(leases, "a", "directory-2").join()
        with pytest.raises(ConfigurationError):
            await member(leases, "a", "directory").join()

    run(story())


def test_attack_what_a_node_that_stops_has_under_way_is_begun_by_no_other_one() -> None:
    """It is there until all of that has ended, though its duties are others' before."""
    leases = MemoryLeases()
    node = member(leases, "a", "directory")

    async def story() -> None:
        await node.join()
        node.start()
        await node.close()
        assert await node.present(["a"]) == ["a"]
        await node.leave()
        assert await node.present(["a"]) == []

    run(story())


def test_one_node_has_the_embedded_backend_and_may_come_back_at_once() -> None:
    leases, files = MemoryLeases(), MemoryFiles()
    claim_backend(leases, files, "a", "directory")
    claim_backend(leases, files, "a", "directory")
    with pytest.raises(ConfigurationError, match=r"node a has the embedded backend.*locum://HOST:PORT"):
        claim_backend(leases, files, "b", "other")
    with pytest.raises(ConfigurationError, match=r"node a has the embedded backend"):
        claim_backend(leases, files, "b", "other", new=True)


def test_attack_an_embedded_backend_that_is_away_is_not_replaced_by_an_empty_one() -> None:
    """Buckets would seem gone, and the node that has them would be refused. Who wants that has to say so."""
    leases, files = MemoryLeases(), MemoryFiles()
    claim_backend(leases, files, "a", "directory")
    leases.now += TERM
    with pytest.raises(ConfigurationError, match=r"node a has the embedded backend.*--new-backend"):
        claim_backend(leases, files, "b", "other")
    claim_backend(leases, files, "renamed", "directory")
    leases.now += TERM
    claim_backend(leases, files, "b", "other", new=True)
    leases.now += TERM
    with pytest.raises(ConfigurationError, match="node b has the embedded backend"):
        claim_backend(leases, files, "renamed", "directory")


def test_attack_a_node_that_stood_still_carries_nothing_out_that_may_be_anothers_by_now() -> None:
    leases, ended = MemoryLeases(), asyncio.Event()
    claim_backend(leases, MemoryFiles(), "a", "directory")
    told = _nothing, _nothing, system_entropy
    had: list[bool] = []

    async def story() -> None:
        node = Membership(leases, "a", "directory", *told, ended.set, lambda: leases.now, embedded=True)
        had.append(node.has_backend)
        await node.join()
        had.append(node.has_backend)
        leases.now += TERM
        had.append(node.has_backend)
        await node.join()
        had.append(node.has_backend)
        await node.leave()

    run(story())
    assert had == [False, True, False, True]
    assert not ended.is_set()


def test_attack_a_node_that_was_cut_off_ends_where_another_has_the_backend_meanwhile() -> None:
    """What it made would be there beside what the other one makes."""
    leases, files, ousted = MemoryLeases(), MemoryFiles(), asyncio.Event()

    async def story() -> None:
        claim_backend(leases, files, "a", "directory")
        told = _nothing, _nothing, system_entropy
        node = Membership(leases, "a", "directory", *told, ousted.set, lambda: leases.now, embedded=True)
        await node.join()
        leases.now += TERM
        claim_backend(leases, files, "b", "other", new=True)
        node.start()
        async with asyncio.timeout(30):
            await ousted.wait()
        await node.close()
        await node.leave()
        assert leases.holder("embedded-backend") == "b other"

    run(story())


def test_attack_a_node_whose_whole_directory_was_copied_ends_where_the_copy_starts() -> None:
    """They would have one name, one embedded backend and the same instances."""
    leases, ended = MemoryLeases(), asyncio.Semaphore(0)

    async def story() -> None:
        told = _nothing, _nothing, system_entropy
        node = Membership(leases, "a", "directory", *told, ended.release, lambda: leases.now)
        await node.join()
        copy = member(leases, "a", "directory")
        await copy.join()
        node.start()
        async with asyncio.timeout(30):
            await ended.acquire()
        await node.close()
        await node.leave()
        assert ended.locked()  # it was told to end once: the second time is to hurry
        assert await copy.present(["a"]) == ["a"]

    run(story())
