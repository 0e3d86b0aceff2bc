"""The plane's end of the process with the column store: it is started when it is needed, and killed when it must end.

It blocks, and is used by one thread at a time; `kill` is for any thread.
"""

from __future__ import annotations

import os
import subprocess
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from locum.audit.lake.messages import Reply, Request, framed, receive, replies, send
from locum.core.errors import ConfigurationError, StorageError
from locum.core.programs import program_with_packages

PACKAGES: Final = ("duckdb", "sqlglot")


class WorkerEnded(StorageError):
    """The process ended before it answered: it was killed, `late` or not, or its memory did not suffice."""

    def __init__(self, *, late: bool) -> None:
        super().__init__(
            "the process with the column store took too long" if late else "the column store's process ended"
        )
        self.late = late


class Worker:
    """The process with the column store in the file `database`, or with an empty one in memory."""

    def __init__(self, database: Path | None = None) -> None:
        self._database = ":memory:" if database is None else str(database)
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def ask(self, request: Request, seconds: float, over: threading.Event | None = None) -> Reply:
        """The reply to `request`, which is given up where `over` is set, at whatever time.

        Raises WorkerEnded where there is none in `seconds`, or the process ends; ConfigurationError where a package is
        missing.
        """
        over, data = over or threading.Event(), framed(request)
        with self._turn:
            process = self._live()
            late, answered = threading.Event(), threading.Event()

            def watch() -> None:
                if not over.wait(seconds):
                    late.set()
                if not answered.is_set():
                    process.kill()

            watcher = threading.Thread(target=watch, daemon=True)
            watcher.start()
            message = _exchanged(process, data)
            answered.set()
            over.set()
            watcher.join()
            if message is None:
                self._reap(process)
                raise WorkerEnded(late=late.is_set())
            reply = replies.decode(message)
            if reply.exhausted:
                self._reap(process)
            return reply

    def kill(self) -> None:
        """End the process, whatever it does."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """Have the process write what it has and end, once it has answered."""
        with self._turn:
            process = self._process
            if process is not None and process.stdin is not None:
                process.stdin.close()
                self._reap(process)

    def _live(self) -> subprocess.Popen[bytes]:
        """The process, started where there is none."""
        if self._process is not None and self._process.poll() is not None:
            self._reap(self._process)
        return self._process or self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        for package in PACKAGES:
            if find_spec(package) is None:
                raise ConfigurationError(f"CloudTrail Lake needs {package}: install locum with the extra analyze")
        words = (*program_with_packages("locum.audit.lake.worker"), self._database)
        environment = {"PATH": os.defpath}
        self._process = subprocess.Popen(  # noqa: S603 - words of ours
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0
        )
        return self._process

    def _reap(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None


def _exchanged(process: subprocess.Popen[bytes], data: bytes) -> bytes | None:
    """The answer of a process to a request, framed; None where it ends before."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        send(process.stdin.fileno(), data)
        return receive(process.stdout.fileno())
    except OSError:
        return None
