"""The supervisor of a command as a program: a process that has nothing of its launcher's in memory or environment.

What runs inside is the same user as the first process there, so that it may read the memory and the environment of that
(ptrace(2), proc(5)), and a launcher has root's key and the variables of the host. So the first process executes
this program, and is told the command in a file that is in memory alone.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, NoReturn

from locum.compute.supervisor import Supervisor
from locum.core.programs import program

CANNOT_EXECUTE: Final = 126
NOT_FOUND: Final = 127
"""Exit codes as shells give them."""

Mask = set[int | signal.Signals]


def supervise_anew(
    launcher: socket.socket, command: Sequence[str], environment: Mapping[str, str], mask: Mask, *, owns: bool
) -> NoReturn:
    """Become the program, which supervises `command` (`Supervisor`), with the signals `mask` blocked in it."""
    plan = {"command": list(command), "environment": dict(environment), "mask": [*map(int, mask)], "owns": owns}
    told = os.memfd_create("command")
    with os.fdopen(told, "wb", closefd=False) as file:
        file.write(json.dumps(plan).encode())
    os.lseek(told, 0, os.SEEK_SET)
    descriptors = told, launcher.fileno()
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
    words = (*program(__name__), *map(str, descriptors))
    os.execve(words[0], words, {})  # noqa: S606 - this very interpreter


def main() -> NoReturn:
    """Supervise the command that is told in the file of the last argument but one, for the launcher in the last."""
    told, launcher = map(int, sys.argv[-2:])
    with open(told, "rb") as file:  # noqa: PTH123 - a descriptor
        plan = json.loads(file.read())
    connection = socket.socket(fileno=launcher)
    connection.set_inheritable(False)
    become = partial(become_command, plan["command"], plan["environment"], set(plan["mask"]))
    os._exit(Supervisor(connection, owns=plan["owns"]).supervise(become))


def become_command(command: Sequence[str], environment: Mapping[str, str], mask: Mask) -> int:
    """Become the command, with the signals `mask` blocked; answers the exit code where it cannot be executed."""
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return execute(command, environment)


def execute(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Become the command; answers the exit code where it cannot be executed."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores for itself
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], list(command), dict(environment))  # noqa: S606 - the user's own command, as given
    except FileNotFoundError:
        sys.stderr.write(f"locum: {command[0]}: command not found\n")
        return NOT_FOUND
    except OSError as error:
        sys.stderr.write(f"locum: {command[0]}: {error.strerror}\n")
        return CANNOT_EXECUTE
