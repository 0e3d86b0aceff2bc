"""What an older node cannot read is not written while there is one: its lease says so."""

from __future__ import annotations

import asyncio
from threading import Event

from locum.agents.format_watch import FormatWatch
from locum.state.formats import OLDEST
from support.leases import MemoryLeases

NEWER = OLDEST + 1
TERM = 15.0


class Node:
    """A node that reads up to a format, and what it may write."""

    def __init__(self, leases: MemoryLeases, name: str, newest: int) -> None:
        self.allowed: list[int] = []
        self.watch = FormatWatch(leases, name, lambda: leases.now, self.allowed.append, newest)


def looked(*nodes: Node) -> None:
    async def look() -> None:
        for node in nodes:
            await node.watch.look()

    asyncio.run(look())


def test_a_node_writes_the_oldest_format_until_it_has_looked_twice() -> None:
    node = Node(MemoryLeases(), "new", NEWER)
    assert node.allowed == [OLDEST]
    looked(node)
    assert node.allowed[-1] == OLDEST
    looked(node)
    assert node.allowed[-1] == NEWER


def test_an_older_node_keeps_all_others_to_its_format_until_it_is_gone_for_a_term() -> None:
    leases = MemoryLeases()
    new = Node(leases, "new", NEWER)
    assert leases.take(f"reads/{OLDEST}", "old", TERM)
    looked(new, new)
    assert new.allowed[-1] == OLDEST
    leases.now += TERM
    looked(new, new)
    assert new.allowed[-1] == NEWER


def test_an_older_node_that_joins_is_respected_at_the_next_look() -> None:
    leases = MemoryLeases()
    new = Node(leases, "new", NEWER)
    looked(new, new)
    leases.take(f"reads/{OLDEST}", "old", TERM)
    looked(new)
    assert new.allowed[-1] == OLDEST


def test_a_lease_that_changes_hands_between_two_old_nodes_raises_nothing() -> None:
    leases = MemoryLeases()
    new = Node(leases, "new", NEWER)
    leases.take(f"reads/{OLDEST}", "one", TERM)
    looked(new)
    leases.release(f"reads/{OLDEST}", "one")
    looked(new)
    assert leases.take(f"reads/{OLDEST}", "two", TERM)
    looked(new)
    assert set(new.allowed) == {OLDEST}


def test_a_node_without_storage_keeps_to_what_it_knew() -> None:
    leases = MemoryLeases()
    new = Node(leases, "new", NEWER)
    looked(new, new)
    leases.away = True
    told = len(new.allowed)
    looked(new)
    assert len(new.allowed) == told


class Watched(MemoryLeases):
    """Tells when a lease was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = Event()

    def take(self, name: str, holder: str, term: float) -> bool:
        taken = super().take(name, holder, term)
        self.asked.set()
        return taken


def test_a_node_says_what_it_reads_for_as_long_as_it_is_there() -> None:
    leases = Watched()
    node = Node(leases, "old", OLDEST)

    async def story() -> None:
        node.watch.start()
        assert await asyncio.to_thread(leases.asked.wait, 60)
        assert leases.holder(f"reads/{OLDEST}") == "old"
        await node.watch.close()

    asyncio.run(story())
    assert leases.holder(f"reads/{OLDEST}") == ""
