"""The process in which a command of Run Command runs inside an instance: `main` is executed, by `commands`.

It takes one line of JSON from its standard input, `{"pid": N, "within": [WORD...], "script": TEXT, "directory": PATH}`,
joins the namespaces of process N, and runs the script there, after the words `within`. Where the standard input ends
before the script has, as the plane wants it to end, or has itself ended, all that the script has started is killed, in
whatever session or process group it is: this process's child is the parent of its orphans (PR_SET_CHILD_SUBREAPER).

    this process      in the host's PID namespace; waits for the child
      the child       in that of the instance
        the script

The exit code is that of the script, 128 + n on signal n. The script is in memory alone (memfd_create(2)).
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

from locum.compute import namespace
from locum.compute.supervisor import exit_code
from locum.compute.supervisor_program import CANNOT_EXECUTE

_SHELL: Final = "/bin/sh"
_DESCRIPTORS: Final = 1 << 20  # the most that Linux lets a process have
_AGAIN: Final = 1.0  # seconds after which orphans that have ended are reaped
_PAUSE: Final = 0.01  # seconds: whoever was just being forked is killed then


def main() -> NoReturn:
    """Run a command to its end."""
    os.closerange(sys.stderr.fileno() + 1, _DESCRIPTORS)  # what uvloop leaves open of the standard streams
    asked = json.loads(sys.stdin.buffer.readline())
    try:
        namespace.join(int(asked["pid"]))
    except OSError as error:
        sys.stderr.write(f"the instance cannot be entered: {error}\n")
        sys.exit(CANNOT_EXECUTE)
    child = _forked(lambda: _in_instance(asked))
    sys.exit(exit_code(os.waitpid(child, 0)[1]))


def _in_instance(asked: dict[str, Any]) -> int:
    """In the child: start the script and wait for its end, or end it; its exit code."""
    namespace.renounce_capabilities(nesting=bool(asked["within"]))
    namespace.adopt_orphans(True)
    script = _forked(lambda: _execute(asked["script"], asked["directory"], asked["within"]))
    order, ended = sys.stdin.fileno(), os.pidfd_open(script)
    while True:
        ready, _, _ = select.select([order, ended], [], [], _AGAIN)
        if order in ready and ended not in ready:
            _kill_all()
        for pid, code in _reaped():
            if pid == script:
                return code


def _kill_all() -> None:
    """Kill all that the script has started, until nothing of it is left but what is to be reaped."""
    own = os.getpid()
    while left := [pid for pid in namespace.descendants(own) if not _has_ended(pid)]:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        select.select([], [], [], _PAUSE)


def _has_ended(pid: int) -> bool:
    """Whether a process waits to be reaped. proc(5), /proc/PID/stat."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _reaped() -> list[tuple[int, int]]:
    """The ids and exit codes of children that have ended, orphans among them."""
    found = []
    with suppress(ChildProcessError):
        while (done := os.waitpid(-1, os.WNOHANG))[0]:
            found.append((done[0], exit_code(done[1])))
    return found


def _execute(script: str, directory: str, within: list[str]) -> int:
    """Become the script: by the interpreter that its first line names, else by the shell."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them
    os.setsid()
    written = os.memfd_create("script")
    with os.fdopen(written, "w", closefd=False) as file:
        file.write(script)
    reading = os.open(f"/proc/self/fd/{written}", os.O_RDONLY)  # what is open to be written is not executed
    os.close(written)
    os.set_inheritable(reading, True)
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    path = f"/proc/self/fd/{reading}"
    line = [path] if script.startswith("#!") else [_SHELL, path]
    if within:  # whose last word ends the options of bwrap
        line = [*within[:-1], "--chdir", directory or "/", within[-1], *line]
    os.chdir("/" if within else directory or "/")
    os.execvp(line[0], line)  # noqa: S606 - the command, as its sender wrote it


def _forked(become: Callable[[], int]) -> int:
    """The process id of a child that is what `become` makes of it."""
    child = os.fork()
    if child:
        return child
    code = CANNOT_EXECUTE
    try:
        code = become()
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
    finally:
        os._exit(code)
