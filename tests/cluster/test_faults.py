"""Three nodes over Patroni, under a mixed load, while one thing after the other breaks.

No acknowledged write is lost, none is half done, none is done twice. Every history of a policy that is put on one node
and decided on another is linearizable, save that a node may be behind by the bound of staleness: what was denied is
denied on every node within it. Where clients ask for what they have seen, nothing is behind. The time without writes
is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Final

import pytest

from cluster import seen
from cluster.calls import Answer
from cluster.cluster import Cluster, cluster
from cluster.daemons import until
from cluster.database import needs_cluster
from cluster.disks import clear, fill, mounts, needs_mounts
from cluster.evidence import Evidence
from cluster.linearizable import refuted
from cluster.load import Load

pytestmark = [
    needs_cluster,
    pytest.mark.nightly,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("cluster"),
]

STALE: Final = 2.0
"""Seconds that a node may be behind."""

FAILOVER: Final = 40.0
"""Seconds without writes, at most, while another PostgreSQL becomes the primary: ttl 20, loop_wait 5."""

BELIEVED: Final = 4.0
"""Seconds for which a former primary goes on before Patroni, which looks every `loop_wait`, takes note of it."""

BEFORE: Final = 40
AFTER: Final = 60
"""Writes that are acknowledged before something breaks, and after all is whole again."""

_numbers = itertools.count()


@dataclass
class Story:
    """A cluster, and what clients were told until now."""

    whole: Cluster
    answers: list[Answer] = field(default_factory=list)

    def load(self) -> Load:
        """A new load, whose roles have names of their own."""
        whole = self.whole
        return Load(f"load{next(_numbers)}", whole.endpoints, whole.front.endpoint, whole.admin)

    def check(self, load: Load, told: Callable[[str], None]) -> None:
        """Hold what was answered against what the journal has, and against what can have happened."""
        self.answers += load.answers
        with self.whole.journal() as journal:
            evidence = Evidence(journal)
        assert list(evidence.faults(self.answers)) == []
        assert load.wrong == []
        for name, history in load.registers.items():
            assert refuted(history, 0.0 if name == load.strict else STALE) is None
        lost = sum(answer.lost for answer in load.answers)
        told(f"{len(load.answers)} calls, {lost} without an answer; {load.longest_pause():.1f} s without writes")
        told(f"{evidence.unrecorded(self.answers)} calls that changed nothing are not recorded, until now")


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """One cluster for all tests of this file, each of which leaves it whole."""
    with cluster(small_disks=mounts()) as whole:
        yield Story(whole)


@pytest.fixture
def told(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Tells a measurement to whoever runs the tests."""

    def tell(text: str) -> None:
        with capsys.disabled():
            print(f"\n{request.node.name}: {text}", end="")  # noqa: T201

    return tell


# -- what breaks: each begins it, and answers what ends it ------------------------------------------------


def primary_killed(whole: Cluster) -> Callable[[], Any]:
    member = whole.database.members[whole.database.primary]
    member.kill()
    return member.start


def primary_stands_still(whole: Cluster) -> Callable[[], Any]:
    name = whole.database.primary
    member = whole.database.members[name]
    member.stand_still()
    until(lambda: whole.database.primary not in {"", name}, "another primary")
    return member.go_on


def machine_stands_still(whole: Cluster) -> Callable[[], Any]:
    """That of the primary and of a node. When it goes on, the three programs do so one after the other."""
    name = whole.database.primary
    member, node = whole.database.members[name], whole.nodes["two"].daemon
    member.stand_still()
    node.stand_still()
    until(lambda: whole.database.primary not in {"", name}, "another primary")

    def go_on() -> None:
        """Patroni is the last: until then there is one who takes itself for the primary, and is not."""
        member.go_on(without_itself=True)
        node.go_on()
        Event().wait(BELIEVED)
        member.go_on()

    return go_on


def primary_switched(whole: Cluster) -> Callable[[], Any]:
    whole.database.switch()
    return lambda: None


def standby_killed(whole: Cluster) -> Callable[[], Any]:
    """The one that writes wait for."""
    [name] = [one["name"] for one in whole.database.told() if one["role"] == "sync_standby"]
    whole.database.members[name].kill()
    return whole.database.members[name].start


