"""What a backend changed is answered once its record is durable; what it only read, before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from locum.audit import Record
from locum.backends import BackendCall
from locum.core.http import HttpResponse
from locum.core.reading import reads_only
from locum.store import SqliteJournal
from support.backends import behind
from support.inprocess import InProcess, refusal


@pytest.fixture
def own(tmp_path: Path) -> Iterator[InProcess]:
    """A plane whose storage a test may disturb."""
    running = InProcess(tmp_path / "data")
    yield running
    running.close()


@contextmanager
def locked(plane: InProcess) -> Iterator[sqlite3.Connection]:
    """A connection that can hold the lock of the journal's file, which the plane does not wait long for."""
    assert isinstance(plane.node.journal, SqliteJournal)
    plane.node.journal._writer.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(plane.node.directory.path / "locum.db", isolation_level=None)) as held:
        yield held


def stored(plane: InProcess, operation: str) -> list[Record]:
    """The records of `operation` that are on the disk now: nothing is written for the question."""
    return [record for record in plane.node.runtime.history.latest(50) if record.operation == operation]


def test_the_record_of_a_change_is_there_when_its_answer_comes(own: InProcess) -> None:
    s3 = own.client("s3")
    s3.create_bucket(Bucket="durable")
    s3.put_object(Bucket="durable", Key="k", Body=b"x")
    assert len(stored(own, "PutObject")) == 1


def test_a_change_that_the_backend_refuses_is_recorded_before_the_answer(own: InProcess) -> None:
    with suppress(ClientError):
        own.client("s3").put_object(Bucket="nowhere-at-all", Key="k", Body=b"x")
    assert [record.error_code for record in stored(own, "PutObject")] == ["NoSuchBucket"]


def test_a_read_does_not_wait_for_its_record(own: InProcess) -> None:
    with locked(own) as held:
        held.execute("BEGIN IMMEDIATE")
        assert own.client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
        held.execute("ROLLBACK")


def test_a_change_that_cannot_be_recorded_is_not_told_as_a_success(own: InProcess) -> None:
    with locked(own) as held:

        def act(_call: BackendCall) -> HttpResponse:
            held.execute("BEGIN IMMEDIATE")
            return HttpResponse(200, [], b"{}")

        with behind(own, "ecs", act) as backend:
            ecs = own.client("ecs")
            assert refusal(ecs.create_cluster, clusterName="c")[:2] == ("ServiceUnavailable", 503)
            assert refusal(ecs.create_cluster, clusterName="d")[:2] == ("ServiceUnavailable", 503)
            assert len(backend.calls) == 1  # storage that does not work: nothing is carried out
            held.execute("ROLLBACK")
    records = [r for r in own.records() if r.operation == "CreateCluster" and r.status == 200]
    assert [r.parameters for r in records] == [{"clusterName": "c"}]


@pytest.mark.parametrize(
    ("operation", "reads"),
    [
        ("GetObject", True), ("ListBuckets", True), ("HeadObject", True), ("Scan", True),
        ("Decrypt", True),
        ("GetActivityTask", False),
        ("PutObject", False), ("ReceiveMessage", False), ("Invoke", False), ("CreateTable", False),
    ],
)  # fmt: skip
def test_what_changes_something_is_known_by_the_record(operation: str, reads: bool) -> None:
    assert reads_only(operation) is reads
