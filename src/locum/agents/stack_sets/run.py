"""What is under way for one operation of a stack set: its instances are worked on as far as its preferences allow.

What is begun next is committed before it begins (`services.cloudformation.stack_sets.progress`), and what became of an
instance with its result: an operation that a restart interrupts goes on with those that had begun.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from locum.agents.stack_sets.placing import Outcome as Placed
from locum.agents.stack_sets.placing import Placing
from locum.agents.stacks.waits import Bell
from locum.calls import Calls, Runtime
from locum.core.errors import INTERNAL, Fault, LocumError
from locum.services.cloudformation.stack_sets.lookup import UNDER_WAY, instance_of, results_of, set_of
from locum.services.cloudformation.stack_sets.progress import next_of
from locum.services.verbs import Outcome
from locum.state import Event, StackSetOperation, StackSetResult, State, put, remove

_DETAILED: Final = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED", "CANCELLED": "CANCELLED"}
_log: Final = logging.getLogger("locum.agents")


class OperationRun:
    """Does what is under way for an operation."""

    def __init__(self, runtime: Runtime, calls: Calls, operation: StackSetOperation) -> None:
        self._runtime = runtime
        self._account, self._key = operation.account, operation.key
        self._bell = Bell()
        self._placing = Placing(runtime, calls, self._bell, operation)
        self._working: dict[asyncio.Task[None], str] = {}

    async def run(self) -> None:
        """Go on until it has ended. Raises LocumError where it has to wait, for storage say."""
        try:
            while (operation := self._now(self._state)) is not None and operation.status in UNDER_WAY:
                bell = asyncio.ensure_future(self._bell.next().wait())
                try:
                    await self._commit(self._advance)
                    self._begin(operation)
                    if self._working:
                        await asyncio.wait({bell, *self._working}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    bell.cancel()
                self._reap()
        finally:
            for task in self._working:
                task.cancel()
            await asyncio.gather(*self._working, return_exceptions=True)

    def changed(self) -> None:
        """Look again at what is waited for: a stack has changed, or the operation is to be stopped."""
        self._bell.ring()

    def _begin(self, operation: StackSetOperation) -> None:
        """Work on all instances that have begun and are not worked on."""
        known = set(self._working.values())
        for result in results_of(self._state, operation):
            if result.status == "RUNNING" and result.key not in known:
                self._working[asyncio.ensure_future(self._work(result))] = result.key

    def _reap(self) -> None:
        """Forget those who are done. Raises LocumError where one has to wait."""
        done = [task for task in self._working if task.done()]
        for task in done:
            del self._working[task]
        for task in done:
            task.result()

    async def _work(self, result: StackSetResult) -> None:
        try:
            placed = await self._placing.outcome(result)
        except LocumError:
            raise
        except Exception:  # a fault barrier: an instance that breaks fails, and no other
            _log.exception("an instance of a stack set failed")
            placed = Placed("FAILED", reason=Fault(*INTERNAL).message)
        await self._commit(lambda state: self._ended(state, result, placed))

    # -- commits -----------------------------------------------------------------------------------------

    def _advance(self, state: State) -> tuple[Event, ...]:
        """The events with which the operation goes on, or ends."""
        operation = self._now(state)
        if operation is None or operation.status not in UNDER_WAY:
            return ()
        coming = next_of(operation, results_of(state, operation))
        events: list[Event] = []
        for result in coming.begin:
            events += _changed(state, replace(result, status="RUNNING"), detailed="RUNNING")
        for result in coming.cancel:
            cancelled = replace(result, status="CANCELLED", reason=coming.reason)
            events += _changed(state, cancelled, detailed="CANCELLED", reason=coming.reason)
        if coming.ended:
            events.append(put(replace(operation, status=coming.ended, ended=self._runtime.clock())))
        return tuple(events)

    def _ended(self, state: State, result: StackSetResult, placed: Placed) -> tuple[Event, ...]:
        """The events that tell what became of an instance."""
        done = replace(result, status=placed.result, reason=placed.reason if placed.result != "SUCCEEDED" else "")
        operation = self._now(state)
        of = None if operation is None else set_of(state, operation)
        it = None if of is None else instance_of(state, of, result.target, result.place)
        if placed.gone:
            return (put(done), *([remove(it)] if it is not None else []))
        return _changed(
            state,
            done,
            status=placed.status,
            detailed=placed.detailed or _DETAILED[placed.result],
            reason=done.reason,
            stack=placed.stack,
        )

    @property
    def _state(self) -> State:
        return self._runtime.ledger.state

    def _now(self, state: State) -> StackSetOperation | None:
        return state.get(StackSetOperation, self._account, self._key)

    async def _commit(self, events: Callable[[State], tuple[Event, ...]]) -> None:
        await self._runtime.ledger.transact(lambda state: Outcome({}, events(state)), lambda _outcome: ())


def _changed(state: State, result: StackSetResult, **values: str) -> tuple[Event, ...]:
    """The events that change a result, and its instance."""
    of = set_of(state, result)
    it = None if of is None else instance_of(state, of, result.target, result.place)
    return (put(result), *([put(replace(it, **values))] if it is not None else []))
