"""Nodes that do not come back: the instances that lived with a launcher on their hosts are terminated.

A launcher outlives its node and attaches to the next one on its host, which has the same name. What is here is for the
case that there is none for GRACE seconds. Instances that a driver makes real stay as they are: they are stopped and
started, as on EC2, and run on another host then.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from locum.agents.deliveries import Present
from locum.agents.reconciling import Reconciler
from locum.calls import Calls, Runtime
from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from locum.core.clock import Clock, system_uptime
from locum.core.errors import Fault
from locum.state import Event, Instance

GRACE: Final = 600.0
"""Seconds for which a node may be away."""

PERIOD: Final = 30.0
"""Seconds after which it is asked again which nodes are there."""

_RUNS: Final = ("pending", "running")
_log: Final = logging.getLogger("locum.agents")


class LostNodes(Reconciler):
    """Terminates the ephemeral instances of nodes that are away for too long. `present` tells which are there."""

    def __init__(self, runtime: Runtime, calls: Calls, present: Present, uptime: Clock = system_uptime) -> None:
        super().__init__(runtime.ledger, runtime.clock, "the instances of lost nodes")
        self._runtime = runtime
        self._calls = calls
        self._present = present
        self._uptime = uptime
        self._away: dict[str, float] = {}

    def concerns(self, events: Sequence[Event] | None) -> bool:
        return False  # it asks every so often

    async def reconcile(self) -> float | None:
        """Terminate what is to be; when to ask again (epoch seconds)."""
        now = self._uptime()
        instances = [it for it in self._runtime.ledger.state.every(Instance) if it.ephemeral and it.state in _RUNS]
        nodes = {it.node for it in instances if it.node != self._runtime.node}
        gone = nodes - set(await self._present(nodes - {""}))
        self._away = {node: self._away.get(node, now) for node in gone}
        for it in instances:
            if now - self._away.get(it.node, now) >= GRACE:
                await self._terminate(it)
        return self._clock() + PERIOD

    async def _terminate(self, it: Instance) -> None:
        ec2 = service_principal("ec2.amazonaws.com", it.account, it.arn)
        try:
            await self._calls.make(ServiceCall(ec2, "ec2", "TerminateInstances", {"InstanceIds": [it.id]}, it.region))
        except Fault as fault:
            _log.warning("%s of a lost node was not terminated: %s", it.id, fault)
