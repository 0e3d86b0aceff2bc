"""The composition root: from a data directory to a plane that answers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, suppress
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from locum.agents.api.host import OPERATIONS as API
from locum.agents.api.host import ApiHost
from locum.agents.audits.schedule import Audits
from locum.agents.aws_hosts import AwsHosts
from locum.agents.carriers import CarrierHost
from locum.agents.functions.logs import FunctionLogs
from locum.agents.instances.console_output import ConsoleOutput
from locum.agents.instances.lost_networks import mark_lost_networks
from locum.agents.instances.managed_instances import ManagedInstances
from locum.agents.lake.host import OPERATIONS as LAKE
from locum.agents.lake.host import LakeHost
from locum.agents.resumption import Resumption
from locum.backends import Backend
from locum.backends.kept_files import Keeping, KeptFiles
from locum.backends.remote import UsedServices
from locum.calls import Backends, Calls, Recorder
from locum.cli.agent_door import AgentDoor
from locum.cli.alone import be_alone
from locum.cli.archiving import archive_of, check_archive
from locum.cli.backend_owner import claim_backend
from locum.cli.backends import (
    RESUMED,
    Hosts,
    deployment_host,
    function_host,
    kept_files,
    make_backends,
    mapping_host,
    rotation_host,
    schedule_host,
)
from locum.cli.console_door import ConsoleDoor
from locum.cli.duties import Duties
from locum.cli.gateway_door import GatewayDoor
from locum.cli.home import (
    AUDITS_FILE,
    CLOCK_FILE,
    CREDENTIALS_FILE,
    KEYRING_FILE,
    ahead_text,
    read_ahead,
    root_key_text,
)
from locum.cli.membership import Membership
from locum.cli.metadata import metadata_service
from locum.cli.metrics import node_families
from locum.cli.node_parts import new_listeners, pipeline_of, reached_at, runtime_of
from locum.cli.options import Options
from locum.cli.remote_backends import RemoteEnds, key_of
from locum.cli.root_account import ensure_root
from locum.cli.saving import save_running
from locum.cli.storage import open_storage
from locum.cli.telemetry import access_log, tracing
from locum.cli.tls import aws_hosts, share_authority
from locum.core.carriers import Carrier
from locum.core.clock import Clock, Entropy, MovableClock, pooled, system_clock, system_entropy
from locum.core.errors import ConfigurationError, Fault
from locum.core.extras import installed
from locum.core.metrics import Family
from locum.credentials import read_keyring
from locum.credentials.clusterkeys import ClusterKey, open_cluster_key
from locum.gateway.app import Gateway
from locum.gateway.issuerkeys import FOLDER
from locum.imds.containers import ContainerEndpoints
from locum.state import State
from locum.store import Ledger
from locum.store.writer import UNAVAILABLE
from locum.wire.models import index

if TYPE_CHECKING:
    from locum.agents.functions.host import FunctionHost
    from locum.compute.functions.surroundings import Tls


class Others(Protocol):
    """The other processes of a plane, which follow it."""

    def started(self) -> None:
        """The plane is complete."""

    def drain(self) -> None:
        """It ends soon."""

    def hurry(self) -> None:
        """It ends at once."""


class Node:
    """One process of the plane: its storage, its gateway, its metadata service.

    Making one takes its port and its data directory; where that fails (ConfigurationError, StorageError), no data
    directory is left that was not there before. `account` is the root user's, once it is open. `workers` are the names
    of the worker processes that there are.
    """

    def __init__(self, options: Options, wall: Clock = system_clock, entropy: Entropy = system_entropy) -> None:
        self.options = options
        self.account = ""
        self.workers: set[str] = set()
        self.others: Others | None = None
        self.used = UsedServices.none_yet() if options.workers > 1 else None
        entropy = pooled(entropy)
        clock = MovableClock(wall, read_ahead(options.data), self._keep_ahead)
        # What may fail comes first, and the data directory, which is made here, after it.
        check_archive(options)
        self.kept = None if options.ephemeral else self._kept_files(entropy)
        backends = self._backends(wall, entropy)
        if not options.journal:
            read_keyring(options.data / KEYRING_FILE, os.environ)
        with ExitStack() as undone:
            self._take_ports(undone)
            self._open_storage(undone, wall, entropy)
            self.ledger = self._opened_ledger(clock)
            undone.pop_all()
        self.listeners = new_listeners()
        parts = self.storage, self.ledger, backends, clock, entropy
        self.runtime = runtime_of(options, *parts, self.storage.node)
        self.runtime.injections.alone = options.workers == 1
        self.calls = Calls(self.runtime, Recorder(self.ledger, entropy, options.mode))
        self.function_logs = FunctionLogs(self.calls.make)
        self.gateway = self._gateway()
        self.metadata = metadata_service(self.runtime, self.calls, self.storage, options)
        self._make_agents()

    def _take_ports(self, undone: ExitStack) -> None:
        options = self.options
        self._door = GatewayDoor(options, undone)
        self.agents = AgentDoor.where_asked(options.agents, undone)
        self.console = ConsoleDoor.where_asked(options.console_port, options.console, undone)

    def _open_storage(self, undone: ExitStack, wall: Clock, entropy: Entropy) -> None:
        options = self.options
        self.storage = storage = open_storage(options, entropy)
        undone.callback(storage.close)
        if options.workers > 1:
            self._alone = be_alone(storage.directory.path)
            undone.callback(os.close, self._alone)
        self.directory, self.journal, self.keyring = storage.directory, storage.journal, storage.keyring
        if storage.leases is not None and self._has_embedded:
            new = options.new_backend
            claim_backend(storage.leases, storage.files, storage.node, storage.own, new=new)
        if storage.node:
            share_authority(storage.files, self.directory, self.keyring, entropy, wall())
        self._door.prepare(self.directory, wall())

    async def open(self) -> int:
        """Make sure of the root account and its key, then serve; the port. Raises ConfigurationError."""
        runtime = self.runtime
        self.ledger.follow()
        root = await ensure_root(self.ledger, self.keyring, runtime.clock, runtime.entropy, self.options.account)
        self.account = root.account
        self.directory.write(CREDENTIALS_FILE, root_key_text(root.key))
        port = self._door.port
        self.runtime.settings = reached_at(self.runtime.settings, port, self.tls_port or 0)
        if self.membership is not None:
            await self.membership.join()
        await mark_lost_networks(runtime, self._kept_subnets())
        await self._door.open(self.listeners, self.gateway)
        if self.agents is not None:
            apps = self.metadata.app, self.gateway
            await self.agents.open(self.runtime, self.listeners, self.directory, runtime.clock.wall, apps)
        if self.console is not None:
            self.console.prepare(runtime, lambda: self.account, self.options.data)
            await self.listeners.open(self.console.socket, self.console)
        for agent in (self.managed, self.audits):
            agent.start()
            runtime.clock.on_move(agent.wake)
        if self.membership is None:
            self.duties.start()
            runtime.clock.on_move(self.duties.wake)
        else:
            self.membership.start()
        await self.lake.start()
        self.resumption.start()
        return port

    @property
    def tls_port(self) -> int | None:
        """The port of the TLS listener; None where there is none."""
        return self._door.tls_port

    def started(self) -> None:
        """Be ready: there is nothing more to wait for."""
        self.gateway.readiness.started()
        if self.others is not None:
            self.others.started()

    async def drain(self) -> None:
        """Be ready no more, and go on answering for as long as the options say; not once it is hurried."""
        if self.others is not None:
            self.others.drain()
        self.gateway.readiness.drain()
        self.listeners.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.options.drain):
                await self.listeners.hurried.wait()

    def hurry(self) -> None:
        """Have nobody waited for any more: the process is to end at once."""
        if self.others is not None:
            self.others.hurry()
        self.listeners.hurried.set()
        self.calls.hurry()

    async def close(self) -> None:
        """Finish what is under way, write what is waiting, let go of everything."""
        self.runtime.injections.clear()
        self.calls.hurry()
        self.api.hurry()
        await self.listeners.close_all()
        if self.access_log is not None:
            self.access_log.close()
        if self.tracing is not None:
            await asyncio.to_thread(self.tracing.close)
        self._door.close()
        await self.resumption.close()
        await self.managed.close()
        if self.agents is not None:
            self.agents.close()
        if self.console is not None:
            self.console.close()
        await self.audits.close()
        await (self.duties if self.membership is None else self.membership).close()
        await self.calls.outbox.end()
        if self.membership is not None:
            await self.membership.leave()
        await self.function_logs.close()
        await self.runtime.backends.close()
        await self.ledger.close()
        self.storage.close()
        if self.used is not None:
            os.close(self._alone)
            self.used.close()

    def _gateway(self) -> Gateway:
        self.access_log = access_log(self.options.access_log, self.options.log_format)
        pipeline = pipeline_of(self.runtime, self.calls, self.options, self.access_log, self.tracing)
        return Gateway(self.runtime, pipeline, metrics=[self._metrics])

    def _metrics(self) -> Iterator[Family]:
        on_duty = self.membership is None or self.membership.on_duty
        return node_families(self.ledger, self.directory.path, self.metadata, self.duties.under_way, on_duty)

    def _make_agents(self) -> None:
        self.functions: FunctionHost | None = None  # until the first is invoked
        self.membership: Membership | None = None
        if self.storage.leases is not None:
            own = self.runtime.entropy, partial(os.kill, os.getpid(), signal.SIGTERM)
            who, allow = (self.storage.leases, self.storage.node, self.storage.own), self.ledger.allow
            told = self._on_duty, self._off_duty
            self.membership = Membership(*who, *told, *own, embedded=self._has_embedded, allowed=allow)
        self.duties = self._new_duties()
        directory = self.directory
        audits = directory.path / AUDITS_FILE
        self.audits = Audits(
            self.runtime,
            self.calls.make,
            lambda: audits.read_bytes() if audits.exists() else b"",
            partial(directory.write, AUDITS_FILE),
        )
        under_way = () if self.kept is None else self.kept.under_way()
        self.resumption = Resumption([self.runtime.backends.of(it, RESUMED[it]) for it in under_way])
        self.managed = ManagedInstances(self.runtime, self.calls, self.metadata.caller)

    def _new_duties(self) -> Duties:
        present = None if self.options.workers == 1 else self._workers_of
        if self.membership is not None:
            present = self.membership.present
        archive = archive_of(self.options, self.runtime, self.journal)
        return Duties(self.runtime, self.calls, self.lake.store, present, archive)

    async def _workers_of(self, nodes: Collection[str]) -> Collection[str]:
        return self.workers & set(nodes)

    async def _on_duty(self) -> None:
        self.duties = self._new_duties()
        self.duties.start()

    async def _off_duty(self) -> None:
        await self.duties.close()

    @property
    def _has_embedded(self) -> bool:
        """Whether the embedded backend is this process's own."""
        return "*" not in self.options.backends and installed("moto")

    def _use(self, service: str) -> None:
        """Before each call of the embedded backend: refuse it where that may be another node's by now."""
        if self.membership is not None and not self.membership.has_backend:
            raise Fault(*UNAVAILABLE)
        if self.used is not None:
            self.used.mark(service)

    def _lab_progress(self, account: str) -> Any:
        late = import_module("locum.cli.labs")  # with what labs take of botocore
        return late.progress_of(self.options.data, self.account, account)

    def _keep_ahead(self, ahead: float) -> None:
        if self.storage.node or self.options.workers > 1:
            raise ConfigurationError("the clock of a plane of several processes is theirs: it cannot be moved")
        self.directory.write(CLOCK_FILE, ahead_text(ahead))

    async def save(self, name: str) -> list[str]:
        """Save the state of the plane under a name; the services of which the backend holds something.

        Raises ConfigurationError.
        """
        if self.options.journal:
            raise ConfigurationError("the journal is in a database, and is backed up there: see docs/operations.md")
        wall, backend = self.runtime.clock.wall, self.runtime.backends.default
        return await save_running(self.directory.path, name, wall, self.kept, backend)

    def _opened_ledger(self, clock: Clock) -> Ledger:
        """The ledger of the journal, with the files of the backend's data known beside it."""
        if self.kept is not None:
            self.kept.open()
        if self.kept is not None and self.used is not None:
            for service in filter(self.kept.has, index().services):
                self.used.mark(service)
        return Ledger.open(self.journal, clock)

    def _kept_subnets(self) -> frozenset[str]:
        """The subnets that the embedded backend has from before."""
        kept = None if self.kept is None else self.kept.headers.get("ec2")
        return frozenset() if kept is None else frozenset(kept.names)

    @cached_property
    def _cluster_key(self) -> ClusterKey:
        return open_cluster_key(self.storage.files.create, self.keyring, self.runtime.entropy)

    @cached_property
    def endpoints(self) -> ContainerEndpoints:
        """The credential endpoints of tasks and pods."""

        async def assumed(carrier: Carrier) -> Mapping[str, Any]:
            return (await self.calls.assume(carrier.actor)).credentials

        def claims(token: str) -> Mapping[str, Any]:
            return self._cluster_key.claims(token)  # which is made when it is first needed

        return ContainerEndpoints(assumed, claims, self.runtime.clock)

    @cached_property
    def aws_hosts(self) -> AwsHosts:
        """The gateway at AWS's host names."""
        return aws_hosts(self.directory, self.listeners, self.gateway, self.runtime.clock.wall)

    @cached_property
    def carriers(self) -> CarrierHost:
        """The host of tasks, pods and functions of `locum run --as`."""
        apps, data = (self.endpoints.app, self.gateway), self.options.data
        places = data, data / FOLDER
        return CarrierHost(self.runtime, self.calls, self.listeners, apps, lambda: self._cluster_key, places)

    def _kept_files(self, entropy: Entropy) -> KeptFiles:
        """The files of the embedded backend's data, sealed with the key ring, which is there once it is needed."""
        return kept_files(self.options.data, lambda: self.keyring, entropy)

    def _backends(self, clock: Clock, entropy: Entropy) -> Backends:
        options = self.options
        self.tracing = tracing(options.traces)  # which may fail, as backends may

        def view() -> State:
            return self.ledger.state

        hosted: dict[tuple[str, str], Backend] = {}
        if not options.backends.keys() & {"ec2", "*"}:  # which have the output of their instances
            hosted["ec2", "GetConsoleOutput"] = ConsoleOutput(options.data, view)
        self.lake = LakeHost(options.data, lambda: self.runtime, lambda: self.journal)
        hosted |= dict.fromkeys(LAKE, self.lake)
        self.api = ApiHost(lambda: self.runtime, lambda: self.calls.make, self._lab_progress)
        hosted |= dict.fromkeys(API, self.api)
        invoking = self._schedule_host, self._rotation_host, self._deployment_host
        hosts = Hosts(self._function_host, self._mapping_host, *invoking)
        kept = None if self.kept is None else Keeping(self.kept, clock, entropy)
        remote = RemoteEnds(lambda: key_of(self.keyring), entropy, lambda: self.ledger.state.sequence)
        return make_backends(
            options.backends, options.backend_keys, clock, view, remote, hosts, hosted, kept, self._use
        )

    def _function_host(self) -> Backend:
        runtime = self.runtime
        calls, endpoint = self.calls, lambda: runtime.settings.endpoint
        own = self.function_logs, runtime.clock, endpoint, self.options.data, self.gateway
        reached = (lambda: self.options.function_ports), self._tls_of_functions
        self.functions = function_host(calls.assume, *own, *reached, calls.wake_ups.listening)
        return self.functions

    def _tls_of_functions(self) -> Tls | None:
        """The gateway over TLS, where its certificate is the installation's own."""
        from locum.compute.functions.surroundings import Tls

        port, tls = self.tls_port, self.options.tls
        return None if not port or tls is None or tls.certificate else Tls(port, self.aws_hosts.authority())

    def _mapping_host(self) -> Backend:
        return mapping_host(self.calls, self.runtime.clock.wall, self.runtime.entropy)

    def _schedule_host(self, moto: Backend) -> Backend:
        return schedule_host(self.runtime, self.calls, moto)

    def _rotation_host(self, moto: Backend) -> Backend:
        return rotation_host(self.calls, self.runtime.clock, self.runtime.entropy, moto)

    def _deployment_host(self, moto: Backend) -> Backend:
        return deployment_host(self.calls, self.runtime.clock, self.runtime.entropy, moto)
