"""`run` is, for whoever waits, the command itself: exit code, output, signals, and its end."""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

import pytest

from locum.compute.handover import HandoverError
from locum.compute.launch import run
from locum.compute.supervisor_program import CANNOT_EXECUTE, NOT_FOUND
from support.plane import needs_namespaces
from support.processes import SECONDS, line_of, python, started

RUN = "import os, sys; from locum.compute.launch import run; sys.exit(run(sys.argv[1:], os.environ, lambda: None))"

RUN_INSIDE = """
import os, sys
from locum.compute import namespace
from locum.compute.launch import run

def prepare():
    namespace.enter_new()
    namespace.renounce_capabilities()

sys.exit(run(sys.argv[1:], os.environ, prepare))
"""


def code_of(*command: str) -> int:
    return run(command, {"PATH": os.environ["PATH"]}, lambda: None)


@pytest.mark.parametrize("code", [0, 1, 2, 77, 126, 127, 255])
def test_the_exit_code_is_the_commands(code: int) -> None:
    assert code_of("sh", "-c", f"exit {code}") == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGPIPE])
def test_a_command_that_a_signal_ends_gives_128_and_its_number(number: signal.Signals) -> None:
    assert code_of("sh", "-c", f"kill -{number.value} $$") == 128 + number


def test_a_command_that_is_not_there_is_told_of_as_by_a_shell(capfd: pytest.CaptureFixture[str]) -> None:
    assert code_of("no-such-command-anywhere") == NOT_FOUND
    assert capfd.readouterr().err == "locum: no-such-command-anywhere: command not found\n"


def test_a_file_that_cannot_be_executed_is_told_of_as_by_a_shell(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o600)
    assert code_of(str(script)) == CANNOT_EXECUTE
    assert capfd.readouterr().err == f"locum: {script}: Permission denied\n"
    assert code_of(str(tmp_path)) == CANNOT_EXECUTE


def test_a_preparation_that_fails_is_told_of_and_nothing_is_executed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise HandoverError("there is no instance i-1")

    def vanish() -> None:
        raise FileNotFoundError(2, "No such file or directory", "/gone")

    mark = str(tmp_path / "mark")
    assert run(["touch", mark], os.environ, refuse) == CANNOT_EXECUTE
    assert run(["touch", mark], os.environ, vanish) == CANNOT_EXECUTE
    assert not Path(mark).exists()
    assert capfd.readouterr().err == (
        "locum: there is no instance i-1\nlocum: [Errno 2] No such file or directory: '/gone'\n"
    )


def test_a_launcher_that_is_refused_ends_the_child_before_it_becomes_the_command(tmp_path: Path) -> None:
    children: list[int] = []

    def refused(child: int) -> None:
        children.append(child)
        raise HandoverError("there is no instance i-1")

    waiting, told = os.pipe()
    mark = tmp_path / "mark"
    with pytest.raises(HandoverError, match="there is no instance"):
        run(["touch", str(mark)], os.environ, lambda: _until_told(waiting), refused)
    os.close(told)
    os.close(waiting)
    with pytest.raises(ChildProcessError):  # it was waited for
        os.waitpid(children[0], 0)
    assert not mark.exists()


def _until_told(descriptor: int) -> None:
    os.read(descriptor, 1)


def test_the_child_never_runs_the_parents_code_even_where_the_preparation_breaks(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def broken() -> None:
        raise LookupError("unforeseen")

    assert run(["true"], os.environ, broken) == CANNOT_EXECUTE
    assert "LookupError: unforeseen" in capfd.readouterr().err


def test_the_command_gets_the_environment_and_nothing_else() -> None:
    done = python(
        "import sys; from locum.compute.launch import run;"
        "sys.exit(run(['/usr/bin/env'], {'ONLY': 'this'}, lambda: None))",
        LEAKED="yes",
    )
    assert done.stdout == "ONLY=this\n"


def test_the_command_is_not_told_to_ignore_signals_that_python_ignores() -> None:
    done = python(RUN, "grep", "SigIgn", "/proc/self/status")
    ignored = int(done.stdout.split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1))
    assert not ignored & (1 << (signal.SIGXFSZ - 1))


def test_descriptors_of_the_launcher_stay_with_the_launcher() -> None:
    program = "import socket; kept = socket.socket(socket.AF_UNIX);" + RUN
    done = python(program, "sh", "-c", "ls -l /proc/$$/fd")
    assert "socket:" not in done.stdout


def awaiting(number: signal.Signals) -> list[str]:
    """A command that says when it is ready for the signal, and ends with 42 when that comes."""
    program = (
        f"import signal, sys; awaited = {{{int(number)}}}; signal.pthread_sigmask(signal.SIG_BLOCK, awaited); "
        "print('ready', flush=True); signal.sigwait(awaited); sys.exit(42)"
    )
    return [sys.executable, "-c", program]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT])
def test_signals_are_passed_on_to_the_command(number: signal.Signals) -> None:
    with started(RUN, *awaiting(number)) as launcher:
        assert line_of(launcher) == "ready"
        launcher.send_signal(number)
        assert launcher.wait(SECONDS) == 42


def test_an_interrupt_is_the_commands_to_handle() -> None:
    with started(RUN, *awaiting(signal.SIGINT)) as launcher:
        assert line_of(launcher) == "ready"
        os.killpg(launcher.pid, signal.SIGINT)  # as a terminal does: to all of the group
        assert launcher.wait(SECONDS) == 42


@pytest.mark.parametrize("program", [RUN, pytest.param(RUN_INSIDE, marks=needs_namespaces)])
def test_a_command_whose_launcher_is_killed_ends_too(program: str) -> None:
    with started(program, "sh", "-c", "echo $$; exec cat") as launcher:  # its input never ends
        ended = os.pidfd_open(int(line_of(launcher)))
        launcher.kill()
        launcher.wait(SECONDS)
        assert readable(ended)
        os.close(ended)


def readable(descriptor: int) -> bool:
    """Whether the process behind a pidfd ends within reason."""
    return bool(select.select([descriptor], [], [], SECONDS)[0])


def test_the_handlers_of_the_launcher_are_its_own_again_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    code_of("true")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == before
