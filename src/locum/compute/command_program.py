"""The process in which a command of Run Command runs inside an instance: `main` is executed, by `commands`.

It takes one line of JSON from its standard input, `{"pid": N, "within": [WORD...], "script": TEXT, "directory": PATH}`,
joins the namespaces of process N, and runs the script, after the words, in a PID namespace of its own: whatever the
script starts, in whatever session, ends with it. So it does when the standard input ends, which is when the plane wants
it to, or has itself ended.

    this process                 in the host's PID namespace; waits for the child, or for the end of its input
      the child                  in that of the instance
        the first process        the first one of the command's own: its end ends all others, pid_namespaces(7)
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
from typing import Final, NoReturn

from locum.compute import namespace

CANNOT_EXECUTE: Final = 126
_SHELL: Final = "/bin/sh"
_DESCRIPTORS: Final = 1 << 20  # the most that Linux lets a process have


def main() -> NoReturn:
    """Run a command to its end."""
    os.closerange(sys.stderr.fileno() + 1, _DESCRIPTORS)  # what uvloop leaves open of the standard streams
    asked = json.loads(sys.stdin.buffer.readline())
    try:
        namespace.join(int(asked["pid"]))
    except OSError as error:
        _fail(f"the instance cannot be entered: {error}")
    child = _forked(lambda: _in_instance(asked["within"], asked["script"], asked["directory"]))
    ended = os.pidfd_open(child)
    ready, _, _ = select.select([sys.stdin.fileno(), ended], [], [])
    if ended not in ready:
        os.kill(child, signal.SIGKILL)
    sys.exit(_code(os.waitpid(child, 0)[1]))


def _in_instance(within: list[str], script: str, directory: str) -> int:
    """In the child: have the first process of a new PID namespace run the script; its exit code."""
    namespace.enter_new_processes()
    first = _forked(lambda: _first_process(within, script, directory))
    return _code(os.waitpid(first, 0)[1])


def _first_process(within: list[str], script: str, directory: str) -> int:
    """In the first process: start the script and reap whatever ends, until that does.

    bwrap looks itself up in /proc, so that it has to be that of this PID namespace.
    """
    if within:
        namespace.enter_new_mounts()
        namespace.mount_processes()
    namespace.renounce_capabilities(nesting=bool(within))
    shell = _forked(lambda: _execute(within, script, directory))
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == shell:
            return _code(status)


def _execute(within: list[str], script: str, directory: str) -> int:
    """Become the script: by the interpreter that its first line names, else by the shell.

    The words `within` are those of bwrap, which changes the directory itself: what it shows is not there before.
    """
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them
    os.setsid()
    if not within:
        os.chdir(directory or "/")
    written = os.memfd_create("script", 0)
    os.write(written, script.encode())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    path = f"/proc/self/fd/{written}"
    line = [path] if script.startswith("#!") else [_SHELL, path]
    if within:
        line = [*within[:-1], "--chdir", directory or "/", within[-1], *line]
    os.execvp(line[0], line)  # noqa: S606 - the command, as its sender wrote it


def _forked(become: Callable[[], int]) -> int:
    """The process id of a child that is what `become` makes of it, and that does not outlive this process."""
    child = os.fork()
    if child:
        return child
    code = CANNOT_EXECUTE
    try:
        namespace.die_with_parent(signal.SIGKILL)
        code = become()
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        sys.stderr.flush()
    finally:
        os._exit(code)


def _code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _fail(text: str) -> NoReturn:
    sys.stderr.write(f"{text}\n")
    sys.exit(CANNOT_EXECUTE)
