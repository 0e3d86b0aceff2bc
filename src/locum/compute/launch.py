"""Run a command inside an instance and be, for whoever waits, that command: same output, signals, exit code."""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final, NoReturn

from locum.compute import namespace
from locum.compute.attachment import Attachment
from locum.compute.handover import HandoverError
from locum.compute.supervisor import FORWARDED, Supervisor, end_all, exit_code
from locum.compute.supervisor_program import CANNOT_EXECUTE, become_command, supervise_anew

_PID: Final = struct.Struct("i")
Begin = Callable[[int], Attachment | None]
"""The launcher's part once the process of this id is there: returns the attachment to keep while that runs."""


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    prepare: Callable[[], None],
    begin: Begin = lambda _first: None,
    *,
    enter: Callable[[], None] | None = None,
    owns: bool = True,
) -> int:
    """Execute `command` below a process (`supervisor`) that has called `prepare`; call `begin` here, and wait.

    With `enter`, that process is made by one that has called it: the first of a new PID namespace. Where it `owns` what
    runs, all is ended with the command; else what the command leaves behind stays, in the instance that was joined.
    Returns the exit code of the command, 128 + n on signal n. A HandoverError of `begin` ends it.
    """
    # A signal that comes before the handlers are there waits for them: the command may be running already.
    usual = signal.pthread_sigmask(signal.SIG_BLOCK, (*FORWARDED, signal.SIGINT))
    namespace.adopt_orphans(enter is not None)
    ours, theirs = socket.socketpair()
    with ours:
        if enter is None:
            become = partial(become_command, command, environment, usual)
            supervise: Callable[[], int] = partial(Supervisor(theirs, owns=owns).supervise, become)
        else:
            supervise = partial(supervise_anew, theirs, command, environment, usual, owns=owns)
        first = start(supervise, prepare, theirs, ours, enter)
        try:
            with _forwarding(first, usual):
                return CANNOT_EXECUTE if first == 0 else _led(first, begin, ours)
        finally:
            namespace.adopt_orphans(False)


def start(
    supervise: Callable[[], int],
    prepare: Callable[[], None],
    theirs: socket.socket,
    ours: socket.socket,
    enter: Callable[[], None] | None,
) -> int:
    """Start a process that calls `prepare` and then `supervise`s; its id, 0 where that did not come to be.

    With `enter`, it is made by one that has called it. `ours` is the launcher's end of the connection, `theirs` that of
    the process, which ends with what `supervise` returns.
    """
    child = os.fork()
    if child == 0:
        ours.close()
        _become(supervise, enter, prepare, theirs)
    theirs.close()
    return child if enter is None else _first_in(child, ours)


def _led(first: int, begin: Begin, supervisor: socket.socket) -> int:
    """`begin`, and wait for the process `first`, attached as it is to be; the exit code of the command."""
    try:
        attachment = begin(first)
    except HandoverError:
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)
        raise
    if attachment is not None:
        ended = os.pidfd_open(first)
        try:
            attachment.keep(until=ended, end=partial(end_all, first, supervisor))
        finally:
            os.close(ended)
            signal.setitimer(signal.ITIMER_REAL, 0)
    return exit_code(os.waitpid(first, 0)[1])


def _first_in(child: int, supervisor: socket.socket) -> int:
    """The process that `child` has made and left to this one; 0 where it has made none, and said why."""
    told = supervisor.recv(_PID.size)
    os.waitpid(child, 0)
    return int(_PID.unpack(told)[0]) if told else 0


def _become(
    supervise: Callable[[], int],
    enter: Callable[[], None] | None,
    prepare: Callable[[], None],
    launcher: socket.socket,
) -> NoReturn:
    """The child: never returns into the parent's code."""
    code = CANNOT_EXECUTE
    try:
        if enter is not None:
            enter()
            if first := os.fork():
                launcher.sendall(_PID.pack(first))
                os._exit(0)
        prepare()
        code = supervise()
    except (OSError, HandoverError, namespace.NamespaceUnavailable) as error:
        sys.stderr.write(f"locum: {error}\n")
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(code)


@contextmanager
def _forwarding(child: int, mask: set[int | signal.Signals]) -> Iterator[None]:
    """Pass the signals that reach this process alone on to `child`. `mask` is what was blocked before.

    An interrupt from the terminal reaches the child by itself: it is in the same process group.
    """

    def forward(number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)

    previous = {number: signal.signal(number, forward) for number in FORWARDED}
    previous[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
