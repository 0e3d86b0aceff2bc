"""What a service manager is told: sd_notify(3), of which a datagram is all.

systemd gives the socket as NOTIFY_SOCKET, and as WATCHDOG_USEC how often it wants to hear that the plane is alive.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from locum.agents.waiting import cancelled

_SOCKET: Final = "NOTIFY_SOCKET"
_WATCHDOG: Final = "WATCHDOG_USEC"
_WATCHED: Final = "WATCHDOG_PID"


def tell(state: str, environment: Mapping[str, str] = os.environ) -> None:
    """Tell the manager, where there is one that wants to know: `READY=1`."""
    address = environment.get(_SOCKET, "")
    if address[:1] not in ("/", "@"):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
        to.connect(f"\0{address[1:]}" if address[0] == "@" else address)
        to.send(state.encode())


@asynccontextmanager
async def told_of(environment: Mapping[str, str] = os.environ) -> AsyncIterator[None]:
    """Tell the manager that the plane is ready; while the block runs, that its event loop is alive; then its end."""
    tell("READY=1", environment)
    pause = _pause(environment)
    watching = None if pause is None else asyncio.create_task(_watch(pause, environment))
    try:
        yield
    finally:
        if watching is not None:
            await cancelled(watching)
        tell("STOPPING=1", environment)


def _pause(environment: Mapping[str, str]) -> float | None:
    """Seconds between two signs of life: half of what the manager waits for one (sd_watchdog_enabled(3))."""
    usec, pid = environment.get(_WATCHDOG, ""), environment.get(_WATCHED, "")
    if not usec.isdecimal() or not int(usec) or pid not in ("", str(os.getpid())):
        return None
    return int(usec) / 2_000_000


async def _watch(pause: float, environment: Mapping[str, str]) -> None:
    while True:
        tell("WATCHDOG=1", environment)
        await asyncio.sleep(pause)
