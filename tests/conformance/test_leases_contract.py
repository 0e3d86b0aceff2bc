"""What leases (`locum.store.leases`) and the files of an installation (`locum.store.installation_files`) promise."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from locum.cli.storage import DirectoryFiles
from locum.store.installation_files import InstallationFiles
from locum.store.leases import Leases
from locum.store.postgres import PostgresJournal
from support.leases import MemoryLeases
from support.postgresql import ONE_SERVER, conninfo_of

KINDS = ["local", pytest.param("postgresql", marks=ONE_SERVER)]
LeasesPair = tuple[Leases, Leases]
FilesPair = tuple[InstallationFiles, InstallationFiles]


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[PostgresJournal, PostgresJournal]]:
    made = PostgresJournal.open(conninfo_of(tmp_path)), PostgresJournal.open(conninfo_of(tmp_path))
    yield made
    for journal in made:
        journal.close()


@pytest.fixture(params=KINDS)
def leases(request: pytest.FixtureRequest) -> LeasesPair:
    if request.param == "local":
        shared = MemoryLeases()
        return shared, shared
    first, second = request.getfixturevalue("nodes")
    return first.leases, second.leases


@pytest.fixture(params=KINDS)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> FilesPair:
    if request.param == "local":
        return DirectoryFiles(tmp_path), DirectoryFiles(tmp_path)
    first, second = request.getfixturevalue("nodes")
    return first.files, second.files


def test_a_lease_has_one_holder_who_can_renew_it(leases: LeasesPair) -> None:
    here, there = leases
    assert here.holder("duties") == ""
    assert here.take("duties", "one", 600.0)
    assert not there.take("duties", "two", 600.0)
    assert here.take("duties", "one", 600.0)
    assert there.holder("duties") == "one"
    assert there.take("other", "two", 600.0)


def test_a_lease_that_is_over_or_released_is_free(leases: LeasesPair) -> None:
    here, there = leases
    assert here.take("duties", "one", 0.0)
    assert there.holder("duties") == ""
    assert there.take("duties", "two", 600.0)
    assert not here.take("duties", "one", 600.0)
    there.release("duties", "two")
    assert here.take("duties", "one", 600.0)


def test_only_its_holder_releases_a_lease(leases: LeasesPair) -> None:
    here, there = leases
    assert here.take("duties", "one", 600.0)
    there.release("duties", "two")
    there.release("nothing", "two")
    assert there.holder("duties") == "one"


@ONE_SERVER
def test_of_many_who_take_a_lease_at_once_one_has_it(nodes: tuple[PostgresJournal, PostgresJournal]) -> None:
    with ThreadPoolExecutor(2) as both:
        for attempt in range(20):
            name = f"lease-{attempt}"
            taken = list(both.map(lambda n, name=name: nodes[n].leases.take(name, f"node-{n}", 600.0), range(2)))
            assert sum(taken) == 1
            assert nodes[0].leases.holder(name) == f"node-{taken.index(True)}"


def test_a_file_is_read_as_it_was_written_last(files: FilesPair) -> None:
    here, there = files
    assert there.read("ring") is None
    here.write("ring", b"\x00one\xff")
    assert there.read("ring") == b"\x00one\xff"
    there.write("ring", b"")
    assert here.read("ring") == b""


def test_a_file_is_made_once_and_never_made_again(files: FilesPair) -> None:
    here, there = files
    assert here.create("ring", lambda: b"one") == b"one"
    assert there.create("ring", lambda: b"two") == b"one"
    assert there.read("ring") == b"one"


def test_nodes_that_make_a_file_at_once_end_up_with_one(files: FilesPair) -> None:
    here, there = files

    def late() -> bytes:
        there.create("ring", lambda: b"there")
        return b"here"

    assert here.create("ring", late) == there.read("ring") == b"there"
