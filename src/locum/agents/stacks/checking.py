"""One drift detection: the resources of a stack are read with the permissions of who asked, or as the stack's role.

What a check tells is committed at once: a detection that a restart interrupts goes on with the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from locum.agents.stacks.work import carried_out
from locum.calls import Calls, Runtime
from locum.core.errors import INTERNAL, Fault, LocumError
from locum.services.cloudformation.drift import (
    detected,
    failed,
    is_readable,
    reading,
    resources_there,
    secrets_of,
    told,
)
from locum.services.cloudformation.following import actor_of
from locum.services.cloudformation.lookup import stack_of
from locum.services.cloudformation.sealing import Seals
from locum.services.verbs import Outcome
from locum.state import Event, ResourceDrift, Stack, StackDrift, StackResource, State, put, remove

_log: Final = logging.getLogger("locum.agents")


class Checker:
    """Checks the resources of one stack for the detection `it`."""

    def __init__(self, runtime: Runtime, calls: Calls, it: StackDrift) -> None:
        self._runtime = runtime
        self._calls = calls
        self._it = it
        self._seals = Seals(runtime.keyring, runtime.entropy)
        self._secrets: frozenset[str] | None = None

    async def run(self) -> None:
        """Check what is not checked yet, and end the detection. Raises LocumError where it has to wait."""
        stack = self._stack(self._state)
        self._secrets = None
        for it in [] if stack is None else resources_there(self._state, stack).values():
            assert stack is not None
            if (not self._it.logicals or it.logical in self._it.logicals) and not self._is_checked(it):
                await self._check(stack, it)
        await self._commit(lambda state, stack: detected(state, self._it, stack))

    def _is_checked(self, it: StackResource) -> bool:
        """Whether nothing is left to be done for a resource: its type cannot be read, or it was before a restart."""
        former = self._state.get(ResourceDrift, it.account, it.key)
        there = former is not None and former.detection == self._it.id and former.physical == it.physical
        return there or not is_readable(it.type)

    async def _check(self, stack: Stack, it: StackResource) -> None:
        drift = replace(await self._told(stack, it), detection=self._it.id)

        def kept(state: State, _stack: Stack) -> tuple[Event, ...]:
            same = state.get(StackResource, it.account, it.key) == it  # else an update has made it another one
            return (put(drift),) if same else ()

        await self._commit(kept)

    async def _told(self, stack: Stack, it: StackResource) -> ResourceDrift:
        actor = actor_of(replace(stack, caller=self._it.caller))
        here, now = self._runtime.settings.endpoint, self._runtime.clock()
        try:
            work = reading(stack, it, self._seals)
            found = await carried_out(self._calls.make, actor, stack.region, work, endpoint=here)
            if self._secrets is None:
                self._secrets = await asyncio.to_thread(secrets_of, self._state, stack, self._seals)
            names = self._secrets
            return await asyncio.to_thread(told, self._state, stack, it, found, self._seals, now, names)
        except Fault as fault:
            return failed(it, fault, now)
        except LocumError:
            raise
        except Exception:  # a fault barrier: what cannot be compared is not known, and the detection ends
            _log.exception("resource %s of stack %s cannot be compared", it.logical, stack.arn)
            return failed(it, Fault(*INTERNAL), now)

    # -- commits -----------------------------------------------------------------------------------------

    @property
    def _state(self) -> State:
        return self._runtime.ledger.state

    def _stack(self, state: State) -> Stack | None:
        found = stack_of(state, self._it)
        return None if found is None or found.deleted else found

    async def _commit(self, change: Callable[[State, Stack], tuple[Event, ...]]) -> None:
        """Commit a change while the detection is in progress; a detection of a stack that is gone is forgotten."""

        def handler(state: State) -> Outcome:
            it, stack = state.get(StackDrift, self._it.account, self._it.key), self._stack(state)
            if it is None or not it.under_way:
                return Outcome({})
            return Outcome({}, (remove(it),) if stack is None else change(state, stack))

        await self._runtime.ledger.transact(handler, lambda _outcome: ())
