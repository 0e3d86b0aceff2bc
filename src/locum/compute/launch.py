"""Run a command inside an instance and be, for whoever waits, that command: same output, signals, exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

from locum.compute import namespace
from locum.compute.attachment import Attachment
from locum.compute.handover import HandoverError

_FORWARDED: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT)
CANNOT_EXECUTE: Final = 126
NOT_FOUND: Final = 127
"""Exit codes as shells give them."""

Begin = Callable[[int], Attachment | None]
"""What the launcher does once the child of this process id is there. Answers what is to be kept while that runs."""


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    prepare: Callable[[], None],
    begin: Begin = lambda _child: None,
) -> int:
    """Fork, `prepare()` in the child and execute `command` there, `begin` here, wait.

    Returns the exit code of the command, 128 + n on signal n. A HandoverError of `begin` ends the child.
    """
    parent = os.getpid()
    # A signal that comes before the handlers are there waits for them: the command may be running already.
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, (*_FORWARDED, signal.SIGINT))
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, usual)
        _become(command, environment, prepare, parent)
    with _forwarding(child, usual):
        try:
            attachment = begin(child)
        except HandoverError:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        return _wait(child, attachment)


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
    """Restore the signals that Python ignores for itself, and a command does not expect to be ignored."""
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


@contextmanager
def _forwarding(child: int, mask: set[int | signal.Signals]) -> Iterator[None]:
    """Pass the signals that reach this process alone on to `child`. `mask` is what was blocked before.

    An interrupt from the terminal reaches the child by itself: it is in the same process group.
    """

    def forward(number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)

    previous = {number: signal.signal(number, forward) for number in _FORWARDED}
    previous[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _wait(child: int, attachment: Attachment | None) -> int:
    """Wait for `child`, attached as it is to be; its exit code."""
    if attachment is not None:
        ended = os.pidfd_open(child)
        try:
            attachment.keep(until=ended)
        finally:
            os.close(ended)
    _, status = os.waitpid(child, 0)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