def backend_killed(whole: Cluster) -> Callable[[], Any]:
    """One process of the primary: PostgreSQL ends all others, and recovers from its log."""
    with whole.database.superuser(whole.database.primary) as connection:
        found = connection.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'locum' LIMIT 1").fetchone()
    assert found is not None
    whole.database.kill_backend(found[0])
    return lambda: None


def etcds_leader_killed(whole: Cluster) -> Callable[[], Any]:
    member = whole.database.etcd.members[whole.database.etcd.leader]
    member.kill()
    return member.start


def node_killed(whole: Cluster) -> Callable[[], Any]:
    whole.nodes["two"].daemon.kill()
    return whole.nodes["two"].start


def node_ended(whole: Cluster) -> Callable[[], Any]:
    assert whole.nodes["three"].daemon.stop() == 0
    return whole.nodes["three"].start


def node_cut_off(whole: Cluster) -> Callable[[], Any]:
    """Nothing passes between one node and the database, and nobody is told."""
    for wire in whole.wires["two"]:
        wire.cut()
    until(lambda: not whole.nodes["two"].ready, "the node says that it is stale")

    def mend() -> None:
        for wire in whole.wires["two"]:
            wire.mend()

    return mend


FAULTS: Final[tuple[tuple[Callable[[Cluster], Callable[[], Any]], float], ...]] = (
    (primary_killed, FAILOVER),
    (machine_stands_still, FAILOVER),
    (primary_switched, FAILOVER),
    (primary_stands_still, FAILOVER),
    (standby_killed, 20.0),
    (backend_killed, 20.0),
    (etcds_leader_killed, 20.0),
    (node_killed, 10.0),
    (node_cut_off, 10.0),
)
"""What breaks, and for how long there may be no writes then, on a machine that has much else to do."""


def broken(story: Story, fault: Callable[[Cluster], Callable[[], Any]], *, until_mended: bool = False) -> Load:
    """A load, in the middle of which something breaks, and is mended after writes went on; or were refused."""
    load = story.load()
    with load.running():
        until(lambda: load.written() > BEFORE, "writes before")
        already = load.written()
        mend = fault(story.whole)
        if until_mended:
            until(lambda: load.refused() > BEFORE, "calls that are refused while something is broken")
        else:
            until(lambda: load.written() > already + BEFORE, "writes while something is broken", 2 * FAILOVER)
        mend()
        story.whole.wait_whole()
        already = load.written()
        until(lambda: load.written() > already + AFTER, "writes after")
    return load


@pytest.mark.parametrize(("fault", "most"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_nothing_that_was_acknowledged_is_lost_half_done_or_done_twice(
    story: Story, fault: Callable[[Cluster], Callable[[], Any]], most: float, told: Callable[[str], None]
) -> None:
    load = broken(story, fault)
    story.check(load, told)
    assert load.longest_pause() < most


def test_a_node_that_ends_as_it_is_told_to_costs_no_call(story: Story, told: Callable[[str], None]) -> None:
    """It drains: HAProxy sends it nothing more before it stops to answer."""
    load = broken(story, node_ended)
    story.check(load, told)
    assert load.refused() == 0


@needs_mounts
def test_writes_are_refused_while_the_primarys_disk_is_full_and_nothing_is_lost(
    story: Story, told: Callable[[str], None]
) -> None:
    """Such a primary stays the primary: nodes go on by themselves when there is room again."""

    def disk_full(whole: Cluster) -> Callable[[], Any]:
        disk = whole.disks[whole.database.primary]
        fill(disk)
        return lambda: clear(disk)

    load = broken(story, disk_full, until_mended=True)
    story.check(load, told)


def test_what_is_written_on_one_node_is_seen_on_every_other_at_once(story: Story, told: Callable[[str], None]) -> None:
    load = story.load()
    role = f"{load.name}-seen"
    until(lambda: load.create(load.front, role).good, "a role")
    spread = seen.visible(load, story.whole.endpoints, role, rounds=100)
    told(f"seen on every node: {spread}")
    refusal = seen.refused(load, story.whole.endpoints, role, rounds=50)
    told(f"refused on every node: {refusal}")
    story.check(load, told)
    assert spread.p99 < 0.1
    assert refusal.longest < STALE
