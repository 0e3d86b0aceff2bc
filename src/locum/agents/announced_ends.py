"""What EC2 has announced to instances is done when its time has come: interruptions, scheduled events.

It is in the state (`Instance.notices`), so that a restart in between changes nothing: what came due meanwhile is done
at the start. It is done as EC2's own doing, by a call that is recorded as any other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

from msgspec.structs import replace

from locum.calls import Calls, Runtime
from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from locum.core.errors import Fault, LocumError, PassingStorageError
from locum.services.verbs import Outcome
from locum.state import Event, Instance, Put, State, put
from locum.store import Reloaded

RETRY: Final = 5.0
"""Seconds after which it is tried again where it could not be done."""

_log: Final = logging.getLogger("locum.agents")


class AnnouncedEnds:
    """Does what is announced: at the start, whenever an instance changes to which something is, and when it is due."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        self._runtime = runtime
        self._calls = calls
        self._changed = asyncio.Event()
        self._announced: dict[str, str] = {}
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def start(self) -> None:
        """Begin; what came due before a restart is done at once."""
        self._look_at_all()
        loop = asyncio.get_running_loop()
        self._tasks = (loop.create_task(self._watch()), loop.create_task(self._run()))

    def wake(self) -> None:
        """Look again: the clock was moved."""
        self._changed.set()

    async def close(self) -> None:
        """End. What is not done is done after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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

    async def _run(self) -> None:
        clock = self._runtime.clock
        while True:
            self._changed.clear()
            due = await self.reconcile()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(0.0, due - clock())):
                    await self._changed.wait()  # not `wait_for`, which forgets that it was canceled where both happen

    async def _watch(self) -> None:
        while True:
            try:
                with self._runtime.ledger.subscribe() as changes:
                    async for change in changes:
                        if isinstance(change, Reloaded):
                            self._look_at_all()
                        else:
                            self._look_at(change.events)
                return
            except PassingStorageError:  # the state has what was not read: it is looked at, and followed from there
                self._look_at_all()

    def _look_at_all(self) -> None:
        for it in self._runtime.ledger.state.every(Instance):
            self._note(it)

    def _look_at(self, events: list[Event] | tuple[Event, ...]) -> None:
        for event in events:
            if isinstance(event, Put) and isinstance(event.entity, Instance):
                self._note(event.entity)

    def _note(self, it: Instance) -> None:
        if it.notices.interruption or it.notices.maintenance:
            self._announced[it.id] = it.account
            self._changed.set()
