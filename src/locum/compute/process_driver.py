"""The plane's end of the drivers `process` and `container`: it has launchers forked, a few at a time."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from locum.compute.launcher import Launch
from locum.core.programs import program

AT_ONCE: Final = 8
"""Launchers that are on their way at the same time."""

PATIENCE: Final = 60.0
"""Seconds after which a launcher that is on its way is no longer waited for."""


class ProcessDriver:
    """Starts launchers by way of the zygote, which the first one makes. `close` ends the zygote, and no launcher.

    `environment` has the variables of launchers, which are not those of what runs in instances.
    """

    def __init__(self, at_once: int = AT_ONCE, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment or {"PATH": os.environ.get("PATH", os.defpath)}
        self._room = asyncio.Semaphore(at_once)
        self._making = asyncio.Lock()
        self._zygote: asyncio.subprocess.Process | None = None
        self._channel: socket.socket | None = None

    async def start(self, launch: Launch) -> None:
        """Start a launcher, and return when it is attached, or has ended. Raises OSError."""
        async with self._room:
            channel = await self._ready()
            ours, theirs = socket.socketpair()
            with ours:
                with theirs:
                    socket.send_fds(channel, [json.dumps(launch.message()).encode()], [theirs.fileno()])
                ours.setblocking(False)
                with suppress(TimeoutError, ConnectionError):
                    async with asyncio.timeout(PATIENCE):
                        await asyncio.get_running_loop().sock_recv(ours, 1)

    async def close(self) -> None:
        """End the zygote."""
        if self._channel is not None:
            self._channel.close()
        if self._zygote is not None:
            await self._zygote.wait()

    async def _ready(self) -> socket.socket:
        """The connection to the zygote, which is made where there is none or it has ended."""
        async with self._making:
            if self._channel is not None and self._zygote is not None and self._zygote.returncode is None:
                return self._channel
            if self._channel is not None:
                self._channel.close()
            self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._zygote = await asyncio.create_subprocess_exec(
                    *(*program("locum.compute.zygote"), str(theirs.fileno())),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    cwd="/",
                    env=dict(self._environment),
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            return self._channel
