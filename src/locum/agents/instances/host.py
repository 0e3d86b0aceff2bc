"""Instances and their launchers: serve on the sockets that they bring, terminate what nobody runs any more.

1. An instance of `locum run` is ephemeral: it lives as long as its launcher. The state says so (`Instance.ephemeral`)
   before the launcher is told that it is attached.
2. Where the launcher goes while the plane runs, the instance is terminated at once.
3. Where the plane goes, no instance ends: its launcher attaches to the next plane.
4. A plane that starts waits for the launchers of ephemeral instances, `grace` seconds by the wall clock. What is
   without one then is terminated.

However many ways lead to it, an instance is terminated once, and that is recorded once, as EC2's own doing. One that is
protected against termination stays as it is, until a start finds it unprotected.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec.structs import replace

from locum.agents.aws_hosts import AwsHosts
from locum.agents.instances.managed_instances import ManagedInstances
from locum.agents.waiting import cancelled
from locum.calls import Calls, Runtime
from locum.compute.handover import Entrance
from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.instances import RECORD
from locum.http.listener import Listeners
from locum.services.verbs import Outcome
from locum.state import Instance, State, put

GRACE: Final = 5.0
"""Seconds. A launcher looks for a plane ten times a second."""

_RUNS: Final = ("pending", "running")
_ENDED: Final = ("shutting-down", "terminated")
_log: Final = logging.getLogger("locum.agents")


class InstanceHost:
    """`compute.attachments.Host` over a plane. `open` it before launchers can connect.

    `metadata` gives the application of an instance's metadata service, by account and instance id; `gateway` is that of
    the API. `grace`: see rule 4. `driver` is what makes instances real (`locum up --driver`); `ready`, where it is set,
    waits for it to have done so. `agents` are told who comes and goes; `hosts` serve AWS's host names.
    """

    def __init__(
        self,
        runtime: Runtime,
        calls: Calls,
        listeners: Listeners,
        gateway: Any,
        metadata: Callable[[str, str, bool], Any],
        grace: float = GRACE,
        driver: str = RECORD,
        agents: ManagedInstances | None = None,
        hosts: AwsHosts | None = None,
    ) -> None:
        self._runtime = runtime
        self._calls = calls
        self._listeners = listeners
        self._gateway = gateway
        self._metadata = metadata
        self._grace = grace
        self._driver = driver
        self._agents = agents
        self._hosts = hosts
        self.ready: Callable[[str], Awaitable[None]] | None = None
        self._until = 0.0
        self._awaited: dict[str, tuple[Instance, asyncio.Event]] = {}
        self._ending: set[str] = set()
        self._terminating = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    # -- what launchers ask for (compute.attachments.Host) ------------------------------------------------

    async def serve_metadata(self, sock: socket.socket, account: str, instance: str) -> None:
        await self._listeners.open(sock, self._metadata(account, instance, sock.family == socket.AF_INET6))

    async def serve_gateway(self, sock: socket.socket) -> None:
        await self._listeners.open(sock, self._gateway)

    async def serve_aws_hosts(self, sock: socket.socket) -> None:
        if self._hosts is not None:
            await self._hosts.serve(sock)

    async def stop(self, sock: socket.socket) -> None:
        await self._listeners.close(sock)

    def refusal(self, account: str, instance: str, boot: int = -1, driver: str = "") -> str | None:
        if driver not in ("", self._driver):
            return f"this plane has the driver {self._driver}"
        return self._refusal(self._runtime.ledger.state, account, instance, boot)

    def boot_of(self, account: str, instance: str) -> int:
        found = self._runtime.ledger.state.get(Instance, account, instance)
        return 0 if found is None else found.boots

    async def hold(self, account: str, instance: str) -> None:
        if self.refusal(account, instance) is None:
            self._await_no_more(instance)

        def handler(state: State) -> Outcome:
            if refusal := self._refusal(state, account, instance):
                raise Fault("IncorrectInstanceState", refusal)
            found = state.get(Instance, account, instance)
            if found is None or found.ephemeral:
                return Outcome({})
            return Outcome({}, (put(replace(found, ephemeral=True)),))

        await self._runtime.ledger.transact(handler, lambda _outcome: ())

    async def ended(self, account: str, instance: str) -> None:
        if found := self._runtime.ledger.state.get(Instance, account, instance):
            await self._terminate(found)

    async def shut_down(self, account: str, instance: str) -> None:
        found = self._runtime.ledger.state.get(Instance, account, instance)
        if found is None or found.state not in _RUNS:
            return
        terminates = found.attributes.get("InstanceInitiatedShutdownBehavior") == "terminate" and not found.protected
        await self._call(found, "TerminateInstances" if terminates else "StopInstances")

    def attached(self, account: str, instance: str, entrance: Entrance) -> None:
        if self._agents is not None:
            self._agents.attached(account, instance, entrance)

    def detached(self, account: str, instance: str, entrance: Entrance) -> None:
        if self._agents is not None:
            self._agents.detached(account, instance, entrance)

    async def returned(self, instance: str) -> None:
        if expected := self._awaited.get(instance):
            await expected[1].wait()
        if self.ready is not None:
            await self.ready(instance)

    # -- after a start ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Expect the launchers of all ephemeral instances, from now on and for the grace period."""
        self._until = self._runtime.clock.wall() + self._grace
        here = (it for it in self._runtime.ledger.state.every(Instance) if it.is_on(self._runtime.node))
        left = (it for it in here if it.ephemeral and it.state not in _ENDED)
        self._awaited = {it.id: (it, asyncio.Event()) for it in left}
        self._task = asyncio.get_running_loop().create_task(self._reconcile_when_due())

    async def close(self) -> None:
        """Expect nobody any more."""
        if self._task is not None:
            await cancelled(self._task)

    async def reconcile(self) -> float:
        """Terminate what is without its launcher, where the grace period is over; the seconds until then, or 0."""
        left = self._until - self._runtime.clock.wall()
        if self._awaited and left > 0:
            return left
        while self._awaited:
            instance, _ = next(iter(self._awaited.values()))
            try:
                await self._terminate(instance)
            except Fault as fault:
                _log.warning("%s was not terminated: %s", instance.id, fault)
            self._await_no_more(instance.id)
        return 0.0

    async def _reconcile_when_due(self) -> None:
        while (left := await self.reconcile()) > 0:  # noqa: ASYNC110 - a clock wakes nobody
            await asyncio.sleep(left)

    def _await_no_more(self, instance: str) -> None:
        if expected := self._awaited.pop(instance, None):
            expected[1].set()

    def _refusal(self, state: State, account: str, instance: str, boot: int = -1) -> str | None:
        found = state.get(Instance, account, instance)
        if found is None:
            return f"there is no instance {instance} in account {account}"
        is_now = "shutting-down" if instance in self._ending else found.state
        if is_now not in _RUNS:
            return f"instance {instance} is {is_now}, not running: start it with `aws ec2 start-instances`"
        if not found.is_on(self._runtime.node):
            return f"instance {instance} runs on another node, {found.node or 'of none'}: ask the plane there"
        if boot not in (-1, found.boots):
            return f"instance {instance} was started again"
        return None

    async def _terminate(self, instance: Instance) -> None:
        """Terminate `instance`, as EC2's own doing; nothing where that was done. No launcher is let in from now on.

        Raises Fault where it is protected against termination, or the storage has failed.
        """
        self._ending.add(instance.id)
        try:
            async with self._terminating:  # who comes second finds it done
                found = self._runtime.ledger.state.get(Instance, instance.account, instance.id)
                if found is not None and found.state not in _ENDED:
                    await self._call(found, "TerminateInstances")
        finally:
            self._ending.discard(instance.id)

    async def _call(self, instance: Instance, operation: str) -> None:
        """Have EC2 itself call `operation` for `instance`. Raises Fault."""
        ec2 = service_principal("ec2.amazonaws.com", instance.account, instance.arn)
        await self._calls.make(ServiceCall(ec2, "ec2", operation, {"InstanceIds": [instance.id]}, instance.region))
