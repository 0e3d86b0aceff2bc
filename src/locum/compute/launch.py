"""Run a command inside an instance and be, for whoever waits, that command: same output, signals, exit code."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from locum.compute import namespace
from locum.compute.handover import HandoverError, ask

_FORWARDED: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT)
CANNOT_EXECUTE: Final = 126
NOT_FOUND: Final = 127
"""Exit codes as shells give them."""


def attach_here(
    lifeline: socket.socket, instance: str, account: str, gateway_port: int, *, ephemeral: bool, hidden: Sequence[Path]
) -> None:
    """Make this process the inside of `instance`: new namespaces, their sockets handed to the plane.

    Raises NamespaceUnavailable before anything has changed, HandoverError where the plane refuses.
    """
    namespace.enter_new()
    message = {"attach": instance, "account": account, "ephemeral": ephemeral, "pid": os.getpid()}
    with (
        _listening(namespace.METADATA_ADDRESS, namespace.METADATA_PORT) as metadata,
        _listening("127.0.0.1", gateway_port) as gateway,
    ):
        ask(lifeline, message, [metadata.fileno(), gateway.fileno()])
    for directory in hidden:
        namespace.hide(directory)


def run(command: Sequence[str], environment: Mapping[str, str], prepare: Callable[[], None]) -> int:
    """Fork, `prepare()` in the child, execute `command` there, wait. Returns its exit code, 128 + n on signal n."""
    child = os.fork()
    if child == 0:
        _become(command, environment, prepare)
    return _wait(child)


def _become(command: Sequence[str], environment: Mapping[str, str], prepare: Callable[[], None]) -> NoReturn:
    """The child: never returns into the parent's code."""
    code = CANNOT_EXECUTE
    try:
        namespace.die_with_parent(signal.SIGTERM)
        prepare()
        os.execvpe(command[0], list(command), dict(environment))  # noqa: S606 - the user's own command, as given
    except FileNotFoundError:
        code = NOT_FOUND
        sys.stderr.write(f"locum: {command[0]}: command not found\n")
    except (OSError, HandoverError, namespace.NamespaceUnavailable) as error:
        sys.stderr.write(f"locum: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


def _wait(child: int) -> int:
    """Wait for `child`, passing on the signals that reach this process alone.

    An interrupt from the terminal reaches the child by itself: it is in the same process group.
    """

    def forward(number: int, _frame: object) -> None:
        os.kill(child, number)

    previous = {number: signal.signal(number, forward) for number in _FORWARDED}
    previous[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _, status = os.waitpid(child, 0)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _listening(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.listen(128)
    return sock
