"""The inside of a function's environment: what a child of the plane makes of itself before it becomes the runtime.

It is told over a socket what to do, a line of JSON (`Plan`) and the archives behind it; it answers with lines of JSON:

    {"port": N}            comes with a socket that listens there, on the loopback address of the environment
    {"unpackable": TEXT}   the package, or a layer, is none
    {"entrypoint": TEXT}   the runtime cannot be executed
    {"failed": TEXT}       there are no namespaces after all

The end of the socket says that the runtime is there, or that the process has ended; its exit status is the runtime's.

In a closed environment there are three processes: the child, which enters the namespaces; the first process of the new
process namespace, which makes the file system, and with whose end all others in there end; and the runtime.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from locum.compute import namespace
from locum.compute.functions import closed_root
from locum.compute.functions.packages import PackageError, unpack

RESERVED: Final = 128 << 20
"""Octets of private memory beyond `MemorySize`: the kernel counts what threads reserve for their stacks as used."""

MOST_PROCESSES: Final = 1024
MOST_FILES: Final = 1024
"""Lambda quotas, "Execution processes/threads" and "File descriptors"."""

_BACKLOG: Final = 64
_CHUNK: Final = 1 << 20


class Channel:
    """The socket to the host, which no executed program inherits."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.set_inheritable(False)

    def receive(self) -> tuple[dict[str, Any], bytes]:
        """The plan and the archives behind it."""
        with self._socket.makefile("rb", buffering=_CHUNK) as stream:
            plan: dict[str, Any] = json.loads(stream.readline() or b"null") or sys.exit(1)
            return plan, stream.read(sum(plan["layers"]) + plan["code"])

    def tell(self, descriptors: tuple[int, ...] = (), **message: str | int) -> None:
        """Tell the host."""
        socket.send_fds(self._socket, [json.dumps(message).encode() + b"\n"], descriptors)

    def close(self) -> None:
        """Leave it to the other processes that have it."""
        self._socket.close()


def main() -> None:
    """Follow the plan that comes over the socket whose descriptor is the last argument."""
    channel = Channel(int(sys.argv[-1]))
    namespace.die_with_parent(signal.SIGKILL)
    plan, archives = channel.receive()
    try:
        _unpack(plan, archives)
        del archives  # which would be kept for as long as the environment
        if plan["closed"] is None:
            _become(channel, plan)
        _enclose(channel, plan)
    except PackageError as error:
        channel.tell(unpackable=str(error))
    except (OSError, namespace.NamespaceUnavailable) as error:
        channel.tell(failed=str(error))
    os._exit(1)


def _unpack(plan: Mapping[str, Any], archives: bytes) -> None:
    """Unpack the layers, which have so many octets each, and the deployment package behind them. Raises PackageError.

    Together they may be as large as the quota says. A file of a later layer takes the place of an earlier one's.
    """
    start = taken = 0
    for size in plan["layers"]:
        taken = unpack(archives[start : start + size], Path(plan["opt"]), taken)
        start += size
    if plan["code"]:
        unpack(archives[start:], Path(plan["task"]), taken)


def _enclose(channel: Channel, plan: Mapping[str, Any]) -> NoReturn:
    """Enter the namespaces, have the first process of theirs go on, and end as it does."""
    closed = plan["closed"]
    namespace.enter_own()
    for port in closed["ports"]:
        with socket.create_server(("127.0.0.1", port), backlog=_BACKLOG) as listening:
            channel.tell((listening.fileno(),), port=port)
    told, tell = os.pipe()
    if os.fork() == 0:
        os.close(told)
        _first(channel, plan, tell)
    channel.close()
    os.close(tell)
    with open(told, "rb") as answer:  # noqa: PTH123 # a descriptor
        status = int(answer.read() or signal.SIGKILL)
    _end_as(status)


def _first(channel: Channel, plan: Mapping[str, Any], tell: int) -> NoReturn:
    """Make the file system, start the runtime, wait for everything that ends here, and tell how the runtime ended."""
    try:
        namespace.die_with_parent(signal.SIGKILL)
        closed = plan["closed"]
        closed_root.enter(
            closed_root.View(closed["own"], closed["shown"], closed["hidden"], closed["storage"]), Path(closed["root"])
        )
        namespace.renounce_capabilities()
        namespace.gain_no_privileges()
        namespace.become_unreadable()
        if not plan["commands"]:  # only tried
            os.write(tell, b"0")
            os._exit(0)
        resource.setrlimit(resource.RLIMIT_NPROC, (MOST_PROCESSES, MOST_PROCESSES))
        runtime = os.fork()
        if runtime == 0:
            _become(channel, plan)
        channel.close()
        ended, status = os.wait()
        while ended != runtime:
            ended, status = os.wait()
        os.write(tell, str(status).encode())
    except OSError as error:
        channel.tell(failed=str(error))
    finally:
        os._exit(0)


def _become(channel: Channel, plan: Mapping[str, Any]) -> NoReturn:
    """Become the first command that there is; never returns."""
    variables = plan["variables"]
    found = [command for command in plan["commands"] if Path(command[0]).is_file()]
    try:
        if not found:
            names = " ".join(command[0] for command in plan["commands"])
            channel.tell(entrypoint=f"Couldn't find valid bootstrap(s): [{names}]")
            os._exit(1)
        os.chdir(variables["LAMBDA_TASK_ROOT"])
        _limit(plan["memory"])
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores for itself
            signal.signal(number, signal.SIG_DFL)
        os.execve(found[0][0], found[0], variables)  # noqa: S606 # the function's own
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, os.strerror(error.errno or 0).lower())
        channel.tell(entrypoint=f"fork/exec {found[0][0]}: {reason}")
    finally:
        os._exit(1)


_REASONS: Final = {errno.ENOEXEC: "exec format error", errno.EACCES: "permission denied"}
"""As Lambda, a program in Go, says them."""


def _limit(memory: int) -> None:
    """No more private memory than `memory` MiB and what is reserved; no core dumps. getrlimit(2), RLIMIT_DATA."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = (memory << 20) + RESERVED
    if most == resource.RLIM_INFINITY or limit < most:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_FILES if files == resource.RLIM_INFINITY else min(files, MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_as(status: int) -> NoReturn:
    """End as a process with this wait status ended. wait(2)."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))
