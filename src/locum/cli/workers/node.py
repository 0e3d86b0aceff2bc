"""The node of a worker: a gateway over the storage of its plane, which has the embedded backend."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from typing import Any

from locum.agents.api.host import OPERATIONS as API
from locum.agents.api.host import ApiHost
from locum.agents.format_watch import FormatWatch
from locum.agents.instances.console_output import ConsoleOutput
from locum.agents.lake.host import OPERATIONS as LAKE
from locum.agents.lease_keeper import LeaseKeeper
from locum.agents.waiting import cancelled
from locum.backends import Backend
from locum.backends.remote import RemoteBackend, UnixPlace, UsedServices
from locum.calls import Backends, Calls, Recorder, Runtime
from locum.cli.backends import endpoints_of
from locum.cli.home import read_ahead
from locum.cli.membership import there
from locum.cli.metrics import process_families
from locum.cli.node_parts import new_listeners, pipeline_of, reached_at, runtime_of
from locum.cli.ports import listening_socket
from locum.cli.remote_backends import RemoteEnds, key_of
from locum.cli.storage import open_storage
from locum.cli.telemetry import access_log, tracing
from locum.cli.tls import tls_context
from locum.cli.workers.given import SOCKET, Given, name_of
from locum.core.clock import Clock, Entropy, MovableClock, pooled, system_clock, system_entropy, system_uptime
from locum.core.http import HttpResponse
from locum.core.metrics import Family
from locum.gateway.app import Gateway
from locum.store import Ledger


class WorkerNode:
    """One more process of a plane. Making one takes its port; raises ConfigurationError, StorageError.

    `used` has the services of the embedded backend that are in use. `exposed` is the response with the metrics of all
    processes.
    """

    def __init__(
        self,
        given: Given,
        used: UsedServices,
        exposed: Callable[[], Awaitable[HttpResponse]],
        wall: Clock = system_clock,
        entropy: Entropy = system_entropy,
    ) -> None:
        options, entropy = given.options, pooled(entropy)
        self._given = given
        self._used = used
        self._sockets: list[tuple[socket.socket, ssl.SSLContext | None]] = []
        clock = MovableClock(wall, read_ahead(options.data))
        with ExitStack() as undone:
            self.storage = open_storage(options, entropy)
            undone.callback(self.storage.close)
            self._take_ports(undone, wall())
            self.ledger = Ledger.open(self.storage.journal, clock)
            undone.pop_all()
        self.listeners = new_listeners()
        self.runtime = self._runtime(clock, entropy)
        self.calls = Calls(self.runtime, Recorder(self.ledger, entropy, options.mode))
        self._keep_leases(f"{self.runtime.node} {entropy(8).hex()}")
        self._access_log = access_log(options.access_log, options.log_format)
        self._tracing = tracing(options.traces)
        self._pipeline = pipeline_of(self.runtime, self.calls, options, self._access_log, self._tracing)
        self.gateway = Gateway(self.runtime, self._pipeline, exposed=exposed)

    async def open(self) -> None:
        """Serve."""
        self.ledger.follow()
        if self._there is not None:
            await self._there.step()
        for keeper in self._keepers:
            keeper.start()
        for sock, tls in self._sockets:
            await self.listeners.open(sock, self.gateway, tls)
        if self._given.started:
            self.gateway.readiness.started()

    async def drain(self, gone: asyncio.Event) -> None:
        """Be ready no more, and go on answering as the options say, until it is hurried or the plane is `gone`."""
        self.gateway.readiness.drain()
        self.listeners.drain()
        waits = [asyncio.ensure_future(it.wait()) for it in (gone, self.listeners.hurried)]
        await asyncio.wait(waits, timeout=self._given.options.drain, return_when=asyncio.FIRST_COMPLETED)
        await cancelled(*waits)

    def hurry(self) -> None:
        """Have nobody waited for any more."""
        self.listeners.hurried.set()
        self.calls.hurry()

    async def close(self) -> None:
        """Finish what is under way, write what is waiting, let go of everything."""
        self.calls.hurry()
        self.api.hurry()
        await self.listeners.close_all()
        for sock, _ in self._sockets:
            sock.close()
        if self._access_log is not None:
            self._access_log.close()
        if self._tracing is not None:
            await asyncio.to_thread(self._tracing.close)
        await self.calls.outbox.end()
        for keeper in self._keepers:
            await keeper.close()
        await self.runtime.backends.close()
        await self.ledger.close()
        self.storage.close()

    def families(self) -> Iterator[Family]:
        """What is counted in this process."""
        yield from self._pipeline.metrics.families()
        yield from process_families(self.ledger)

    def _runtime(self, clock: MovableClock, entropy: Entropy) -> Runtime:
        given, options = self._given, self._given.options
        parts = self.storage, self.ledger, self._backends(clock, entropy), clock, entropy
        runtime = runtime_of(options, *parts, self._name())
        runtime.settings = reached_at(runtime.settings, given.port, given.tls_port)
        return runtime

    def _keep_leases(self, holder: str) -> None:
        """Have other nodes know that this process is there, and which formats it reads, as it does of theirs."""
        leases = self.storage.leases
        self._there: LeaseKeeper | None = None
        self._keepers: list[LeaseKeeper | FormatWatch] = []
        if leases is not None:
            self._there = there(leases, self.runtime.node, holder)
            self._keepers = [FormatWatch(leases, holder, system_uptime, self.ledger.allow), self._there]

    def _name(self) -> str:
        """Whose effects they are that callers of this process wait for."""
        return "/".join(filter(None, (self.storage.node, name_of(self._given.number, os.getpid()))))

    def _take_ports(self, undone: ExitStack, now: float) -> None:
        given, options = self._given, self._given.options
        taken: list[tuple[int, ssl.SSLContext | None]] = [(given.port, None)]
        if options.tls is not None and given.tls_port:
            context = tls_context(options.tls, self.storage.directory, options.settings.region, now)
            taken.append((given.tls_port, context))
        for port, tls in taken:
            sock = listening_socket(options.host, port, shared=True)
            undone.callback(sock.close)
            self._sockets.append((sock, tls))

    def _backends(self, clock: MovableClock, entropy: Entropy) -> Backends:
        """What is not Locum's own is the plane's; what looks at the storage alone is here as well."""
        options = self._given.options
        ends = RemoteEnds(partial(key_of, self.storage.keyring), entropy, lambda: self.ledger.state.sequence)
        plane = RemoteBackend(UnixPlace(options.data / SOCKET), *ends, self._used)
        named = endpoints_of(options.backends, options.backend_keys, clock.wall, ends)
        default = named.pop("*", plane)
        self.api = ApiHost(lambda: self.runtime, lambda: self.calls.make, self._lab_progress)
        others: dict[tuple[str, str], Backend] = {**dict.fromkeys(LAKE, plane), **dict.fromkeys(API, self.api)}
        if not options.backends.keys() & {"ec2", "*"}:
            others["ec2", "GetConsoleOutput"] = ConsoleOutput(options.data, lambda: self.ledger.state)
        return Backends(default, named, others)

    def _lab_progress(self, account: str) -> Any:
        late = import_module("locum.cli.labs")  # with what labs take of botocore
        return late.progress_of(self._given.options.data, self._given.account, account)
