"""The launcher of an instance that a driver makes real: it outlives planes, and ends with the instance.

Forked by the zygote. That of the driver `process` is here: its child makes the inside, runs the user data at the first
start, and goes on until the instance is stopped, rebooted or terminated, or shuts itself down; with the launcher
everything inside ends at once. That of the driver `container` is `container_launcher`'s.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

from locum.compute import namespace
from locum.compute.attachment import PATIENCE, RETRY, Attachment, Claim
from locum.compute.closed import TOOLS, TOOLS_WITHIN, furnish
from locum.compute.handover import HandoverError, PlaneAway, ask, connect
from locum.compute.inside import Inside, enter_there
from locum.compute.instance_files import InstanceFiles
from locum.compute.launch import start
from locum.compute.supervisor import POWERED_OFF, Supervisor, end_all, exit_code
from locum.compute.supervisor_program import execute
from locum.compute.user_data import user_data
from locum.core.instances import PROCESS

_HOST_CONTROL: Final = ("/run/systemd", "/run/dbus", "/run/initctl")
"""The places at which `shutdown` would find the host's own init."""

_NAMES: Final = ("halt", "poweroff", "reboot", "shutdown")
_SHUTDOWN: Final = """#!/bin/sh
# Ends this instance, or starts it again.
case "${0##*/} $*" in
*" -c"*) ;;
reboot*|*" -r"*) kill -TERM 1 ;;
*) kill -USR2 1 ;;
esac
"""


class Launch(NamedTuple):
    """An instance that is to be started: the start `boot` of it, and what is inside.

    `port` is the gateway's, `hidden` are places of the host that are not seen inside, of which the first is the data
    directory; `environment` has the variables of what runs. With `within` (`closed.closed`) it is closed. With
    `container` (the fields of `containers.Container`) it is a container.
    """

    data: str
    instance: str
    account: str
    boot: int
    port: int
    hidden: tuple[str, ...]
    environment: Mapping[str, str]
    user_data: bytes = b""
    within: Sequence[str] = ()
    container: Sequence[str] = ()

    def message(self) -> dict[str, Any]:
        """It as a JSON object."""
        return self._asdict() | {"user_data": self.user_data.hex()}

    @classmethod
    def of(cls, message: dict[str, Any]) -> Launch:
        """The launch in a JSON object."""
        told = {**message, "user_data": bytes.fromhex(message["user_data"]), "hidden": tuple(message["hidden"])}
        return cls(**told)


def launch(asked: Launch, under_way: socket.socket) -> None:
    """Be the launcher, to its end. `under_way` is closed once the instance is attached to the plane."""
    files = InstanceFiles(Path(asked.data), asked.instance)
    lock = files.lock()
    if lock is not None:
        made: type[Launcher] = ProcessLauncher
        if asked.container:  # late: those of processes have no use for it
            made = import_module("locum.compute.container_launcher").ContainerLauncher
        made(asked, files, lock, under_way).run()


class Launcher(ABC):
    """The launcher that holds the `lock`. It is detached last of all: nothing else of it is left then."""

    def __init__(self, asked: Launch, files: InstanceFiles, lock: int, under_way: socket.socket) -> None:
        self._asked = asked
        self._data = Path(asked.data)
        self._files = files
        self._lock = lock
        self._under_way = under_way
        source, sink = os.pipe()
        for descriptor in (1, 2):
            os.dup2(sink, descriptor)
        os.close(sink)
        self._console = threading.Thread(target=files.copy_output, args=(source,))

    @abstractmethod
    def run(self) -> None:
        """Make the inside, attach it, and wait for its end."""

    def _shut_down(self) -> None:
        """Tell the plane that the instance has shut itself down; once it is back, where it is away."""
        tries = 0
        while tries < PATIENCE or self._data.is_dir():
            try:
                with connect(self._data) as connection:
                    ask(connection, {"shutdown": self._asked.instance, "account": self._asked.account})
                return
            except PlaneAway:
                select.select([], [], [], RETRY)
                tries += 1
            except HandoverError as refusal:
                say(str(refusal))
                return

    def _let_go(self) -> None:
        """End the console, with those who write to it, and let another launcher have the lock."""
        with Path("/dev/null").open("wb") as nothing:
            for descriptor in (1, 2):
                os.dup2(nothing.fileno(), descriptor)
        self._console.join()
        os.close(self._lock)


