"""Interruptions and scheduled events that EC2 has announced to instances, carried out when their time has come.

They are in the state (`Instance.notices`), so that a restart in between changes nothing: what came due meanwhile
is done at the start. It is done as EC2's own doing, by a call that is recorded as any other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, Final

from msgspec.structs import replace

from locum.agents.reconciling import RETRY, Reconciler
from locum.calls import Calls, Runtime
from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from locum.core.errors import Fault, LocumError
from locum.services.verbs import Outcome
from locum.state import Event, Instance, Put, State, put

_log: Final = logging.getLogger("locum.agents")


class AnnouncedEnds(Reconciler):
    """Does what is announced: at the start, whenever an instance changes to which something is, and when it is due."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        super().__init__(runtime.ledger, runtime.clock, "what is announced to instances")
        self._runtime = runtime
        self._calls = calls
        self._announced: dict[str, str] = {}

    def start(self) -> None:
        """Begin; what came due before a restart is done at once."""
        self.concerns(None)
        super().start()

    def concerns(self, events: Sequence[Event] | None) -> bool:
        announced = [it for it in self._changed_instances(events) if it.notices.interruption or it.notices.maintenance]
        self._announced |= {it.id: it.account for it in announced}
        return bool(announced)

    def _changed_instances(self, events: Sequence[Event] | None) -> Iterable[Instance]:
        if events is None:
            return self._runtime.ledger.state.every(Instance)
        return [it.entity for it in events if isinstance(it, Put) and isinstance(it.entity, Instance)]

    async def reconcile(self) -> float | None:
        """Do all that is due; when the next thing is (epoch seconds), None where nothing is announced."""
        later: list[float] = []
        for name, account in list(self._announced.items()):
            at = await self._attend(account, name)
            if at is None:
                self._announced.pop(name, None)
            else:
                later.append(at)
        return min(later, default=None)

    async def _attend(self, account: str, name: str) -> float | None:
        """Do what is due to one instance; when the next thing is, None where nothing is announced to it any more."""
        next_due: Callable[[Instance], Any] = import_module("locum.services.ec2.announced").next_due  # late, as EC2 is
        while (it := self._runtime.ledger.state.get(Instance, account, name)) is not None:
            due = next_due(it)
            if due is None or due.at > self._runtime.clock():
                return None if due is None else float(due.at)
            try:
                await self._do(it, due.operation, due.event)
            except LocumError as error:
                _log.warning("%s of %s goes on later: %s", due.operation or "an event", it.id, error)
                return self._runtime.clock() + RETRY
        return None

    async def _do(self, it: Instance, operation: str, event: str) -> None:
        if operation:
            ec2 = service_principal("ec2.amazonaws.com", it.account, it.arn)
            try:
                await self._calls.make(ServiceCall(ec2, "ec2", operation, {"InstanceIds": [it.id]}, it.region))
            except Fault as fault:
                if not event or fault.code != "IncorrectInstanceState":  # a stopped instance is not rebooted
                    raise
        if event:
            await self._complete(it, event)

    async def _complete(self, it: Instance, event: str) -> None:
        completed = import_module("locum.services.ec2.announced").completed

        def handler(state: State) -> Outcome:
            found = state.get(Instance, it.account, it.id)
            return Outcome({}, () if found is None else (put(replace(found, notices=completed(found.notices, event))),))

        await self._runtime.ledger.transact(handler, lambda _outcome: ())
