"""An agent at work: its event loop, on sockets of this machine or of a namespace in which a command runs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import click

from locum.compute.agent import Agent
from locum.compute.agent_files import About, AgentFiles
from locum.compute.environment import inside, secret_places
from locum.compute.inside import Inside, enter_there
from locum.compute.launch import run
from locum.core.clock import system_clock
from locum.http.listener import Listeners


class Sockets(NamedTuple):
    """The listening sockets of an agent. `metadata_6` is that of the IPv6 endpoint."""

    metadata: socket.socket
    gateway: socket.socket
    metadata_6: socket.socket | None = None

    def close(self) -> None:
        """Close them."""
        for sock in self:
            if sock is not None:
                sock.close()


def serve_until_signal(files: AgentFiles, sockets: Sockets) -> str:
    """Serve until SIGTERM or SIGINT. Where it ends because the plane refuses the agent for good, the reason."""

    def signals(stop: Callable[[], None]) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)

    return asyncio.run(_serve(files, sockets, signals))


def run_command(files: AgentFiles, about: About, gateway_port: int, directory: Path, command: Sequence[str]) -> int:
    """Serve a namespace for as long as `command` runs in it; its exit code.

    Its network has the metadata service at EC2's addresses and the gateway at `gateway_port`, and nothing else.
    """
    environment = inside(os.environ, f"http://127.0.0.1:{gateway_port}", about.region)
    with Inside(gateway_port, secret_places(os.environ, Path.home(), directory.resolve())) as new:
        background: list[_Background] = []

        def begin(_first: int) -> None:
            if sockets := new.sockets():
                background.append(_Background(files, about.instance, Sockets(*sockets)))
                new.proceed()

        try:
            return run(command, environment, new.make, begin, enter=enter_there)
        finally:
            for it in background:
                it.end()


class _Background:
    """An agent that serves in a thread, which is started after the fork of the command."""

    def __init__(self, files: AgentFiles, instance: str, sockets: Sockets) -> None:
        self._stop: Callable[[], Any] = lambda: None
        self._served = Event()
        self._work = files, sockets
        self._instance = instance
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        self._served.wait()

    def end(self) -> None:
        """Stop serving."""
        self._stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            if refusal := asyncio.run(_serve(*self._work, self._keep)):
                click.echo(f"locum: nothing answers inside {self._instance} any more: {refusal}", err=True)
        finally:
            self._served.set()
            self._work[1].close()

    def _keep(self, stop: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()

        def from_elsewhere() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(stop)

        self._stop = from_elsewhere
        self._served.set()


async def _serve(files: AgentFiles, sockets: Sockets, begun: Callable[[Callable[[], None]], None]) -> str:
    """Serve until what `begun` is given is called; the reason where the plane refuses the agent for good."""
    stop = asyncio.Event()
    agent, listeners = Agent(files, system_clock), Listeners()
    await listeners.open(sockets.metadata, agent.metadata)
    if sockets.metadata_6 is not None:
        await listeners.open(sockets.metadata_6, agent.metadata_6)
    gateway = await asyncio.start_server(agent.gateway, sock=sockets.gateway)
    stopped, renewing = asyncio.create_task(stop.wait()), asyncio.create_task(agent.keep_renewing())
    awaited: tuple[asyncio.Future[Any], ...] = stopped, renewing, agent.refusal
    begun(stop.set)
    try:
        done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in awaited:
            future.cancel()
        gateway.close()
        await listeners.close_all()
        agent.close()
    return next((it.result() for it in done if it is not stopped), "")
