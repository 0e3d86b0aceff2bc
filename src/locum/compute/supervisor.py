"""The first process of what runs in an instance: it forks the command, reaps what is orphaned, and ends everything.

    runs      the command runs
    ending    everything was sent SIGTERM, as the instance was stopped or the launcher has gone. GRACE seconds later,
              what is left is sent SIGKILL

In a PID namespace of its own it is process 1: with its end, the kernel kills all others, whatever session or process
group they have made themselves. On the host's it is the parent of all orphans (PR_SET_CHILD_SUBREAPER), and kills them.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from locum.compute import namespace

GRACE: Final = 5.0
"""Seconds between SIGTERM and SIGKILL."""

FORWARDED: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT)
POWERED_OFF: Final = 64
REBOOTED: Final = 65
"""Exit codes of the first process of an instance that has ended by itself."""

_HALTS: Final = (signal.SIGUSR1, signal.SIGUSR2)
_MORE: Final = 2.0  # seconds after the grace period
_AGAIN: Final = 0.1  # seconds: whoever was just being forked is killed then
_END: Final = b"end"
_FIRST: Final = 1  # in a PID namespace: init(1)


def end_all(first: int, supervisor: socket.socket) -> None:
    """In the launcher: have everything ended by the supervisor, the process `first`.

    That one is killed itself where it does not: what runs inside may have got hold of it (ptrace(2)).
    """
    signal.signal(signal.SIGALRM, lambda _number, _frame: _kill(first))
    signal.setitimer(signal.ITIMER_REAL, GRACE + _MORE)
    with suppress(OSError):  # it has ended
        supervisor.sendall(_END)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def exit_code(status: int) -> int:
    """The exit code that a shell gives for the wait status `status`."""
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


class Supervisor:
    """The supervising process; `launcher` is its connection to the launcher, with whose end it ends everything.

    `owns`: everything is what was started below this process, else (it has joined others) the command alone.
    `lasting`: what runs goes on when the command has ended, as an instance does with its user data. It ends by itself
    where a process of it asks as it would ask busybox's init: SIGUSR1 and SIGUSR2 halt, SIGTERM reboots.
    """

    def __init__(self, launcher: socket.socket, *, owns: bool = True, lasting: bool = False) -> None:
        self.launcher = launcher
        self._owns = owns
        self._lasting = lasting
        self._child = 0
        self._code: int | None = None
        self._ending = False

    def supervise(self, command: Callable[[], int] | None) -> int:
        """Fork, become `command` in the child, and wait for its end; its exit code. Nothing that it owns is left.

        Where it is lasting: POWERED_OFF, or another one.
        """
        if self._lasting:
            namespace.die_with_parent(signal.SIGKILL)
        elif self._owns and os.getpid() != _FIRST:
            namespace.adopt_orphans(True)
        if command is not None:
            self._child = _forked(command)
        awake = self._hear_signals()
        while (ended := self._reaped()) is None:
            self._listen(awake)
        self._kill_the_rest()
        return ended

    def _hear_signals(self) -> int:
        """A descriptor to read from when a signal has come."""
        awake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.signal(signal.SIGALRM, lambda _number, _frame: self._signal_everything(signal.SIGKILL))
        for number in FORWARDED:
            signal.signal(number, lambda number, _frame: self._heard(number))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal the command gets it by itself
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (*FORWARDED, signal.SIGINT))
        return awake

    def _heard(self, number: int) -> None:
        if not self._lasting:
            with suppress(ProcessLookupError):
                os.kill(self._child, number)
        elif number in _HALTS:
            self._end(POWERED_OFF)
        elif number == signal.SIGTERM:
            self._end(REBOOTED)

    def _reaped(self) -> int | None:
        """Reap all that has ended; the exit code, None while it goes on."""
        left = True
        try:
            while (reaped := os.waitpid(-1, os.WNOHANG))[0]:
                if reaped[0] == self._child and not self._lasting:
                    self._code = exit_code(reaped[1])
        except ChildProcessError:
            left = False
        return None if self._lasting and (left or not self._ending) else self._code

    def _listen(self, awake: int) -> None:
        """Wait for a signal, among them that of the end of a child, or for the word or the end of the launcher."""
        launcher = self.launcher.fileno()
        ready = select.select([awake] if self._ending else [awake, launcher], [], [])[0]
        if awake in ready:
            os.read(awake, 4096)
        if launcher in ready:
            if not self.launcher.recv(len(_END)) and self._lasting:
                os._exit(0)
            self._end(0)

    def _end(self, code: int) -> None:
        """Begin to end everything; once. `code` is that of this process, where it is lasting."""
        if self._ending:
            return
        self._ending = True
        if self._lasting:
            self._code = code
        self._signal_everything(signal.SIGTERM)
        self._signal_everything(signal.SIGCONT)
        signal.setitimer(signal.ITIMER_REAL, GRACE, _AGAIN)

    def _signal_everything(self, number: int) -> None:
        for pid in self._everything():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _everything(self) -> list[int]:
        if not self._owns:
            return [self._child]
        return [-1] if os.getpid() == _FIRST else namespace.descendants(os.getpid())

    def _kill_the_rest(self) -> None:
        """Kill what the command has left behind; where this process is the first one the kernel does it."""
        while self._owns and os.getpid() != _FIRST and namespace.descendants(os.getpid()):
            self._signal_everything(signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(-1, 0)


def _forked(command: Callable[[], int]) -> int:
    """The child that becomes `command`; it never returns into this code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = command()
        finally:
            os._exit(code)
    return child
