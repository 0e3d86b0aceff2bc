"""What one request of the Cloud Control API asks for: a resource is made, changed or deleted by its provider.

1. That it has begun is committed before anything is called: an operation that a restart interrupts is made again, with
   the same names and client tokens, and finds what the first one made.
2. A request that is cancelled is given up before its next call. Its provider is told by a Fault, and undoes what it has
   made, as after any other. What is done in spite of that is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from locum.agents.stacks.adoption import Creation, created
from locum.agents.stacks.work import Make, carried_out
from locum.calls import Calls, Runtime
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.services.cloudcontrol.handlers import actor_of, not_found, resource
from locum.services.cloudcontrol.requests import done
from locum.services.cloudformation.changes import names_given
from locum.services.cloudformation.handler_errors import handler_code, handler_message
from locum.services.cloudformation.identifiers import identifier_given, identifier_of
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.base import Found, Made, Resource, is_gone
from locum.services.cloudformation.providers.steps import Steps
from locum.services.cloudformation.sealing import Seals
from locum.services.verbs import Outcome
from locum.state import ResourceRequest, State, put

T = TypeVar("T")

_LOGICAL: Final = 25
"""Characters of a generated name before its end, which stand for a stack and a logical id."""
_TOKEN: Final = 12


class Cancelled(Fault):
    """What a provider is told whose request was cancelled."""

    def __init__(self) -> None:
        super().__init__("Canceled", "The request was canceled.")


class ResourceRun:
    """Does what a request asks for, as soon as there is `room`."""

    def __init__(self, runtime: Runtime, calls: Calls, it: ResourceRequest, room: asyncio.Semaphore) -> None:
        self._runtime = runtime
        self._calls = calls
        self._account, self._key = it.account, it.key
        self._room = room
        self._seals = Seals(runtime.keyring, runtime.entropy)

    async def run(self) -> None:
        """Do it. Raises LocumError where it has to wait, for storage say."""
        async with self._room:
            it = self._now()
            if it is None or not it.under_way:
                return
            if not it.begun:
                await self._commit(lambda now: replace(now, begun=True))
            await self._do(it, again=it.begun)

    async def _do(self, it: ResourceRequest, *, again: bool) -> None:
        work = {"CREATE": self._create, "UPDATE": self._update, "DELETE": self._delete}[it.operation]
        try:
            known = await work(it, again=again)
        except Fault as fault:
            await self._end(it, fault)
        else:
            await self._commit(lambda now: done(now, "SUCCESS", **known))

    async def _end(self, it: ResourceRequest, fault: Fault) -> None:
        if isinstance(fault, Cancelled):
            await self._commit(lambda now: done(now, "CANCEL_COMPLETE", reason=fault.message))
            return
        made = self._opened(it, it.wanted) if it.operation == "CREATE" else {}
        identifier = identifier_given(it.type, made) if made else ""
        error, reason = handler_code(fault, it.type), handler_message(fault, it.type, identifier)
        await self._commit(lambda now: done(now, "FAILED", error=error, reason=reason))

    # -- the operations ----------------------------------------------------------------------------------

    async def _create(self, it: ResourceRequest, *, again: bool) -> dict[str, str]:
        """Make the resource; its identifier and physical id. Raises Fault."""
        wanted = self._opened(it, it.wanted)
        made = await self._made(it, wanted, again=again)
        return {"identifier": await self._identifier(it, wanted, made), "physical": made.physical}

    async def _made(self, it: ResourceRequest, wanted: Mapping[str, Any], *, again: bool) -> Made:
        """Have the provider make a resource: what has a name of the request's may be another's."""
        create, named = PROVIDERS[it.type].create, await asyncio.to_thread(names_given, it.type, wanted)
        if not named:
            return await self._work(it, create(self._resource(it, wanted, again=again)), again=again)
        creation = Creation(self._runtime, self._calls, it.id, it.seed, named, again=again, cause=it.cause)

        async def attempt(adopts: bool) -> Made:
            work = create(self._resource(it, wanted, again=adopts))
            return await self._work(it, work, again=again, make=creation.make)

        return await created(creation, attempt)

    async def _update(self, it: ResourceRequest, *, again: bool) -> dict[str, str]:
        """Change the resource. Raises Fault."""
        update = PROVIDERS[it.type].update
        assert update is not None
        wanted, before = self._opened(it, it.wanted), self._opened(it, it.before)
        made = await self._work(it, update(self._resource(it, wanted, again=again), before), again=again)
        return {"physical": made.physical}

    async def _delete(self, it: ResourceRequest, *, again: bool) -> dict[str, str]:
        """Delete the resource, which must be there unless the deletion was interrupted. Raises Fault."""
        provider, given = PROVIDERS[it.type], self._opened(it, it.before)
        assert provider.read is not None
        try:
            found: Found = await self._work(it, provider.read(self._resource(it, given)), again=again)
        except Fault as fault:
            if not is_gone(fault):
                raise
            if again:
                return {}
            raise Fault("NotFound", not_found(it.type, it.identifier)) from fault
        there = self._resource(it, {**given, **found.properties}, attributes=found.attributes)
        await self._work(it, provider.delete(there), again=again)
        return {}

    async def _identifier(self, it: ResourceRequest, wanted: Mapping[str, Any], made: Made) -> str:
        """The primary identifier of what was made, which is read where its creation does not tell it."""
        provider = PROVIDERS[it.type]
        try:
            return identifier_of(it.type, made.physical, wanted, made.attributes)
        except Fault:
            if provider.read is None:
                return made.physical
        there = self._resource(it, wanted, physical=made.physical, attributes=made.attributes)
        try:
            found: Found = await self._work(it, provider.read(there), again=True)
            return identifier_of(it.type, made.physical, {**wanted, **found.properties}, found.attributes)
        except Fault:
            return made.physical  # it is made, whatever it is called

    # -- the parts of all of it --------------------------------------------------------------------------

    async def _work(self, it: ResourceRequest, work: Steps[T], *, again: bool, make: Make | None = None) -> T:
        """The result of `work`, which is given up where the request is cancelled, unless it is made `again`."""
        made = make or (lambda call: self._calls.make(call, it.cause))
        made = made if again else unless(self._is_cancelled, made)
        here = self._runtime.settings.endpoint
        return await carried_out(made, actor_of(it), it.region, work, endpoint=here)

    def _resource(self, it: ResourceRequest, properties: Mapping[str, Any], **more: Any) -> Resource:
        given = {"attributes": self._opened(it, it.attributes), "physical": it.physical, **more}
        given |= {"logical": it.seed[:_LOGICAL], "token": it.seed[-_TOKEN:], "properties": properties}
        return resource(it.type, it.region, it.account, it.id, **given)

    def _is_cancelled(self) -> bool:
        it = self._now()
        return it is None or it.status == "CANCEL_IN_PROGRESS"

    def _opened(self, it: ResourceRequest, sealed: bytes) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._seals.open(it.account, it.id, sealed)
        return found

    def _now(self) -> ResourceRequest | None:
        return self._runtime.ledger.state.get(ResourceRequest, self._account, self._key)

    async def _commit(self, change: Callable[[ResourceRequest], ResourceRequest]) -> None:
        def handler(state: State) -> Outcome:
            it = state.get(ResourceRequest, self._account, self._key)
            return Outcome({}, () if it is None or not it.under_way else (put(change(it)),))

        await self._runtime.ledger.transact(handler, lambda _outcome: ())


def unless(cancelled: Callable[[], bool], make: Make) -> Make:
    """`make`, with a Fault in the place of the first call after the request was `cancelled`."""
    told = False

    async def made(call: ServiceCall) -> Mapping[str, Any]:
        nonlocal told
        if not told and cancelled():
            told = True
            raise Cancelled
        return await make(call)

    return made
