"""Run a command inside an instance and be, for whoever waits, that command: same output, signals, exit code."""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
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

    Raises NamespaceUnavailable, or HandoverError where the plane refuses: the process is to end then.
    """
    namespace.enter_new()
    message = {"attach": instance, "account": account, "ephemeral": ephemeral, "pid": os.getpid()}
    with (
        _listening(namespace.METADATA_ADDRESS, namespace.METADATA_PORT) as metadata,
        _listening("127.0.0.1", gateway_port) as gateway,
    ):
        ask(lifeline, message, [metadata.fileno(), gateway.fileno()])
    hide_all(hidden)
    namespace.renounce_capabilities()


def hide_all(places: Sequence[Path]) -> None:
    """Hide `places`, also from this process's own working directory: it is one that it had open before.

    Where that is no more to be found it is the root directory.
    """
    directory = Path.cwd()
    for place in places:
        namespace.hide(place)
    try:
        os.chdir(directory)
    except OSError:
        os.chdir("/")


def join_there(pid: int) -> None:
    """Make this process part of the inside of an instance that process `pid` is in. Raises OSError."""
    namespace.join(pid)
    namespace.renounce_capabilities()


def run(command: Sequence[str], environment: Mapping[str, str], prepare: Callable[[], None]) -> int:
    """Fork, `prepare()` in the child, execute `command` there, wait. Returns its exit code, 128 + n on signal n."""
    parent = os.getpid()
    # A signal that comes before the handlers are there waits for them: the command may be running already.
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, (*_FORWARDED, signal.SIGINT))
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)
        _become(command, environment, prepare, parent)
    return _wait(child, usual)


def _become(
    command: Sequence[str], environment: Mapping[str, str], prepare: Callable[[], None], parent: int
) -> NoReturn:
    """The child: never returns into the parent's code."""
    code = CANNOT_EXECUTE
    try:
        namespace.die_with_parent(signal.SIGTERM)
        prepare()
        if os.getppid() != parent:  # it was gone before the kernel was asked to tell
            os._exit(code)
        _restore_signals()
        code = _execute(command, environment)
    except (OSError, HandoverError, namespace.NamespaceUnavailable) as error:
        sys.stderr.write(f"locum: {error}\n")
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(code)


def _restore_signals() -> None:
    """What Python ignores for itself, and a command does not expect to be ignored."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def _execute(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Become the command; answers the exit code where it cannot be executed."""
    try:
        os.execvpe(command[0], list(command), dict(environment))  # noqa: S606 - the user's own command, as given
    except FileNotFoundError:
        sys.stderr.write(f"locum: {command[0]}: command not found\n")
        return NOT_FOUND
    except OSError as error:
        sys.stderr.write(f"locum: {command[0]}: {error.strerror}\n")
        return CANNOT_EXECUTE


def _wait(child: int, mask: set[int | signal.Signals]) -> int:
    """Wait for `child`, passing on the signals that reach this process alone. `mask` is what was blocked before.

    An interrupt from the terminal reaches the child by itself: it is in the same process group.
    """

    def forward(number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)

    previous = {number: signal.signal(number, forward) for number in _FORWARDED}
    previous[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
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
