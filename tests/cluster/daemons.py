"""Programs that the cluster is made of: started without privileges, broken by signals, ended by their numbers."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

SECONDS: Final = 60.0
"""How long anything may take to come about before the test is given up."""

PAUSE: Final = 0.05
"""Seconds between two questions of `until`."""

_OWNER: Final = "postgres"


class GaveUp(AssertionError):
    """What was waited for did not come about."""


def until(holds: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """Ask again and again until the answer is true, and return that. Raises GaveUp."""
    end = time.monotonic() + seconds
    while not (answer := holds()):
        if time.monotonic() > end:
            raise GaveUp(f"not within {seconds:g} s: {what}")
        time.sleep(PAUSE)
    return answer


def free_ports(number: int) -> list[int]:
    """Ports of loopback that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return ports


def unprivileged() -> dict[str, Any]:
    """The options of a process that is not to be root's; none where this one is not."""
    if os.geteuid() != 0:
        return {}
    owner = pwd.getpwnam(_OWNER)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def give_away(path: Path) -> None:
    """Let `path` belong to the user of `unprivileged`, and be seen by nobody else."""
    path.chmod(0o700)
    if os.geteuid() == 0:
        shutil.chown(path, _OWNER, _OWNER)


def descendants(pid: int) -> list[int]:
    """The processes that `pid` started, and that these did."""
    parents: dict[int, list[int]] = {}
    for found in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            words = found.read_text().rpartition(")")[2].split()
            parents.setdefault(int(words[1]), []).append(int(found.parent.name))
    every, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        every += children
        waiting += children
    return every


class Daemon:
    """A program. Its output goes to `FOLDER/NAME.log`; `also` tells of processes of it that left its tree."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        *,
        also: Callable[[], Sequence[int]] = tuple,
        as_itself: bool = False,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command, self._environment, self._folder = list(command), dict(environment), folder
        self._also = also
        self._options = {} if as_itself else unprivileged()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, where it does not run. Its output is appended."""
        if self.running:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._options,
            )

    @property
    def running(self) -> bool:
        """Whether it was started, and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pids(self) -> list[int]:
        """All processes of it: its own first, then those that it started."""
        roots = [self._process.pid] if self._process is not None and self.running else []
        roots += [pid for pid in self._also() if pid not in roots]
        return [*roots, *(child for root in roots for child in descendants(root) if child not in roots)]

    def kill(self) -> None:
        """End all of it at once, as a power failure does. Nothing where it does not run."""
        self._signal(signal.SIGKILL, self.pids)
        if self._process is not None:
            self._process.wait()

    def stand_still(self) -> None:
        """Stop all of it, as a machine that is paused does."""
        self._signal(signal.SIGSTOP, self.pids)

    def go_on(self, *, without_itself: bool = False) -> None:
        """Continue after `stand_still`; where that is said, only what belongs to it."""
        self._signal(signal.SIGCONT, self.pids[1:] if without_itself else self.pids)

    def stop(self, seconds: float = SECONDS) -> int:
        """End it as an operator does: its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(seconds)

    @staticmethod
    def _signal(number: signal.Signals, pids: Sequence[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