class ProcessLauncher(Launcher):
    """The launcher of the driver `process`."""

    def __init__(self, asked: Launch, files: InstanceFiles, lock: int, under_way: socket.socket) -> None:
        super().__init__(asked, files, lock, under_way)
        self._supervisor, self._theirs = socket.socketpair()

    def run(self) -> None:
        """Make the inside, attach it, and wait for its end."""
        asked, hidden = self._asked, (*self._asked.hidden, *_HOST_CONTROL)
        with Inside(asked.port, [Path(place) for place in hidden]) as new:
            namespace.adopt_orphans(True)
            supervise = partial(Supervisor(self._theirs, lasting=True).supervise, _program(asked, self._files))
            first = start(supervise, partial(_prepare, asked, new), self._theirs, self._supervisor, self._enter)
            self._console.start()
            if first:
                sockets = new.sockets()
                claim = Claim(asked.instance, asked.account, driver=PROCESS, boot=asked.boot, within=asked.within)
                with Attachment(self._data, claim, sockets, first) as attachment:
                    self._attach(attachment if sockets else None, new, first)
            else:
                self._let_go()

    def _enter(self) -> None:
        """In the child's parent: keep nothing that tells whether this process lives."""
        os.close(self._lock)
        self._under_way.close()
        enter_there()

    def _attach(self, attachment: Attachment | None, new: Inside, first: int) -> None:
        """Attach to the plane, have the inside go on, and wait for its end."""
        try:
            if attachment is not None:
                attachment.attach()
                self._files.begin()
                new.proceed()
                self._under_way.close()
                ended = os.pidfd_open(first)
                attachment.keep(until=ended, end=partial(end_all, first, self._supervisor))
                os.close(ended)
        except HandoverError as refusal:  # the next plane starts it anew
            say(str(refusal))
            os.kill(first, signal.SIGKILL)
        powered_off = exit_code(os.waitpid(first, 0)[1]) == POWERED_OFF
        if powered_off:
            self._shut_down()
        self._let_go()


def say(text: str) -> None:
    """Write to the console, as Locum."""
    sys.stdout.write(f"locum: {text}\n")
    sys.stdout.flush()


def _prepare(asked: Launch, new: Inside) -> None:
    """In the child: make the inside, with the commands that end it in the directory that covers the data directory."""
    tools = Path(asked.hidden[0]) / TOOLS

    def furnish_all() -> None:
        with suppress(FileExistsError):
            tools.mkdir()
        for name in _NAMES:
            tool = tools / name
            tool.write_text(_SHUTDOWN)
            tool.chmod(0o755)

        if asked.within:
            furnish(Path(asked.hidden[0]), asked.instance)

    new.make(furnish_all, nesting=bool(asked.within))


def script_of(asked: Launch, files: InstanceFiles) -> bytes | None:
    """The script to run, at the first start; None where there is none, which the console says."""
    if files.begun:
        return None
    given = user_data(asked.user_data)
    if given.reason:
        say(given.reason)
    return given.script


def _program(asked: Launch, files: InstanceFiles) -> Callable[[], int] | None:
    """The user data as a program, at the first start; None where there is nothing to run."""
    script = script_of(asked, files)
    if script is None:
        return None
    tools = TOOLS_WITHIN if asked.within else os.fspath(Path(asked.hidden[0]) / TOOLS)
    environment = {**asked.environment, "PATH": f"{tools}:{asked.environment['PATH']}"}
    return lambda: _run(script, asked.within, environment)


def _run(script: bytes, within: Sequence[str], environment: Mapping[str, str]) -> int:
    """Become the script, from a file that is in memory alone, after the words `within`; the exit code if it cannot."""
    writing = os.memfd_create("user-data")
    with os.fdopen(writing, "wb", closefd=False) as file:
        file.write(script)
    reading = os.open(f"/proc/self/fd/{writing}", os.O_RDONLY)
    os.close(writing)
    os.set_inheritable(reading, True)
    os.chdir("/")
    return execute([*within, f"/proc/self/fd/{reading}"], environment)
