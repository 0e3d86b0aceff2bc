"""What is under way for one operation of a stack set: its instances are worked on as far as its preferences allow.

What is begun next is committed before it begins (`services.cloudformation.stack_sets.progress`), and what became of an
instance with its result: an operation that a restart interrupts goes on with those that had begun.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.agents.stack_sets.placing import Outcome as Placed
from locum.agents.stack_sets.placing import Placing
from locum.agents.stack_sets.roles import Entries
from locum.agents.stacks.waits import Bell
from locum.agents.waiting import cancelled
from locum.calls import Calls, Runtime
from locum.core.errors import INTERNAL, Fault, LocumError
from locum.services.cloudformation.stack_sets.lookup import instance_of, results_of, set_of
from locum.services.cloudformation.stack_sets.operations import DETECTS
from locum.services.cloudformation.stack_sets.progress import next_of
from locum.services.verbs import Outcome
from locum.state import Event, StackInstance, StackSetOperation, StackSetResult, State, put, remove

_log: Final = logging.getLogger("locum.agents")


class OperationRun:
    """Does what is under way for an operation. Nobody else changes its results, which are kept at hand.

    `locks` are those of `Entries`, the same for all operations.
    """

    def __init__(
        self, runtime: Runtime, calls: Calls, operation: StackSetOperation, locks: Mapping[str, asyncio.Lock]
    ) -> None:
        self._runtime = runtime
        self._account, self._key = operation.account, operation.key
        self._detects = operation.action == DETECTS
        self._bell = Bell()
        self._placing = Placing(runtime, calls, self._bell, operation, Entries(runtime, calls, locks))
        self._results: dict[str, StackSetResult] = {}
        self._working: dict[asyncio.Task[None], str] = {}

    async def run(self) -> None:
        """Go on until it has ended. Raises LocumError where it has to wait, for storage say."""
        try:
            while (operation := self._now(self._state)) is not None and operation.under_way:
                if not self._results:
                    self._results = {it.key: it for it in results_of(self._state, operation)}
                    self._begin(it for it in self._results.values() if it.status == "RUNNING")
                await self._step()
        finally:
            self._results = {}
            await cancelled(*self._working)
            self._working = {}

    def changed(self) -> None:
        """Look again at what is waited for: a stack has changed, or the operation is to be stopped."""
        self._bell.ring()

    async def _step(self) -> None:
        """Begin what can begin, and wait until something is done or has changed. Raises LocumError."""
        bell = asyncio.ensure_future(self._bell.next().wait())
        try:
            changes = await self._advance()
            self._begin(it for it in changes if it.status == "RUNNING")
            if self._working:
                await asyncio.wait({bell, *self._working}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            bell.cancel()
        for task in [task for task in self._working if task.done()]:
            del self._working[task]
            task.result()

    def _begin(self, results: Iterable[StackSetResult]) -> None:
        """Work on instances that have begun."""
        for result in results:
            self._working[asyncio.ensure_future(self._work(result))] = result.key

    async def _work(self, result: StackSetResult) -> None:
        try:
            placed = await self._placing.outcome(result)
        except LocumError:
            raise
        except Exception:  # a fault barrier: an instance that breaks fails, and no other
            _log.exception("an instance of a stack set failed")
            placed = Placed("FAILED", reason=Fault(*INTERNAL).message)
        reason = placed.reason if placed.result != "SUCCEEDED" else ""
        told = {"gate": placed.gate.status, "gate_reason": placed.gate.reason}
        if self._detects:
            stack = placed.stack.rpartition("/")[2]
            told |= {"stack": stack, "detection": placed.detection, "drift": placed.drift}
        done = replace(result, status=placed.result, reason=reason, **told)
        await self._commit(lambda state: self._ended(state, done, placed))
        self._results[done.key] = done

    # -- commits -----------------------------------------------------------------------------------------

    async def _advance(self) -> list[StackSetResult]:
        """Commit what begins and what is cancelled now, or the end; the results that changed."""
        results = list(self._results.values())
        changes: list[StackSetResult] = []

        def events(state: State) -> tuple[Event, ...]:
            operation = self._now(state)
            changes.clear()
            if operation is None or not operation.under_way:
                return ()
            coming = next_of(operation, results)
            changes.extend(replace(it, status="RUNNING") for it in coming.begin)
            changes.extend(replace(it, status="CANCELLED", reason=coming.reason) for it in coming.cancel)
            found = [event for it in changes for event in self._told(state, it)]
            if coming.ended:
                found.append(put(replace(operation, status=coming.ended, ended=self._runtime.clock())))
            return tuple(found)

        await self._commit(events)
        self._results |= {it.key: it for it in changes}
        return changes

    def _ended(self, state: State, done: StackSetResult, placed: Placed) -> tuple[Event, ...]:
        """The events that tell what became of an instance."""
        if self._detects:
            known = {"drift": placed.drift, "drift_at": self._runtime.clock()} if placed.drift else {}
            return _changed(state, done, **known)
        if placed.gone:
            it = _instance(state, done)
            return (put(done), *([remove(it)] if it is not None else []))
        values: dict[str, Any] = {"overrides": placed.overrides} if placed.overrides else {}
        values |= {"status": placed.status, "detailed": placed.detailed or placed.result}
        return _changed(state, done, reason=done.reason, stack=placed.stack, **values)

    def _told(self, state: State, it: StackSetResult) -> tuple[Event, ...]:
        """The events in which a result has another status, and its instance, unless nothing is done to it."""
        return _changed(state, it, **({} if self._detects else {"detailed": it.status, "reason": it.reason}))

    @property
    def _state(self) -> State:
        return self._runtime.ledger.state

    def _now(self, state: State) -> StackSetOperation | None:
        return state.get(StackSetOperation, self._account, self._key)

    async def _commit(self, events: Callable[[State], tuple[Event, ...]]) -> None:
        await self._runtime.ledger.transact(lambda state: Outcome({}, events(state)), lambda _outcome: ())


def _changed(state: State, result: StackSetResult, **values: Any) -> tuple[Event, ...]:
    """The events that change a result, and its instance."""
    it = _instance(state, result)
    return (put(result), *([put(replace(it, **values))] if it is not None else []))


def _instance(state: State, result: StackSetResult) -> StackInstance | None:
    of = set_of(state, result)
    return None if of is None else instance_of(state, of, result.target, result.place)
