"""One run of a function's runtime: its directory, its processes, and what listens for it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from locum.compute.functions.packages import PackageError
from locum.compute.functions.runtime_api import RuntimeApi
from locum.compute.functions.runtimes import CLOSED, NODE, PYTHON, RUNTIME, Program, Roots
from locum.compute.functions.surroundings import AUTHORITY, START, Surroundings
from locum.compute.handover import receive_descriptors
from locum.compute.relay import Relay
from locum.core.errors import LocumError
from locum.core.functions import Function
from locum.http.listener import Listeners
from locum.http.patience import Patience

PATIENCE: Final = Patience(silence=1_000, connections=256)
"""With the clients in one environment, those of the Runtime API and the gateway together: for one connection more, an
idle one is closed. That of a runtime is silent for as long as its handler runs, 900 seconds at most."""


class CannotStart(LocumError):
    """No process could be made for the function."""


class InvalidEntrypoint(LocumError):
    """The runtime could not be executed: the text is Lambda's."""


class RuntimeProcess:
    """A runtime, with its Runtime API `api`. `close` leaves nothing of it."""

    def __init__(self, function: Function, surroundings: Surroundings, asked: Callable[[], None]) -> None:
        self.api = RuntimeApi(asked)
        self._function = function
        self._around = surroundings
        self._api_port = surroundings.api_port
        self._listeners = Listeners(PATIENCE)
        self._left = AsyncExitStack()
        self._sockets: list[socket.socket] = []
        self._killed = False
        self._pid = 0
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self.home = Path(tempfile.mkdtemp(prefix="locum-function-"))  # mode 0700
        self._left.push_async_callback(asyncio.to_thread, shutil.rmtree, self.home, ignore_errors=True)
        for name in ("task", "opt", "tmp", "root", "trust"):
            (self.home / name).mkdir()
        self.roots = CLOSED if surroundings.closed else self._own_roots()

    @property
    def over_tls(self) -> dict[str, str]:
        """The variables by which the SDKs for Python and JavaScript call the gateway over TLS, and trust its authority.

        Nobody else's certificates are there to be trusted. Others call it by HTTP: not all SDKs know AWS_CA_BUNDLE.
        """
        tls = self._around.tls() if self._around.closed else None
        if tls is None or not self._function.runtime.startswith((PYTHON, NODE)):
            return {}
        trusted = dict.fromkeys(("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), AUTHORITY)
        return {"AWS_ENDPOINT_URL": f"https://127.0.0.1:{tls.port}", **trusted}

    def _own_roots(self) -> Roots:
        return Roots(str(self.home / "task"), str(self.home / "opt"), str(RUNTIME), str(self.home / "tmp"))

    async def start(self, program: Program, variables: Mapping[str, str], log: int) -> None:
        """Start it; `log` is the descriptor for what it writes.

        Raises PackageError, InvalidEntrypoint, CannotStart.
        """
        ours, theirs = socket.socketpair()
        self._left.callback(ours.close)
        self._left.callback(self._close_sockets)
        self._left.push_async_callback(self._listeners.close_all)
        api = f"127.0.0.1:{self._api_port if self._around.closed else await self._listen()}"
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(*START, str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
                env={"PATH": os.defpath},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._left.push_async_callback(self._ended)
        if self._killed:
            self.signal(signal.SIGKILL)
        self._watching = asyncio.get_running_loop().create_task(self._watch(self._process))
        ours.setblocking(False)
        plan = self._plan(program, {**variables, "AWS_LAMBDA_RUNTIME_API": api})
        packages = b"".join((*self._function.layers, self._function.code))
        with suppress(ConnectionError):  # it has ended
            await asyncio.get_running_loop().sock_sendall(ours, json.dumps(plan).encode() + b"\n" + packages)
        await self._follow(ours)

    def kill(self) -> None:
        """End it, now or as soon as there is something to end."""
        self._killed = True
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the processes of its group, if there are any."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def close(self) -> None:
        """End it, with all that it started, and remove its directory."""
        self.kill()
        self.api.end()
        await self._left.aclose()

    async def reason(self) -> str:
        """The end of the process, in the words of Lambda; waits for it."""
        assert self._process is not None
        status = await self._process.wait()
        if not status:
            return "Runtime exited without providing a reason"
        how = f"exit status {status}" if status > 0 else f"signal: {(signal.strsignal(-status) or '').lower()}"
        return f"Runtime exited with error: {how}"

    @property
    def pid(self) -> int:
        """The process of the runtime, 0 where there is none. In a closed environment it is the grandchild of ours."""
        if not self._pid and self._process is not None:
            pid = self._process.pid
            try:
                for _ in range(2 if self._around.closed else 0):
                    pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
            except (OSError, IndexError):
                return 0
            self._pid = pid
        return self._pid

    def _plan(self, program: Program, variables: Mapping[str, str]) -> dict[str, Any]:
        """The plan of the process: see `compute.functions.inside`."""
        function, around, home = self._function, self._around, self.home
        own = {self.roots.task: str(home / "task"), self.roots.opt: str(home / "opt"), self.roots.runtime: str(RUNTIME)}
        tls = around.tls()
        if tls is not None:
            (home / "trust" / Path(AUTHORITY).name).write_text(tls.authority)
            own[str(Path(AUTHORITY).parent)] = str(home / "trust")
        closed = {
            "root": str(home / "root"),
            "own": own,
            "shown": around.shown(program.places),
            "hidden": around.hidden,
            "storage": function.storage,
            "ports": [*dict.fromkeys((self._api_port, *around.apps(), *around.relayed))],
        }
        return {
            "closed": closed if around.closed else None,
            "commands": program.commands,
            "variables": variables,
            "memory": function.memory,
            "task": str(home / "task"),
            "opt": str(home / "opt"),
            "layers": [*map(len, function.layers)],
            "code": len(function.code),
        }

    async def _follow(self, channel: socket.socket) -> None:
        """Serve on the sockets that come over `channel`, until its end. Raises what `start` does."""
        apps = {self._api_port: self.api, **self._around.apps()}
        async for message, descriptors in _messages(channel):
            match message:
                case {"port": int(port)}:
                    await self._serve(socket.socket(fileno=descriptors[0]), apps.get(port), port)
                case {"unpackable": str(text)}:
                    raise PackageError(text)
                case {"entrypoint": str(text)}:
                    raise InvalidEntrypoint(text)
                case _:
                    raise CannotStart(f"no environment for the function could be made: {message}")

    async def _listen(self) -> int:
        """Serve the Runtime API on a port of the host's; the port."""
        sock = socket.create_server(("127.0.0.1", 0))
        await self._serve(sock, self.api, 0)
        return int(sock.getsockname()[1])

    async def _serve(self, sock: socket.socket, app: Any, port: int) -> None:
        """Serve `app` on `sock`, or where there is none, what listens on that port of the host."""
        if app is not None:
            self._sockets.append(sock)
            await self._listeners.open(sock, app)
        else:
            self._left.push_async_callback((await Relay.open(sock, self._around.relayed[port])).close)

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            sock.close()

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Tell the Runtime API of the end of the process."""
        await process.wait()
        self.api.end()

    async def _ended(self) -> None:
        self.signal(signal.SIGKILL)
        if self._watching is not None:
            await self._watching


async def _messages(channel: socket.socket) -> Any:
    """The messages that come over `channel`, each with its descriptors, until its end."""
    loop = asyncio.get_running_loop()
    while True:
        readable = loop.create_future()
        loop.add_reader(channel, partial(_settle, readable))
        try:
            await readable
        finally:
            loop.remove_reader(channel)
        data, descriptors = receive_descriptors(channel)
        if not data:
            return
        for line in data.splitlines():  # each with a descriptor comes alone. unix(7), SCM_RIGHTS
            yield json.loads(line), descriptors


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
