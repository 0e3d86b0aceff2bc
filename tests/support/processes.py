"""Processes that tests start: each in a process group of its own, of which nothing is left when its block ends.

No test waits for a time to pass: it reads a line, or waits for an end. SECONDS is how long anything may take before it
is given up, so that nothing hangs; it is long enough for a machine that has much else to do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

SECONDS: Final = 100
SOURCE: Final = Path(__file__).resolve().parents[2] / "src"


@contextmanager
def group(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """`command`, as the leader of a group. Whatever of the group is alive when the block ends is killed."""
    with subprocess.Popen(command, text=True, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            kill_group(process)


def kill_group(process: subprocess.Popen[Any]) -> None:
    """Kill what is left of the group that `process` leads or led: its number stays taken for as long as one lives."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def finished(
    command: Sequence[str], said: str | None = None, seconds: float = SECONDS, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end, `said` on its standard input. Raises TimeoutExpired after `seconds`."""
    pipe = subprocess.PIPE
    stdin = subprocess.DEVNULL if said is None else pipe
    with group(command, stdin=stdin, stdout=pipe, stderr=pipe, **options) as process:
        output, errors = process.communicate(said, seconds)
        return subprocess.CompletedProcess(command, process.returncode, output, errors)


def python(text: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the Python program `text` to its end."""
    return finished([sys.executable, "-c", text, *arguments], env=_environment(environment))


@contextmanager
def started(text: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The Python program `text`, running; its input and output are pipes."""
    line, pipe = [sys.executable, "-c", text, *arguments], subprocess.PIPE
    with group(line, env=_environment({}), stdin=pipe, stdout=pipe) as process:
        yield process


@contextmanager
def program(file: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The Python program in `file`, running, which imports what tests import; its input and output are pipes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    line, pipe = [sys.executable, str(file), *arguments], subprocess.PIPE
    with group(line, env=environment, stdin=pipe, stdout=pipe) as process:
        yield process


def tell(process: subprocess.Popen[str], line: str) -> None:
    """Write `line` to the input of `process`."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that `process` says, without its end; empty where it says no more."""
    assert process.stdout is not None
    return process.stdout.readline().removesuffix("\n")


def _environment(more: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **more}
