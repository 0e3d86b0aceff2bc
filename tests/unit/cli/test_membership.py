"""A node among others: which of them are there, and which has the embedded backend."""

from __future__ import annotations

import asyncio

import pytest

from locum.agents.lease_keeper import TERM
from locum.cli.membership import Membership, claim_backend
from locum.core.clock import system_entropy
from locum.core.errors import ConfigurationError
from support.leases import MemoryLeases


async def _nothing() -> None:
    pass


def test_one_node_has_the_embedded_backend_and_may_come_back_at_once() -> None:
    leases = MemoryLeases()
    claim_backend(leases, "a")
    claim_backend(leases, "a")
    with pytest.raises(ConfigurationError, match=r"node a has the embedded backend.*locum://HOST:PORT"):
        claim_backend(leases, "b")
    leases.now += TERM
    claim_backend(leases, "b")


def test_attack_a_node_that_was_cut_off_ends_where_another_has_the_backend_meanwhile() -> None:
    """What it made would be there beside what the other one makes."""
    leases, ousted = MemoryLeases(), asyncio.Event()

    async def story() -> None:
        claim_backend(leases, "a")
        node = Membership(leases, "a", _nothing, _nothing, system_entropy, ousted.set, lambda: leases.now)
        leases.now += TERM
        claim_backend(leases, "b")
        node.start()
        async with asyncio.timeout(30):
            await ousted.wait()
        await node.close()
        assert leases.holder("embedded-backend") == "b"

    asyncio.run(story())


def test_nodes_that_are_there_are_told_from_those_that_are_not() -> None:
    leases = MemoryLeases()

    async def story() -> None:
        nodes = [
            Membership(leases, name, _nothing, _nothing, system_entropy, clock=lambda: leases.now) for name in "ab"
        ]
        for node in nodes:
            await node.join()
        assert await nodes[0].present(["a", "b", "c"]) == ["a", "b"]
        await nodes[1].close()
        assert await nodes[0].present(["a", "b", "c"]) == ["a"]
        leases.now += TERM
        assert await nodes[0].present(["a"]) == []

    asyncio.run(story())
