"""Backups: all of a plane in one file, nothing secret in it unasked, and never half restored."""

from __future__ import annotations

import hashlib
import io
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from locum.cli.commands.backup import command as backup
from locum.cli.commands.restore import command as restore
from locum.cli.home import plane_time
from locum.core.errors import LocumError
from locum.state import Event, PendingEffect, put, remove
from locum.store import SqliteJournal
from locum.store.checkpoint import load, parts
from support.inprocess import InProcess
from support.kept import keeping
from support.ledgers import Made
from support.plane import refused


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    """A plane with a user and a queue."""
    found = keeping(tmp_path / "data")
    found.client("iam").create_user(UserName="saved")
    found.client("sqs").create_queue(QueueName="saved")
    yield found
    found.close()


@pytest.fixture
def written(plane: InProcess, tmp_path: Path) -> Path:
    """A backup of the plane."""
    return backed_up(plane, tmp_path / "backup.tar")


def data(plane: InProcess) -> Path:
    return plane.node.options.data


def told(command: Callable[..., object], *words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])  # type: ignore[arg-type]


def backed_up(plane: InProcess, file: Path, *options: str) -> Path:
    """A backup of the plane, which was stopped for it."""
    plane.close()
    assert told(backup, "--data", data(plane), *(options or ("--with-keys",)), file).exit_code == 0
    plane.start()
    return file


def users(plane: InProcess) -> list[str]:
    return sorted(user["UserName"] for user in plane.client("iam").list_users()["Users"])


def restarted_on(target: Path) -> InProcess:
    return keeping(target)


