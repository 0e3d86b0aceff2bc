"""A container as an instance: Docker's or Podman's own, in a network in which 169.254.169.254 is the instance's.

    docker run --detach --rm --network none PAUSE      holds a network with a loopback interface alone
    (this module joins that network, adds the addresses and listens there)
    docker run --rm --network container:PAUSE IMAGE    the container, which shares it

So everything is there before the command begins, and the image needs nothing of Locum's. As in a pod of Kubernetes, the
first container does nothing but hold the network: its image is `pause`.

To join the network of a rootless engine takes the same user; that of an engine of root takes root. Where neither is, as
with an engine in a virtual machine or on another one, the container can be an instance by `locum agent` inside it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, NoReturn, Self

from locum.compute import namespace
from locum.compute.handover import receive_descriptors
from locum.compute.inside import listen_as_instance
from locum.core.errors import ConfigurationError, LocumError
from locum.core.instances import ENGINES, PAUSE

LABEL: Final = "locum.instance"

_GONE: Final = b""


class ContainerFailed(LocumError):
    """The engine refuses, or its containers' network cannot be joined."""


class Container(NamedTuple):
    """A container that is to be an instance: its `image`, the `engine` (empty: which there is), and that of PAUSE."""

    image: str
    engine: str = ""
    pause: str = PAUSE

    def program(self) -> str:
        """The engine's program. Raises ConfigurationError where this machine has none."""
        found = next((name for name in ([self.engine] if self.engine else ENGINES) if shutil.which(name)), None)
        if found is None:
            raise ConfigurationError(f"there is no {self.engine or ' and no '.join(ENGINES)} on the PATH")
        return found

    def check(self) -> None:
        """Raises ConfigurationError where there is no engine, or none that answers."""
        program = self.program()
        command = [program, "version"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            why = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
            raise ConfigurationError(f"`{program} version` fails, so that no container can be started: {why}")


class ContainerNetwork:
    """The network of the containers of `instance`: made when it is entered, removed with all of them at its end.

    However this process ends, another one removes them: it waits for that. `in_guard` is called in that one.
    """

    def __init__(self, container: Container, instance: str, in_guard: Callable[[], None] = lambda: None) -> None:
        self._container = container
        self._program = container.program()
        self._instance = instance
        self._name = f"locum-{instance}"
        self._holder = f"{self._name}-network"
        self._in_guard = in_guard
        self._guard = -1
        self._lifeline = -1

    def __enter__(self) -> Self:
        """Make it. Raises ContainerFailed."""
        self._start_guard()
        try:
            labelled = ["--name", self._holder, "--label", f"{LABEL}={self._instance}"]
            self._ask("run", "--detach", "--rm", "--network", "none", *labelled, self._container.pause)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def sockets(self, gateway_port: int) -> list[socket.socket]:
        """Listening sockets in the network: of the metadata service, the gateway and, with IPv6, the former again.

        Raises ContainerFailed where it cannot be joined.
        """
        pid = self._ask("inspect", "--format", "{{.State.Pid}}", self._holder)
        ours, theirs = socket.socketpair()
        with ours:
            child = os.fork()
            if child == 0:
                _listen_there(pid, gateway_port, theirs)
            theirs.close()
            said, descriptors = receive_descriptors(ours)
            os.waitpid(child, 0)
        if not descriptors:
            raise ContainerFailed(
                f"the network of the containers cannot be joined ({said.decode() or 'no answer'}): an engine of root "
                "takes root, and one elsewhere `locum agent` in the container"
            )
        return [socket.socket(fileno=descriptor) for descriptor in descriptors]

    def line(self, command: Sequence[str], environment: Mapping[str, str], *, terminal: bool) -> list[str]:
        """The command line of the container in which `command` runs, attached to this process's streams."""
        return [*self._run(environment, ["--tty"] if terminal else []), self._container.image, *command]

    def as_root(self, program: str, script: str, environment: Mapping[str, str]) -> list[str]:
        """The command line of the container in which the shell `program` runs `script`, whatever the image would run.

        It is root there, as user data is on EC2.
        """
        options = ["--user", "0", "--stop-signal", "TERM", "--entrypoint", program]
        return [*self._run(environment, options), self._container.image, "-c", script]

    @property
    def within(self) -> list[str]:
        """The words before a command that is executed in the second container (`exec_line`)."""
        return [self._program, "exec", "--interactive", self._name]

    def stop(self, seconds: int) -> None:
        """Have the second container end, killed after so many `seconds`; return before it has."""
        self._stopping = _begun([self._program, "stop", "-t", str(seconds), self._name])

    def clear(self) -> None:
        """Remove containers of these names that a crash of this machine has left. Nobody else uses them."""
        _begun(self._removal).wait()

    def _run(self, environment: Mapping[str, str], options: Sequence[str]) -> list[str]:
        line = [self._program, "run", "--rm", "--interactive", *options]
        line += ["--network", f"container:{self._holder}", "--name", self._name]
        line += ["--label", f"{LABEL}={self._instance}"]
        for name, value in sorted(environment.items()):
            line += ["--env", f"{name}={value}"]
        return line

    @property
    def _removal(self) -> list[str]:
        return [self._program, "rm", "--force", "--volumes", self._name, self._holder]

    def _ask(self, *arguments: str) -> str:
        """Run the engine with `arguments`; its output. Raises ContainerFailed."""
        command = [self._program, *arguments]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise ContainerFailed(f"`{' '.join(command[:2])}` failed ({done.returncode})")
        return done.stdout.strip()

    def _start_guard(self) -> None:
        """Start the process that removes the containers when the lifeline, which this process has, is cut."""
        waits, self._lifeline = os.pipe()  # neither is inherited by what is executed
        self._guard = os.fork()
        if self._guard == 0:
            os.close(self._lifeline)
            self._in_guard()
            _guard(waits, self._removal)
        os.close(waits)

    def _end(self) -> None:
        if self._guard > 0:
            os.close(self._lifeline)
            os.waitpid(self._guard, 0)
            self._guard = -1


def _begun(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """A command that nobody hears."""
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere)  # noqa: S603


def exec_line(within: Sequence[str], command: Sequence[str], *, terminal: bool) -> list[str]:
    """The command line that executes `command` in a container, by its words `within` (`ContainerNetwork.within`)."""
    program, verb, *rest = within
    return [program, verb, *(["--tty"] if terminal else []), *rest, *command]


def _guard(lifeline: int, command: Sequence[str]) -> NoReturn:
    """Wait for the end of the lifeline, and become `command`. No signal of a terminal ends it, and nobody hears it."""
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        while os.read(lifeline, 1) != _GONE:
            pass
        os.execvp(command[0], list(command))  # noqa: S606 - the engine
    finally:
        os._exit(1)


def _listen_there(pid: str, gateway_port: int, launcher: socket.socket) -> NoReturn:
    """In a child: join the network of process `pid`, listen there, and send the launcher the sockets, or the reason."""
    try:
        if not pid.isdecimal() or pid == "0" or not Path(f"/proc/{pid}").exists():
            raise OSError(f"process {pid or 'of nobody'} is not on this machine")
        namespace.join_network(int(pid))
        namespace.raise_loopback()
        with ExitStack() as closed:
            made = [closed.enter_context(sock) for sock in listen_as_instance(gateway_port) if sock is not None]
            socket.send_fds(launcher, [b"\n"], [sock.fileno() for sock in made])
    except OSError as error:
        launcher.sendall(str(error).encode())
    finally:
        os._exit(0)
