"""Records are archived before they go, each once, and nothing that was not written is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from locum.agents.archive import AFTER_FAULT, EVERY, Archive
from locum.audit.archive.batches import next_batch
from locum.audit.archive.place import Place, place
from locum.audit.archive.process import FileWriter, NotArchived
from locum.audit.identity import Identity
from locum.audit.record import Record
from locum.cli.archiving import check_archive, settle_held
from locum.cli.options import Options
from locum.core.clock import DAY
from locum.core.errors import ConfigurationError
from locum.core.principal import PrincipalKind
from locum.store import AuditRow, Ledger, Retention
from locum.store.memory import MemoryJournal

ACCOUNT = "111122223333"
PLACE = Place("bucket", "cold", "http://store.example")


def row(at: float, *, stranger: bool = False) -> AuditRow:
    kind = PrincipalKind.ANONYMOUS if stranger else PrincipalKind.ROOT
    return Record(
        event_id=f"event-{at}",
        request_id="r",
        at=at,
        account=ACCOUNT,
        region="us-east-1",
        event_source="iam.amazonaws.com",
        service="iam",
        operation="GetUser",
        identity=Identity(kind, "", ACCOUNT),
    ).row()


class Stored:
    """A store that may be away, and what it was given."""

    def __init__(self) -> None:
        self.files: dict[str, list[int]] = {}
        self.away = False

    def store(self, where: Place, key: str, rows: list[tuple[int, bytes]]) -> None:
        if self.away:
            raise NotArchived("away")
        assert where == PLACE
        assert key not in self.files
        self.files[key] = [position for position, _ in rows]

    def stop(self) -> None:
        self.away = True


def written(*rows: AuditRow, retention: Retention = Retention()) -> MemoryJournal:  # noqa: B008 - frozen
    journal = MemoryJournal("id", retention)
    journal.record(rows)
    return journal


@contextmanager
def archiving(journal: MemoryJournal, stored: Stored, most: int = 3) -> Iterator[Archive]:
    with asyncio.Runner() as runner:

        async def made() -> Archive:
            return Archive(Ledger.open(journal), journal, lambda: 0.0, PLACE, stored, most)

        archive = runner.run(made())
        archive.step = lambda: runner.run(archive.reconcile())  # type: ignore[attr-defined]
        yield archive
        runner.run(archive._ledger.close())


def step(archive: Archive) -> float:
    due: float = archive.step()  # type: ignore[attr-defined]
    return due


def test_full_files_and_those_of_days_that_are_over_are_written_and_the_rest_waits() -> None:
    journal, stored = written(*map(row, [1.0, 2.0, 3.0, 4.0, DAY + 1.0, DAY + 2.0])), Stored()
    with archiving(journal, stored) as archive:
        assert step(archive) == EVERY
        first, second = stored.files
        assert first == f"cold/installation=id/day=1970-01-01/{1:020d}.parquet"
        assert second == f"cold/installation=id/day=1970-01-01/{4:020d}.parquet"
        assert list(stored.files.values()) == [[1, 2, 3], [4]]
        assert journal.held() == 4
        journal.record([row(2 * DAY)])
        step(archive)
        assert list(stored.files.values())[2] == [5, 6]
        assert journal.held() == 6


def test_attack_what_could_not_be_written_is_not_dropped_however_old_it_is() -> None:
    journal, stored = written(*map(row, [1.0, 2.0, 3.0, 4.0]), retention=Retention(days=1, rows=2)), Stored()
    stored.away = True
    with archiving(journal, stored) as archive:
        assert step(archive) == AFTER_FAULT
        journal.maintain(400 * DAY)
        assert [position for position, _ in journal.rows] == [1, 2, 3, 4]
        stored.away = False
        step(archive)
        journal.maintain(400 * DAY)
        assert [position for position, _ in journal.rows] == [4]


def test_rows_of_strangers_are_passed_over() -> None:
    rows = [row(1.0, stranger=True), row(2.0), row(3.0, stranger=True), row(DAY, stranger=True), row(DAY + 1)]
    journal, stored = written(*rows), Stored()
    with archiving(journal, stored) as archive:
        step(archive)
        assert list(stored.files.values()) == [[2]]
        assert journal.held() == 4


def test_a_second_try_has_the_same_rows_though_more_have_come() -> None:
    journal = written(*map(row, [1.0, 2.0, DAY]))
    before = next_batch(journal, 0)
    journal.record([*map(row, [5.0, DAY + 5, DAY + 6, 2 * DAY])])
    assert next_batch(journal, 0) == before
    assert before is not None
    assert (before.last, [position for position, _ in before.rows]) == (2, [1, 2])


def test_a_day_that_goes_on_is_not_cut() -> None:
    with closing(written(*map(row, [1.0, 2.0]))) as journal:
        assert next_batch(journal, 0) is None


def test_a_place_is_named_in_one_way() -> None:
    assert place("s3://bucket/a/b/", "https://store.example/") == Place("bucket", "a/b", "https://store.example")
    assert place("s3://bucket").key("id", 0.0, 7) == f"installation=id/day=1970-01-01/{7:020d}.parquet"


@pytest.mark.parametrize("url", ["http://bucket", "s3://", "s3://UPPER/x", "s3://bucket/a?key=secret", "bucket/a"])
def test_anything_else_is_no_place(url: str) -> None:
    with pytest.raises(ConfigurationError):
        place(url)


@pytest.mark.parametrize("endpoint", ["ftp://x", "https://user:secret@store", "https://store/path"])
def test_an_endpoint_has_neither_a_path_nor_a_secret(endpoint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        place("s3://bucket", endpoint)
    assert "secret" not in str(refused.value)


def test_an_archive_that_is_no_more_named_keeps_what_it_has_not_written_until_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = written(row(1.0))
    journal.hold(0)
    settle_held(Options(data=tmp_path), journal)
    assert "records behind position 0 are kept for an archive" in caplog.text
    assert journal.held() == 0
    settle_held(Options(data=tmp_path, archive="s3://bucket"), journal)
    assert journal.held() == 0
    settle_held(Options(data=tmp_path, archive="none"), journal)
    assert journal.held() is None


def test_a_place_that_is_none_is_refused_before_a_plane_begins(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="an archive is named like"):
        check_archive(Options(data=tmp_path, archive="/backups"))


def test_attack_a_writer_that_is_stopped_just_before_it_begins_writes_nothing() -> None:
    """The plane would wait for it, for as long as a store may take."""
    writer = FileWriter()
    writer.stop()
    with pytest.raises(NotArchived, match="status -9"):
        writer.store(Place("bucket"), "key", [(1, b"{}")])