def rewritten(source: Path, target: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    """A backup of which somebody has changed the files."""
    with tarfile.open(source) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    with tarfile.open(target, "w") as archive:
        for name, content in change(files).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_what_was_there_is_there_again_and_what_came_later_is_not(plane: InProcess, tmp_path: Path) -> None:
    backed_up(plane, tmp_path / "b.tar")
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    assert not list((data(plane) / "snapshots").iterdir())
    plane.client("iam").create_user(UserName="later")
    done = told(restore, tmp_path / "b.tar", "--data", tmp_path / "other")
    assert "up to entry" in done.output
    other = restarted_on(tmp_path / "other")
    assert users(other) == ["saved"]
    assert [url.rpartition("/")[2] for url in other.client("sqs").list_queues()["QueueUrls"]] == ["saved"]
    events = other.client("cloudtrail").lookup_events()["Events"]
    assert "CreateUser" in {event["EventName"] for event in events}
    assert other.root == plane.root
    other.close()


def test_a_backup_without_keys_has_no_secret_and_takes_the_ring_of_the_installation(
    plane: InProcess, tmp_path: Path
) -> None:
    (data(plane) / "users").mkdir()
    (data(plane) / "users" / "ann.credentials").write_text("ann's secret")
    (data(plane) / "something").write_text("of a later version: nobody knows what it is")
    plane.close()
    done = told(backup, "--data", data(plane), tmp_path / "b.tar")
    plane.start()
    assert "the key ring is not in it" in done.output
    content = (tmp_path / "b.tar").read_bytes()
    for secret in (plane.root.secret_access_key, "ann's secret", "nobody knows", (data(plane) / "keyring").read_text()):
        assert secret.encode() not in content
    failed = told(restore, tmp_path / "b.tar", "--data", tmp_path / "other")
    assert "the backup has no key ring" in str(failed.exception)
    foreign = keeping(tmp_path / "foreign")
    foreign.close()
    failed = told(restore, tmp_path / "b.tar", "--data", tmp_path / "other", "--keyring", data(foreign) / "keyring")
    assert "not that of the backup" in str(failed.exception)
    assert not (tmp_path / "other").exists()
    assert told(restore, tmp_path / "b.tar", "--data", tmp_path / "other", "--keyring", data(plane) / "keyring").output
    other = restarted_on(tmp_path / "other")
    assert (users(other), other.root) == (["saved"], plane.root)
    other.close()


def test_a_key_ring_of_the_environment_is_told_not_to_be_in_a_backup(
    plane: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane.close()
    ring = data(plane) / "keyring"
    monkeypatch.setenv("LOCUM_KEYRING", ring.read_text())
    ring.unlink()
    done = told(backup, "--data", data(plane), "--with-keys", tmp_path / "b.tar")
    assert "the key ring is not in it" in done.output
    assert told(restore, tmp_path / "b.tar", "--data", tmp_path / "other").exit_code == 0
    assert not (tmp_path / "other" / "keyring").exists()
    monkeypatch.delenv("LOCUM_KEYRING")
    failed = told(restore, tmp_path / "b.tar", "--data", tmp_path / "third")
    assert "the backup has no key ring" in str(failed.exception)
    monkeypatch.setenv("LOCUM_KEYRING", plane.node.keyring.dump().decode())
    plane.start()


def test_nothing_is_overwritten_by_a_backup_or_a_restoration(written: Path, tmp_path: Path) -> None:
    before = written.read_bytes()
    failed = told(backup, "--data", tmp_path / "data", written)
    assert "is there already" in str(failed.exception)
    assert written.read_bytes() == before
    failed = told(restore, written, "--data", tmp_path / "data")
    assert "has something in it" in str(failed.exception)
    (tmp_path / "empty").mkdir()
    assert told(restore, written, "--data", tmp_path / "empty").exit_code == 0


@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 0.85])
def test_attack_a_backup_that_was_cut_short_restores_nothing(written: Path, tmp_path: Path, share: float) -> None:
    content = written.read_bytes()
    (tmp_path / "cut.tar").write_bytes(content[: int(len(content) * share) // 512 * 512])
    failed = told(restore, tmp_path / "cut.tar", "--data", tmp_path / "other")
    assert isinstance(failed.exception, LocumError)
    assert not list(tmp_path.glob("*other*"))


def altered(files: dict[str, bytes]) -> dict[str, bytes]:
    return {**files, "keyring": files["keyring"] + b" "}


def left_out(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if not name.endswith(".snapshot")}


def added(files: dict[str, bytes]) -> dict[str, bytes]:
    sums = files.pop("SHA256SUMS")
    return {**files, "oidc/keys.json": b"{}", "SHA256SUMS": sums}


def behind_the_end(files: dict[str, bytes]) -> dict[str, bytes]:
    return {**files, "oidc/keys.json": b"{}"}


def outside(files: dict[str, bytes]) -> dict[str, bytes]:
    return {"backup.json": files["backup.json"], "../outside": b"", **files}


def absolute(files: dict[str, bytes]) -> dict[str, bytes]:
    return {"backup.json": files["backup.json"], "/tmp/locum-outside": b"", **files}


@pytest.mark.parametrize("attack", [altered, left_out, added, behind_the_end, outside, absolute])
def test_attack_a_backup_that_was_changed_restores_nothing(
    written: Path, tmp_path: Path, attack: Callable[[dict[str, bytes]], dict[str, bytes]]
) -> None:
    rewritten(written, tmp_path / "changed.tar", attack)
    failed = told(restore, tmp_path / "changed.tar", "--data", tmp_path / "other")
    assert isinstance(failed.exception, LocumError)
    assert not (tmp_path / "other").exists()
    assert not (tmp_path / "outside").exists()


def test_attack_a_link_in_a_backup_is_not_followed(written: Path, tmp_path: Path) -> None:
    with tarfile.open(written) as archive, tarfile.open(tmp_path / "linked.tar", "w") as changed:
        members = archive.getmembers()
        changed.addfile(members[0], archive.extractfile(members[0]))
        link = tarfile.TarInfo("backend")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        changed.addfile(link)
    failed = told(restore, tmp_path / "linked.tar", "--data", tmp_path / "other")
    assert "no backup of Locum's" in str(failed.exception)


def missing_entry(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM entry WHERE sequence = 1")


def zeroed_page(file: Path) -> None:
    with file.open("r+b") as journal:
        journal.seek(4096 * 3)
        journal.write(bytes(4096))


@pytest.mark.parametrize(("damage", "reason"), [(missing_entry, "entry 1 is missing"), (zeroed_page, "damaged")])
def test_a_damaged_journal_is_not_restored(
    written: Path, tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    def damaged(files: dict[str, bytes]) -> dict[str, bytes]:
        (tmp_path / "journal").write_bytes(files["locum.db"])
        damage(tmp_path / "journal")
        content = (tmp_path / "journal").read_bytes()
        before, after = (hashlib.sha256(it).hexdigest() for it in (files["locum.db"], content))
        sums = files["SHA256SUMS"].decode().replace(before, after).encode()
        return {**files, "locum.db": content, "SHA256SUMS": sums}

    rewritten(written, tmp_path / "damaged.tar", damaged)
    failed = told(restore, tmp_path / "damaged.tar", "--data", tmp_path / "other")
    assert isinstance(failed.exception, LocumError)
    assert reason in str(failed.exception)
    assert not (tmp_path / "other").exists()


def test_a_backup_of_a_newer_locum_is_refused(written: Path, tmp_path: Path) -> None:
    rewritten(
        written,
        tmp_path / "newer.tar",
        lambda files: {**files, "backup.json": b'{"format": 2, "locum": "9.0", "at": 0, "keys": true}'},
    )
    failed = told(restore, tmp_path / "newer.tar", "--data", tmp_path / "other")
    assert "written by a newer Locum (9.0)" in str(failed.exception)


def test_what_came_after_an_entry_is_taken_back_and_the_record_stays(plane: InProcess, tmp_path: Path) -> None:
    iam = plane.client("iam")
    key = iam.create_access_key(UserName="saved")["AccessKey"]["AccessKeyId"]
    sequence = plane.node.ledger.state.sequence
    iam.delete_access_key(UserName="saved", AccessKeyId=key)
    iam.create_user(UserName="attacker")
    between = plane.node.ledger.state.sequence
    backed_up(plane, tmp_path / "b.tar")
    done = told(restore, tmp_path / "b.tar", "--data", tmp_path / "other", "--sequence", sequence)
    assert "takes back what came later: 2 changes" in done.output
    other = restarted_on(tmp_path / "other")
    assert users(other) == ["saved"]
    assert [
        it["AccessKeyId"] for it in other.client("iam").list_access_keys(UserName="saved")["AccessKeyMetadata"]
    ] == [key]
    events = other.client("cloudtrail").lookup_events()["Events"]
    assert "DeleteAccessKey" in {event["EventName"] for event in events}
    assert other.node.ledger.state.sequence > between
    other.close()


def test_a_time_between_two_changes_is_gone_back_to(plane: InProcess, tmp_path: Path) -> None:
    moment = plane.node.runtime.clock.wall
    before = moment()
    plane.client("iam").create_user(UserName="later")
    backed_up(plane, tmp_path / "b.tar")
    at = f"{max(1, round(plane_time(data(plane)) - before + 3600))}s"
    done = told(restore, tmp_path / "b.tar", "--data", tmp_path / "hour", "--at", at)
    assert done.exit_code == 0
    other = restarted_on(tmp_path / "hour")
    assert users(other) == []
    other.close()


def test_a_time_after_the_backup_is_refused_and_where_nothing_came_later_it_is_said(
    plane: InProcess, written: Path, tmp_path: Path
) -> None:
    """A year that was mistyped would else restore all that was to be taken back."""
    failed = told(restore, written, "--data", tmp_path / "other", "--at", "2099-01-01")
    assert "take one that was made later" in str(failed.exception)
    assert not (tmp_path / "other").exists()
    last = plane.node.ledger.state.sequence
    done = told(restore, written, "--data", tmp_path / "other", "--sequence", last)
    assert "nothing is taken back" in done.output


def test_what_is_before_the_checkpoint_is_refused_and_identities_go_back_all_the_same(
    plane: InProcess, tmp_path: Path
) -> None:
    plane.close()
    with closing(SqliteJournal.open(data(plane))) as journal:
        state = load(journal)
        journal.save_checkpoint(state.sequence, parts(state))
    plane.start()
    backed_up(plane, tmp_path / "b.tar")
    for words in (("--sequence", 1), ("--at", "1h")):
        failed = told(restore, tmp_path / "b.tar", "--data", tmp_path / "other", *words)
        assert isinstance(failed.exception, LocumError)
        assert not (tmp_path / "other").exists()
    failed = told(restore, tmp_path / "b.tar", "--data", tmp_path / "other", "--sequence", state.sequence + 1)
    assert "can be taken back to entries" in str(failed.exception)
    done = told(restore, tmp_path / "b.tar", "--data", tmp_path / "other", "--at", "1h", "--identities")
    assert done.exit_code == 0
    other = restarted_on(tmp_path / "other")
    assert users(other) == []
    assert refused(other.client("iam", plane.root).list_users).code == "InvalidClientTokenId"
    other.close()


def test_attack_an_effect_that_was_carried_out_is_not_carried_out_again(plane: InProcess, tmp_path: Path) -> None:
    effect = PendingEffect(
        account=plane.node.account, id="one", cause="c", sequence=1, position=0, created=0, due=2e9, sealed=b"sealed"
    )
    committed(plane, put(effect))
    sequence = plane.node.ledger.state.sequence
    committed(plane, remove(effect))
    backed_up(plane, tmp_path / "b.tar")
    told(restore, tmp_path / "b.tar", "--data", tmp_path / "other", "--sequence", sequence)
    with closing(SqliteJournal.open(tmp_path / "other")) as journal:
        assert list(load(journal).every(PendingEffect)) == []


def committed(plane: InProcess, event: Event) -> None:
    plane.run(plane.node.ledger.transact(lambda _: Made("", (event,)), lambda _: ()))
