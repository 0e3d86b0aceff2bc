"""`kill -9` after the answer to a call that a backend carried out: what was acknowledged is on record."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from locum.core.reading import reads_only
from locum.store import AuditQuery, Field, SqliteJournal
from support.holdings import HOLDINGS, Held, Holding, filled
from support.plane import RunningPlane, up


def killed_after_a_put(plane: RunningPlane) -> str:
    """The request id of an upload, after the answer to which the plane was killed at once."""
    bucket, s3 = plane.bucket(), plane.client("s3")
    answer = s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 1024)
    plane.kill()
    return str(answer["ResponseMetadata"]["RequestId"])


def on_record(plane: RunningPlane, request_id: str, operation: str = "PutObject") -> int:
    """How many records of that request there are, among all: it is no attribute of the event history."""
    journal = SqliteJournal.open(plane.data)
    found = journal.find(AuditQuery(field=Field.EVENT_NAME, value=operation, limit=1000))
    journal.close()
    return sum(request_id.encode() in row.data for row in found)


@pytest.mark.parametrize("again", range(3))
def test_a_call_that_a_backend_carried_out_is_on_record_when_the_answer_comes(tmp_path: Path, again: int) -> None:
    with up(tmp_path) as plane:
        request_id = killed_after_a_put(plane)
        assert on_record(plane, request_id) == 1
        plane.start()


def change_in(plane: RunningPlane, holding: Holding) -> tuple[str, str]:
    """The name of an operation that changes something that is held, and the id of its request."""
    client = plane.client(holding.service)
    held = Held(holding, cache(plane.client), account="000000000000")
    names = client.meta.method_to_api_mapping
    way = next(way for way in holding.ways if not reads_only(names[way.operation]))
    answer = getattr(client, way.operation)(**filled(way.params, held.names))
    return names[way.operation], answer["ResponseMetadata"]["RequestId"]


def test_changes_in_many_services_are_on_record_when_the_last_is_answered(tmp_path: Path) -> None:
    tried = {holding.service: holding for holding in HOLDINGS[::2]}
    assert len(tried) >= 20
    with up(tmp_path) as plane:
        made = [change_in(plane, holding) for holding in tried.values()]
        plane.kill()
        assert [(name, on_record(plane, request_id, name)) for name, request_id in made] == [(n, 1) for n, _ in made]
        plane.start()


def test_with_early_answers_calls_are_answered_all_the_same(tmp_path: Path) -> None:
    with up(tmp_path, "--early-answers") as plane:
        assert plane.client("s3").put_object(Bucket=plane.bucket(), Key="k", Body=b"x")["ETag"]
