"""Saved states: whole or not there, of a running plane too, and nothing but the state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from locum.backends.kept_files import KeptFiles
from locum.backends.moto.models import backends_of
from locum.cli import account_reset, saved
from locum.cli.commands.reset import command as reset
from locum.core.clock import system_clock
from locum.core.errors import LocumError
from support.inprocess import InProcess
from support.kept import keeping
from support.plane import ACCOUNT, refused


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    """A plane with a user, in whose data directory are files of processes."""
    found = keeping(tmp_path / "data")
    found.client("iam").create_user(UserName="saved")
    (tmp_path / "data" / "plane.json").write_text("{}")
    yield found
    found.close()


def data(plane: InProcess) -> Path:
    return plane.node.options.data


def users(plane: InProcess) -> list[str]:
    return [user["UserName"] for user in plane.client("iam").list_users()["Users"]]


def test_the_state_of_a_running_plane_is_saved_and_loaded(plane: InProcess) -> None:
    plane.client("sqs").create_queue(QueueName="saved")
    assert plane.run(plane.node.save("first")) == ["sqs"]
    plane.client("iam").create_user(UserName="later")
    plane.client("sqs").create_queue(QueueName="later")
    with pytest.raises(LocumError, match="in use"):
        saved.load(data(plane), "first")
    assert sorted(users(plane)) == ["later", "saved"]
    plane.close()
    saved.load(data(plane), "first")
    plane.start()
    assert users(plane) == ["saved"]
    assert [url.rpartition("/")[2] for url in plane.client("sqs").list_queues()["QueueUrls"]] == ["saved"]
    (told,) = saved.every(data(plane))
    assert (told.name, told.services) == ("first", ("sqs",))


def test_a_saved_state_has_nothing_of_the_processes(plane: InProcess) -> None:
    plane.run(plane.node.save("first"))
    kept = {path.name for path in (data(plane) / "snapshots" / "first").iterdir()}
    assert kept == {"backend", "credentials", "keyring", "locum.db", "snapshot.json"}
    secret = (path for path in (data(plane) / "snapshots" / "first").iterdir() if path.name != "snapshot.json")
    assert all(path.stat().st_mode & 0o077 == 0 for path in secret)


def test_what_is_saved_does_not_change_with_the_plane(plane: InProcess) -> None:
    plane.client("sqs").create_queue(QueueName="saved")
    plane.run(plane.node.save("first"))
    before = (data(plane) / "snapshots" / "first" / "backend" / "sqs.snapshot").read_bytes()
    plane.client("sqs").create_queue(QueueName="later")
    plane.run(plane.node.save("second"))
    assert (data(plane) / "snapshots" / "first" / "backend" / "sqs.snapshot").read_bytes() == before


def test_what_cannot_be_kept_is_told_of_a_snapshot_where_it_is_saved_and_where_it_is_used(
    plane: InProcess, caplog: pytest.LogCaptureFixture
) -> None:
    key = plane.client("kms").create_key()["KeyMetadata"]["KeyId"]
    backends_of("kms")[plane.node.account]["us-east-1"].keys[key].unpicklable = (one for one in "a")
    plane.client("sqs").create_queue(QueueName="saved")
    plane.run(plane.node.save("first"))
    assert saved.lacking(data(plane), "first") == ["kms"]
    told = (data(plane) / "snapshots" / "first" / "backend" / "kms.changed").read_bytes()
    (data(plane) / "backend" / "kms.changed").write_text("later")
    assert (data(plane) / "snapshots" / "first" / "backend" / "kms.changed").read_bytes() == told
    plane.close()
    saved.load(data(plane), "first")
    caplog.clear()
    plane.start()
    assert "what was last changed in kms is missing (kms cannot be kept: cannot pickle 'generator'" in caplog.text
    assert "sqs is missing" not in caplog.text


def test_what_locum_init_keeps_is_saved_as_loading_removes_what_is_there(plane: InProcess, tmp_path: Path) -> None:
    kept = {"users/ann.credentials": "key", "init/net/terraform.tfstate": "{}", "oidc/issuer/keys.json": "{}"}
    for name, text in {**kept, "init/net/terraform/providers/aws": "large"}.items():
        (data(plane) / name).parent.mkdir(parents=True, exist_ok=True)
        (data(plane) / name).write_text(text)
    (data(plane) / "elsewhere").symlink_to(tmp_path)
    plane.run(plane.node.save("first"))
    (data(plane) / "users" / "ann.credentials").write_text("later")
    plane.close()
    saved.load(data(plane), "first")
    assert {name: (data(plane) / name).read_text() for name in kept} == kept
    assert (data(plane) / "elsewhere").is_symlink()
    assert not (data(plane) / "init" / "net" / "terraform" / "providers").exists()
    plane.start()


def test_a_name_is_used_once(plane: InProcess) -> None:
    plane.run(plane.node.save("first"))
    with pytest.raises(LocumError, match="there is a snapshot first already"):
        plane.run(plane.node.save("first"))


def test_a_fork_is_a_plane_of_its_own(plane: InProcess, tmp_path: Path) -> None:
    plane.run(plane.node.save("first"))
    saved.fork(data(plane), "first", tmp_path / "fork")
    with pytest.raises(LocumError, match="has a plane already"):
        saved.fork(data(plane), "first", tmp_path / "fork")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").touch()
    with pytest.raises(LocumError, match=r"not Locum.s"):
        saved.fork(data(plane), "first", tmp_path / "theirs")
    other = InProcess(tmp_path / "fork")
    other.client("iam").create_user(UserName="forked")
    assert (sorted(users(other)), users(plane)) == (["forked", "saved"], ["saved"])
    other.close()


def test_a_state_that_is_half_written_is_none(plane: InProcess) -> None:
    def full(_folder: Path) -> list[str]:
        raise OSError(28, "No space left on device")

    with pytest.raises(LocumError, match="first cannot be written: No space left on device"):
        saved.write(data(plane), "first", system_clock, full)
    assert list((data(plane) / "snapshots").iterdir()) == []
    assert saved.every(data(plane)) == []


def test_a_load_that_was_interrupted_is_finished(plane: InProcess) -> None:
    plane.run(plane.node.save("first"))
    plane.client("iam").create_user(UserName="later")
    plane.close()
    (data(plane) / "loading").write_text("first")
    (data(plane) / "keyring").unlink()
    saved.finish_loading(data(plane))
    saved.finish_loading(data(plane))
    plane.start()
    assert users(plane) == ["saved"]


def half_loaded(plane: InProcess) -> None:
    """End as a process does that is killed while it loads the snapshot `first`, in which is the user `saved` alone."""
    plane.run(plane.node.save("first"))
    plane.client("iam").create_user(UserName="later")
    plane.close()
    (data(plane) / "loading").write_text("first")
    (data(plane) / "keyring").unlink()


def test_attack_what_is_half_loaded_is_not_saved(plane: InProcess, tmp_path: Path) -> None:
    half_loaded(plane)
    saved.write_stopped(data(plane), "second", system_clock, lambda _folder: [])
    saved.fork(data(plane), "second", tmp_path / "fork")
    other = InProcess(tmp_path / "fork")
    assert users(other) == ["saved"]
    other.close()
    plane.start()


def test_attack_a_reset_after_an_interrupted_load_loads_nothing(plane: InProcess) -> None:
    half_loaded(plane)
    saved.remove_everything(data(plane))
    saved.finish_loading(data(plane))
    plane.start()
    assert users(plane) == []


def test_what_is_half_loaded_is_not_deleted(plane: InProcess) -> None:
    half_loaded(plane)
    with pytest.raises(LocumError, match="first is half loaded"):
        saved.delete(data(plane), "first")
    saved.finish_loading(data(plane))
    saved.delete(data(plane), "first")
    plane.start()
    assert users(plane) == ["saved"]


def test_what_an_interrupted_save_left_keeps_nothing_from_being_deleted(plane: InProcess) -> None:
    plane.run(plane.node.save("first"))
    (data(plane) / "snapshots" / ".first.new" / "backend").mkdir(parents=True)
    saved.delete(data(plane), "first")
    assert list((data(plane) / "snapshots").iterdir()) == []


@pytest.mark.parametrize("name", ["../out", ".hidden", "", "a/b", "x" * 65, "none"])
def test_a_name_of_nothing_changes_nothing(plane: InProcess, name: str, tmp_path: Path) -> None:
    plane.close()
    for work in (saved.load, saved.delete):
        with pytest.raises(LocumError, match=r"no snapshot|no name"):
            work(data(plane), name)
    with pytest.raises(LocumError, match=r"no snapshot|no name"):
        saved.fork(data(plane), name, tmp_path / "fork")
    assert not (tmp_path / "fork").exists()
    plane.start()
    assert users(plane) == ["saved"]


def test_a_link_in_the_place_of_a_saved_state_is_none(plane: InProcess, tmp_path: Path) -> None:
    plane.run(plane.node.save("first"))
    (data(plane) / "snapshots" / "first").rename(tmp_path / "elsewhere")
    (data(plane) / "snapshots" / "first").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocumError, match="no snapshot first"):
        saved.delete(data(plane), "first")
    assert (tmp_path / "elsewhere" / "locum.db").exists()


def test_a_reset_leaves_what_was_saved(plane: InProcess) -> None:
    plane.run(plane.node.save("first"))
    plane.close()
    saved.remove_everything(data(plane))
    plane.start()
    assert users(plane) == []
    assert [each.name for each in saved.every(data(plane))] == ["first"]


def test_an_account_begins_anew_in_its_organization_and_others_keep_what_they_have(plane: InProcess) -> None:
    organizations = plane.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    begun = organizations.create_account(Email="other@example.org", AccountName="other")["CreateAccountStatus"]
    member = organizations.describe_create_account_status(CreateAccountRequestId=begun["Id"])["CreateAccountStatus"]
    other = plane.account(member["AccountId"])
    plane.client("iam", other).create_user(UserName="theirs")
    plane.client("iam").create_account_alias(AccountAlias="ours")
    before = plane.root
    plane.close()
    account_reset.remove_identities(data(plane), ACCOUNT, system_clock)
    with pytest.raises(LocumError, match="has no account 999999999999"):
        account_reset.remove_identities(data(plane), "999999999999", system_clock)
    plane.start()
    assert users(plane) == []
    assert plane.client("iam").list_account_aliases()["AccountAliases"] == []
    assert [it["UserName"] for it in plane.client("iam", other).list_users()["Users"]] == ["theirs"]
    accounts = plane.client("organizations").list_accounts()["Accounts"]
    assert {it["Id"] for it in accounts} == {ACCOUNT, member["AccountId"]}
    assert refused(plane.client("iam", before).list_users).code == "InvalidClientTokenId"


def test_what_cannot_be_written_is_not_told_to_be_reset(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in (plane.root, plane.account("222233334444")):
        plane.client("sqs", key).create_queue(QueueName="q")
    plane.close()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    words = ["--data", str(data(plane)), "--service", "sqs", "--account", "222233334444", "--yes"]
    with monkeypatch.context() as patched:
        patched.setattr(KeptFiles, "write", full)
        done = CliRunner().invoke(reset, words)
    assert isinstance(done.exception, LocumError)
    assert str(done.exception) == "not all is reset: what is left of sqs cannot be written"
    assert CliRunner().invoke(reset, words).output == "reset: sqs of 222233334444\n"
    plane.start()
