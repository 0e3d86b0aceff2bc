"""A service manager hears of the start, of the life and of the end of a plane: sd_notify(3)."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from locum.cli.service_manager import tell, told_of


@contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        heard.settimeout(10)
        yield heard


async def lived_through(environment: dict[str, str]) -> None:
    async with told_of(environment):
        await asyncio.sleep(0)  # the turn in which the watch begins


def test_a_manager_hears_of_the_start_and_of_the_end(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with manager(address) as heard:
        asyncio.run(lived_through({"NOTIFY_SOCKET": address}))
        assert [heard.recv(64) for _ in range(2)] == [b"READY=1", b"STOPPING=1"]


def test_a_manager_that_watches_hears_that_the_event_loop_lives(tmp_path: Path) -> None:
    address = f"@locum-test-{os.getpid()}"
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    with manager(address) as heard:
        asyncio.run(lived_through(environment))
        assert [heard.recv(64) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


@pytest.mark.parametrize("more", [{"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_PID": "1"}])
def test_who_is_not_watched_tells_no_signs_of_life(tmp_path: Path, more: dict[str, str]) -> None:
    address = str(tmp_path / "notify")
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000", **more}
    with manager(address) as heard:
        asyncio.run(lived_through(environment))
        assert [heard.recv(64) for _ in range(2)] == [b"READY=1", b"STOPPING=1"]


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/at/all", "vsock:2:1234"])
def test_a_plane_without_a_manager_goes_on(address: str) -> None:
    tell("READY=1", {"NOTIFY_SOCKET": address})
    tell("READY=1", {})
