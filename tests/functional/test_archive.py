"""Records of one plane, archived in a bucket of another one, and queried there."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from locum.audit.archive.place import ACCESS_KEY, SECRET, Place
from locum.audit.archive.process import FileWriter, NotArchived
from locum.audit.identity import Identity
from locum.audit.record import Record, Resource, decode
from locum.core.clock import DAY, system_clock
from locum.core.principal import PrincipalKind
from locum.store import SqliteJournal
from support.plane import LOCUM, RunningPlane, up
from support.processes import finished

ACCOUNT = "111122223333"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane that is the store."""
    with up(tmp_path_factory.mktemp("store")) as found:
        found.bucket("cold")
        yield found


@pytest.fixture
def environment(shop: RunningPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ACCESS_KEY, shop.root.access_key_id)
    monkeypatch.setenv(SECRET, shop.root.secret_access_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # that of some other plane


def row(position: int, at: float, name: str = "GetUser", text: str = "plain") -> tuple[int, bytes]:
    record = Record(
        event_id=f"event-{position}",
        request_id=f"request-{position}",
        at=at,
        account=ACCOUNT,
        region="us-east-1",
        event_source="iam.amazonaws.com",
        service="iam",
        operation=name,
        identity=Identity(PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/ann", ACCOUNT, name="ann"),
        resources=(Resource("AWS::IAM::User", "ann", f"arn:aws:iam::{ACCOUNT}:user/ann"),),
        verdict="implicit-deny" if name == "DeleteUser" else "allow",
        user_agent=text,
    )
    return position, record.row().data


def store(where: Place, key: str, rows: list[tuple[int, bytes]]) -> None:
    FileWriter().store(where, key, rows)


def place(shop: RunningPlane, prefix: str) -> Place:
    return Place("cold", prefix, shop.endpoint)


def queried(shop: RunningPlane, prefix: str, statement: str) -> list[dict[str, Any]]:
    words = ["archive", "query", "--archive", f"s3://cold/{prefix}", "--archive-endpoint", shop.endpoint]
    done = finished([LOCUM, *words, "--format", "json", statement])
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.usefixtures("environment")
def test_what_is_archived_is_found_by_sql_where_it_is(shop: RunningPlane) -> None:
    where = place(shop, "found/here")
    days = {
        0: [row(n, n, "GetUser", "tab\tquote'\"\u00e9\u2028") for n in range(1, 6)],
        1: [row(6, DAY + 6.25, "DeleteUser")],
    }
    for rows in days.values():
        at = 0.0 if rows[0][0] == 1 else DAY
        store(where, where.key("id", at, rows[0][0]), rows)
    (counts,) = queried(shop, "found/here", "SELECT count(*) AS n, max(position) AS last FROM records")
    assert counts == {"n": 6, "last": 6}
    (denied,) = queried(shop, "found/here", "SELECT * FROM records WHERE denied AND day = DATE '1970-01-02'")
    assert (denied["event_name"], denied["time"]) == ("DeleteUser", "1970-01-02 00:00:06.250000")
    assert (denied["principal"], denied["installation"]) == (f"arn:aws:iam::{ACCOUNT}:user/ann", "id")
    assert denied["resources"] == [f"arn:aws:iam::{ACCOUNT}:user/ann"]
    assert json.loads(denied["event"])["eventID"] == "event-6"
    assert denied["record"].encode() == days[1][0][1]
    (first,) = queried(shop, "found/here", "SELECT user_agent FROM records ORDER BY position LIMIT 1")
    assert first["user_agent"] == "tab\tquote'\"\u00e9\u2028"


@pytest.mark.usefixtures("environment")
def test_a_file_that_is_there_is_not_written_twice_and_never_replaced_by_another(shop: RunningPlane) -> None:
    where, rows = place(shop, "twice"), [row(1, 1.0), row(2, 2.0)]
    key = where.key("id", 1.0, 1)
    store(where, key, rows)
    stored = shop.client("s3").head_object(Bucket="cold", Key=key)
    store(where, key, rows)
    assert shop.client("s3").head_object(Bucket="cold", Key=key)["LastModified"] == stored["LastModified"]
    with pytest.raises(NotArchived, match="another plane archives at this place"):
        store(where, key, [row(1, 1.0, "DeleteUser")])
    (found,) = queried(shop, "twice", "SELECT count(*) AS n FROM records")
    assert found == {"n": 2}


@pytest.mark.usefixtures("environment")
def test_what_the_store_refuses_is_told_without_a_secret(shop: RunningPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    where = place(shop, "refused")._replace(bucket="absent")
    with pytest.raises(NotArchived, match=r"NoSuchBucket|404"):
        store(where, where.key("id", 1.0, 1), [row(1, 1.0)])
    monkeypatch.setenv(SECRET, "a-wrong-secret")
    with pytest.raises(NotArchived) as refused:
        store(place(shop, "refused"), "key", [row(1, 1.0)])
    assert "403" in str(refused.value)
    assert "a-wrong-secret" not in str(refused.value)


def test_a_plane_archives_what_it_recorded_on_days_that_are_over(shop: RunningPlane, tmp_path: Path) -> None:
    yesterday = system_clock() - 2 * DAY
    with closing(SqliteJournal.open(tmp_path / "plane")) as journal:
        rows = [row(n, yesterday + n / 1000) for n in range(1, 501)]
        journal.record([decode(data).row() for _, data in [*rows, row(501, yesterday + DAY)]])
    flags = ["--archive", "s3://cold/plane", "--archive-endpoint", shop.endpoint]
    keys = {ACCESS_KEY: shop.root.access_key_id, SECRET: shop.root.secret_access_key}
    plain = RunningPlane.environment
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunningPlane, "environment", lambda self, **more: plain(self, **keys, **more))
        with up(tmp_path, *flags) as plane:
            plane.client("iam").create_user(UserName="today")
            while held(plane.data) != 500:
                plane.client("sts").get_caller_identity()
            assert not any(keys[SECRET] in line for line in _command_lines())
        for name, value in keys.items():
            patch.setenv(name, value)
        (found,) = queried(shop, "plane", "SELECT count(*) AS n, min(position) AS first FROM records")
        assert found == {"n": 500, "first": 1}


def held(data: Path) -> int:
    """Up to where the journal of a plane that runs is archived."""
    with closing(sqlite3.connect(f"file:{data}/locum.db?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT value FROM meta WHERE key = 'held'").fetchone()
    return 0 if found is None else int(found[0])


def _command_lines() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_text())
        except OSError:  # it has ended
            continue
    return found
