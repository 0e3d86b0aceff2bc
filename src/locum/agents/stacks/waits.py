"""Waiting for somebody else: for answers at the URLs of resources, for signals, and for stacks that are nested.

All of it is in the state, so that a restart loses nothing; a `Bell` is rung when that may have changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from locum.agents.stacks.commits import Commit
from locum.agents.waiting import rung
from locum.calls import Runtime
from locum.core.arn import Arn
from locum.core.clock import Clock
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.lookup import events_of, resource_of
from locum.services.cloudformation.parts import is_held
from locum.services.cloudformation.providers.base import Began, Nested, Notes, Reply, ResponseUrl, Signals, Step, Tell
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.signals import CreationPolicy, PresignedUrl, presigned_url
from locum.services.cloudformation.skipping import CANCELLED, ROLLING_BACK
from locum.services.verbs import Outcome
from locum.state import AwaitedResponse, Stack, StackResource, State, put
from locum.state.autoscaling import regional
from locum.state.indexes import NESTED

T = TypeVar("T")

INITIATED: Final = "Resource creation Initiated"
_CANCELLED: Final = {"C": "Resource creation cancelled", "U": CANCELLED}
_FAILURES: Final = ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_FAILED", "CREATE_FAILED", "DELETE_FAILED")


class Bell:
    """Wakes all who wait at the moment. `giving_up`: what can be given up is not waited for."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.giving_up = False

    def ring(self) -> None:
        """Have all who wait look again."""
        self._event.set()
        self._event = asyncio.Event()

    def next(self) -> asyncio.Event:
        """What is set when it is rung the next time."""
        return self._event

    async def rings_until(self, deadline: float, clock: Clock) -> None:
        """Wait until `deadline` (epoch seconds); it is rung where `clock` is moved."""
        while (left := deadline - clock()) > 0:
            await rung(self._event, left)

    def give_up(self) -> None:
        """Have those who wait give up, as another resource failed."""
        self.giving_up = True
        self.ring()


