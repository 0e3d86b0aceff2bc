"""`kill -9` in the middle of concurrent writes: what was acknowledged is there, whole, and the journal reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from locum.state import InstanceProfile, Role, State
from locum.store import AuditQuery, Field, SqliteJournal
from locum.store.checkpoint import load
from support.processes import program

ACCOUNT = "000000000000"
WRITER = Path(__file__).with_name("crash_writer.py")
STEP = 1_000_000
"""Numbers of one life of the writer; the next one begins at the next multiple."""


def killed_after(directory: Path, first: int, acknowledged: int) -> set[int]:
    """Run the writer, kill it when that many calls were answered, and tell all that it said were."""
    with program(WRITER, str(directory), str(first)) as writer:
        assert writer.stdout is not None
        said = [line for line, _ in zip(writer.stdout, range(acknowledged), strict=False)]
        writer.kill()
        said += writer.stdout.readlines()
    assert len(said) >= acknowledged
    return {int(line) for line in said if line.endswith("\n")}


def checked(directory: Path, acknowledged: set[int]) -> State:
    """What is on the disk after a crash: every acknowledged call, each whole, and twice the same."""
    journal = SqliteJournal.open(directory)
    state = load(journal)
    assert state == load(journal)
    assert state.sequence == journal.last()
    roles = {role.created: role for role in state.every(Role)}
    profiles = {profile.created: profile for profile in state.every(InstanceProfile)}
    assert acknowledged <= set(roles)
    assert set(roles) == set(profiles)
    assert len(roles) == state.sequence
    for number in roles:
        assert len(journal.find(AuditQuery(field=Field.EVENT_ID, value=str(number)))) == 1
    journal.close()
    return state


def crash(directory: Path, times: int) -> None:
    acknowledged: set[int] = set()
    for life in range(times):
        acknowledged |= killed_after(directory, life * STEP, acknowledged=100 + 37 * life)
        checked(directory, acknowledged)


def test_no_acknowledged_write_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    crash(tmp_path / "data", times=3)


@pytest.mark.nightly
def test_no_acknowledged_write_is_lost_in_twenty_crashes(tmp_path: Path) -> None:
    crash(tmp_path / "data", times=20)
