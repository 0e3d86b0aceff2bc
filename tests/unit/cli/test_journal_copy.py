"""The journal of an installation moves to a database and back, with all that belongs to the installation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result

from locum.cli.commands.journal import command as journal
from locum.core.errors import ConfigurationError
from locum.credentials.clusterkeys import KEY_FILE
from locum.credentials.files import write_private
from support.inprocess import InProcess
from support.kept import keeping
from support.postgresql import ONE_SERVER, server

pytestmark = ONE_SERVER


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """A database with nothing in it, not even a schema."""
    name = f"moved_{abs(hash(request.node.name)) % 10**9}"
    server().empty(name)
    return f"postgresql://locum@/{name}?host={quote(str(server().directory), safe='')}"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    found = keeping(tmp_path / "data")
    found.client("iam").create_user(UserName="moved")
    found.client("sqs").create_queue(QueueName="stays")
    yield found
    found.close()


def copied(*words: object) -> Result:
    return CliRunner().invoke(journal, ["copy", *map(str, words)])


def users(plane: InProcess) -> list[str]:
    return sorted(user["UserName"] for user in plane.client("iam").list_users()["Users"])


def events(plane: InProcess) -> list[str]:
    return [event["EventId"] for event in plane.client("cloudtrail").lookup_events()["Events"]]


def test_an_installation_goes_to_a_database_and_back_and_misses_nothing(
    plane: InProcess, url: str, tmp_path: Path
) -> None:
    before, data = events(plane), tmp_path / "data"
    write_private(data / KEY_FILE, b"sealed")
    plane.close()
    done = copied("--data", data, "--to", url)
    assert "copied and compared: 2 entries" in done.output, done.exception
    with pytest.raises(ConfigurationError, match="is in a database"):
        plane.start()
    assert "locum.db.copied was copied to a database already" in str(copied("--data", data, "--to", url).exception)
    node = keeping(data, journal=url)
    assert (users(node), node.root) == (["moved"], plane.root)
    assert [queue.rpartition("/")[2] for queue in node.client("sqs").list_queues()["QueueUrls"]] == ["stays"]
    assert set(before) <= set(events(node))
    node.client("iam").create_user(UserName="later")
    with pytest.raises(ConfigurationError, match="backed up there"):
        node.run(node.node.save("first"))
    node.close()
    assert copied("--data", data, "--from", url).exit_code == 0
    plane.start()
    assert (users(plane), plane.root) == (["later", "moved"], node.root)
    assert (data / KEY_FILE).read_bytes() == b"sealed"
    assert set(before) <= set(events(plane))


def test_a_plane_that_runs_is_not_copied(plane: InProcess, url: str) -> None:
    failed = copied("--data", plane.node.options.data, "--to", url)
    assert "in use by another Locum" in str(failed.exception)


def test_nodes_that_run_are_not_copied(url: str, tmp_path: Path) -> None:
    node = keeping(tmp_path / "node", journal=url)
    assert node.node.membership is not None
    while not node.node.membership.on_duty:
        node.run(node.node.membership._duties.step())
    failed = copied("--data", tmp_path / "other", "--from", url)
    assert "a node is running on the database" in str(failed.exception)
    node.close()
    assert not (tmp_path / "other" / "locum.db").exists()


def test_nothing_is_overwritten_in_either_place(plane: InProcess, url: str, tmp_path: Path) -> None:
    plane.close()
    assert copied("--data", tmp_path / "data", "--to", url).exit_code == 0
    (tmp_path / "data" / "locum.db.copied").rename(tmp_path / "data" / "locum.db")
    again = copied("--data", tmp_path / "data", "--to", url)
    assert "has a journal with something in it" in str(again.exception)
    back = copied("--data", tmp_path / "data", "--from", url)
    assert "has a journal already" in str(back.exception)
    plane.start()
    assert users(plane) == ["moved"]


def test_a_database_of_another_installation_gets_nothing(plane: InProcess, url: str, tmp_path: Path) -> None:
    other = keeping(tmp_path / "other", journal=url)
    other.close()
    plane.close()
    failed = copied("--data", tmp_path / "data", "--to", url)
    assert isinstance(failed.exception, ConfigurationError)
    plane.start()


def test_attack_a_key_ring_of_another_installation_is_not_replaced(plane: InProcess, url: str, tmp_path: Path) -> None:
    plane.close()
    assert copied("--data", tmp_path / "data", "--to", url).exit_code == 0
    other = keeping(tmp_path / "other")
    other.close()
    (tmp_path / "other" / "locum.db").unlink()
    write_private(tmp_path / "other" / "wrapping-keyring", (tmp_path / "data" / "wrapping-keyring").read_bytes())
    before = (tmp_path / "other" / "keyring").read_bytes()
    failed = copied("--data", tmp_path / "other", "--from", url)
    assert "is another installation's" in str(failed.exception)
    assert (tmp_path / "other" / "keyring").read_bytes() == before
    assert copied("--data", tmp_path / "data", "--from", url).exit_code == 0
    plane.start()


def test_a_secret_in_the_url_is_refused(plane: InProcess) -> None:
    plane.close()
    failed = copied("--data", plane.node.options.data, "--to", "postgresql://locum:hush@localhost/locum")
    assert "hush" not in str(failed.exception)
    assert "has a password" in str(failed.exception)
    plane.start()
