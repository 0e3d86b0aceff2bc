"""A backup of a plane that runs and is written to, made by a process of its own, and piped through another one."""

from __future__ import annotations

import shlex
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event, Semaphore

from locum.state import User
from locum.store import SqliteJournal
from locum.store.checkpoint import load
from support.plane import LOCUM, RunningPlane, up
from support.processes import finished


def creating(plane: RunningPlane, writer: int, answered: list[int], more: Semaphore, over: Event) -> None:
    """Create users `wWRITER-NUMBER` one after another, and tell of each that was answered."""
    iam = plane.client("iam")
    while not over.is_set():
        iam.create_user(UserName=f"w{writer}-{answered[writer]}")
        answered[writer] += 1
        more.release()


def awaited(more: Semaphore, answers: int) -> None:
    for _ in range(answers):
        assert more.acquire(timeout=60)


def test_a_backup_of_a_plane_under_load_has_all_that_was_answered_before_and_nothing_half(tmp_path: Path) -> None:
    over, more, answered, target = Event(), Semaphore(0), [0, 0, 0], tmp_path / "restored"
    with up(tmp_path) as plane, ThreadPoolExecutor(3) as writers:
        running = [writers.submit(creating, plane, writer, answered, more, over) for writer in range(3)]
        try:
            awaited(more, 60)
            before = list(answered)
            backup = shlex.join([LOCUM, "backup", "--data", str(plane.data), "--with-keys", "-"])
            restore = shlex.join([LOCUM, "restore", "-", "--data", str(target)])
            done = finished(["sh", "-c", f"{backup} | {restore}"])
            awaited(more, 10)
        finally:
            over.set()
        for each in running:
            each.result()
    assert done.returncode == 0, done.stderr
    with closing(SqliteJournal.open(target)) as journal:
        names = {user.name for user in load(journal).every(User)}
    for writer in range(3):
        there = sorted(int(name.partition("-")[2]) for name in names if name.startswith(f"w{writer}-"))
        assert there == list(range(len(there)))
        assert before[writer] <= len(there) <= answered[writer] + 1