class Waits:
    """What a resource of a stack waits for. `commit` commits a change of the stack."""

    def __init__(self, runtime: Runtime, seals: Seals, commit: Commit, bell: Bell, stack: Stack) -> None:
        self._runtime = runtime
        self._seals = seals
        self._commit = commit
        self._bell = bell
        self._stack = stack

    async def answer(self, logical: str, step: Step) -> Mapping[str, Any]:
        """The answer to a step of the provider of a resource. Raises Fault where it is not waited for any more."""
        if isinstance(step, Began):
            await self.began(logical, step.physical)
            return {}
        if isinstance(step, ResponseUrl):
            return await self._response_url(logical, step.kind)
        if isinstance(step, Reply):
            return await self._reply(logical, step)
        if isinstance(step, Notes):
            if step.values is not None:
                await self._keep(logical, notes=dict(step.values))
            return {"Notes": self._resource(self._state, logical).notes}
        if isinstance(step, Tell):
            await self._commit(lambda state, draft: draft.resource(self._resource(state, logical), told=step.reason))
            return {}
        if isinstance(step, Signals):
            return await self._signalled(logical, step)
        assert isinstance(step, Nested)
        return await self._nested(logical, step)

    async def began(self, logical: str, physical: str, **more: Any) -> None:
        """Keep that a resource is there, with this physical id, and has `more`. It may be known already."""

        def change(state: State, draft: Draft) -> None:
            it = self._resource(state, logical)
            if it.physical != physical:
                draft.resource(replace(it, physical=physical, **more), told=INITIATED)

        await self._commit(change)

    async def signals(self, logical: str, policy: CreationPolicy) -> None:
        """Wait for the signals to a resource that its creation policy says. Raises Fault."""
        count, seconds, least = policy
        due = await self._since(logical, "signals") + seconds

        def enough(state: State) -> dict[str, str] | None:
            found = self._resource(state, logical).signals
            return found if len(found) >= count else None

        found = await self._until(logical, enough, due)
        if found is None:
            missing = count - len(self._resource(self._state, logical).signals)
            raise _refusal(f"Failed to receive {missing} resource signal(s) within the specified duration")
        failed = [name for name, status in found.items() if status != "SUCCESS"]
        if (len(found) - len(failed)) * 100 < least * count:
            told = f"Unable to satisfy {least}% MinSuccessfulInstancesPercent requirement"
            raise _refusal(f"Received {len(failed)} FAILURE signal(s) out of {count}. {told}")

    async def _signalled(self, logical: str, step: Signals) -> Mapping[str, Any]:
        """Wait for the signals with certain ids, or for a while. Raises Fault where it is given up."""
        due = await self._since(logical, f"signals/{step.key}") + step.seconds

        def received(state: State) -> dict[str, str]:
            signals = self._resource(state, logical).signals
            return {name: signals[name] for name in step.ids if name in signals}

        def all_of_them(state: State) -> dict[str, str] | None:
            found = received(state)
            return found if step.ids and len(found) == len(step.ids) else None

        found = await self._until(logical, all_of_them, due)
        return {"Received": received(self._state) if found is None else found}

    # -- requests and their answers ----------------------------------------------------------------------

    async def _response_url(self, logical: str, kind: str) -> Mapping[str, Any]:
        it = self._resource(self._state, logical)
        about = "" if kind == "Create" else it.physical if it.former is None else it.former.physical
        of = f"{self._stack.operation}/{kind}/{about}"
        if kind and (it.asked is None or it.asked.of != of):
            asked = AwaitedResponse(id=request_id(self._runtime.entropy), of=of, at=self._runtime.clock())
            await self._keep(logical, asked=asked, received=b"")
        else:
            asked = it.asked or AwaitedResponse(id=it.token, of=of, at=0.0)
        request = asked.id if kind else it.token
        stack, runtime = self._stack, self._runtime
        signed = PresignedUrl(stack.account, stack.region, stack.id, logical, request)
        url = runtime.settings.published + signed.path(runtime.keyring, runtime.entropy)
        return {"URL": url, "RequestId": request, "Sent": asked.sent}

    async def _reply(self, logical: str, step: Reply) -> Mapping[str, Any]:
        """Wait for answers: at a URL of the resource's own, or at that of a handle of this stack."""
        url = presigned_url(_path(step.url), self._runtime.keyring)
        if url is None or (url.account, url.stack) != (self._stack.account, self._stack.id):
            raise _refusal("The handle is not one of this stack.")
        own = url.logical == logical
        due = step.seconds + await self._since(logical, "" if own else "signals")
        found = await self._until(logical, lambda state: self._received(state, url, step.number), due)
        if found is None:
            found = self._received(self._state, url, 0) or {}
        return {"Received": found, "Of": url.logical}

    def _received(self, state: State, url: PresignedUrl, count: int) -> Mapping[str, Any] | None:
        """What came in, once there are `count` answers, or one of a failure."""
        it = url.resource(state)
        if it is None:
            return {}
        found: Mapping[str, Any] = self._seals.open(it.account, it.stack, it.received)
        failed = any(answer["Status"] != "SUCCESS" for answer in found.values())
        return found if failed or len(found) >= count else None

    async def _since(self, logical: str, of: str) -> float:
        """Since when a resource waits: for the answer to its request, which was made now, or `of` something else."""
        it = self._resource(self._state, logical)
        of = f"{self._stack.operation}/{of}"
        if it.asked is not None and it.asked.id and not it.asked.sent:
            asked = replace(it.asked, sent=True)
        elif it.asked is not None and (it.asked.id or it.asked.of == of):
            return it.asked.at
        else:
            asked = AwaitedResponse(id="", of=of, at=self._runtime.clock())
        await self._keep(logical, asked=asked)
        return asked.at

    async def _keep(self, logical: str, **values: Any) -> None:
        await self._commit(lambda state, draft: draft.quietly(replace(self._resource(state, logical), **values)))

    # -- nested stacks -----------------------------------------------------------------------------------

    async def _nested(self, logical: str, step: Nested) -> Mapping[str, Any]:
        """Wait for a nested stack, which is told first what it is nested in."""
        arn = Arn.find(step.stack)
        key = regional(self._stack.region, "" if arn is None else arn.resource.rpartition("/")[2])
        outer = self._stack

        await self._runtime.ledger.transact(lambda state: _adoption(state, outer, key), lambda _outcome: ())

        def ended(state: State) -> Mapping[str, Any] | None:
            found = state.get(Stack, outer.account, key)
            if found is None:
                return {"Status": "", "Reason": ""}
            failed = step.early and found.status == ROLLING_BACK
            if found.status.endswith("_IN_PROGRESS") and not failed and not is_held(state, found):
                return None
            return {"Status": found.status, "Reason": found.reason or _reason(state, found)}

        return await self._until(logical, ended, None, patient=step.patient) or {}

    # -- waiting -----------------------------------------------------------------------------------------

    @property
    def _state(self) -> State:
        return self._runtime.ledger.state

    def _resource(self, state: State, logical: str) -> StackResource:
        found = resource_of(state, self._stack, logical)
        if found is None:
            raise _refusal(f"Resource {logical} is not there any more")
        return found

    async def _until(
        self, logical: str, found: Callable[[State], T | None], due: float | None, *, patient: bool = False
    ) -> T | None:
        """What is `found` in the state, as soon as it is; None where it is not until `due` (epoch seconds).

        Raises Fault where it is given up before, which is not so if `patient`.
        """
        while True:
            bell = self._bell.next()
            result = found(self._state)
            if result is not None:
                return result
            if not patient and self._is_given_up():
                raise _refusal(_CANCELLED.get(self._resource(self._state, logical).status[:1], "Cancelled"))
            left = None if due is None else due - self._runtime.clock()
            if left is not None and left <= 0:
                return None
            await rung(bell, left)

    def _is_given_up(self) -> bool:
        stack = self._state.get(Stack, self._stack.account, self._stack.key)
        return self._bell.giving_up or stack is None or stack.operation != self._stack.operation


def _adoption(state: State, outer: Stack, key: str) -> Outcome:
    """The stack with this key becomes one that is nested in `outer`, and those in it get their root."""
    outer, found = state.get(Stack, outer.account, outer.key) or outer, state.get(Stack, outer.account, key)
    if found is None or found.parent:
        return Outcome({})
    adopted, inner = [replace(found, parent=outer.arn)], [found.arn]
    while inner:
        within = [it for it in state.find(NESTED, inner.pop()) if isinstance(it, Stack)]
        adopted += within
        inner += [it.arn for it in within]
    return Outcome({}, tuple(put(replace(it, root=outer.root or outer.arn)) for it in adopted))


def _path(url: str) -> str:
    """The path of a URL, which may be of an earlier endpoint; nothing of what is none."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _reason(state: State, stack: Stack) -> str:
    """Why the latest operation of a stack failed, as its events tell."""
    return next(
        (it.reason for it in events_of(state, stack) if it.logical == stack.name and it.status in _FAILURES), ""
    )


def _refusal(message: str) -> Fault:
    return Fault("InvalidRequest", message, 400)
