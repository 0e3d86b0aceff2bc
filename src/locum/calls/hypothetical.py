"""Hypothetical calls: who could make one, what a principal could do, and why it could or not.

Four questions, asked over the control socket (`compute.control`):

    Who      the principals that can do an action on a resource
    What     the actions that a principal can do
    Why      the explanation of a decision on a call that nobody made
    Again    the explanation of a decision on a call that was made, as if it were made now

They are answered beside the event loop, on one state: that of now, or of an earlier time (`store.past`). What a backend
knows of the resource is looked up as for a call; it has no past.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from locum.analysis import what_can, who_can
from locum.analysis.asked import Asked, asked
from locum.analysis.candidates import by_name
from locum.analysis.why import why
from locum.authz import Plan
from locum.calls.carrying import Facts, facts_of
from locum.calls.recorded import Recorded, Repeated
from locum.calls.replay import doubt_after
from locum.calls.runtime import Runtime
from locum.core.errors import ConfigurationError
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.state import State

Given = list[tuple[str, str]]
"""Condition keys with their values; a key with several has several."""


class _Asking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all questions have: where they are asked, and condition keys with values, or without one (`absent`).

    `at` is the time that is asked about (epoch seconds), None for now.
    """

    account: str
    region: str
    given: Given = []
    absent: list[str] = []
    at: float | None = None


class Who(_Asking, frozen=True, kw_only=True, tag="who", forbid_unknown_fields=True):
    """Asks who can do `action` on `resource`."""

    action: str
    resource: str


class What(_Asking, frozen=True, kw_only=True, tag="what", forbid_unknown_fields=True):
    """Asks what `principal` (its ARN, or the name of a user or role of the account) can do, in `services` or in all."""

    principal: str
    services: list[str] = []


class Why(_Asking, frozen=True, kw_only=True, tag="why", forbid_unknown_fields=True):
    """Asks why `principal` may do `action` on `resource`, or not, where a call has no other keys than those given."""

    principal: str
    action: str
    resource: str


class Again(_Asking, frozen=True, kw_only=True, tag="again", forbid_unknown_fields=True):
    """Asks what becomes of the recorded call `request` (a request id) on the policies of now, or of the time `at`."""

    request: str


Question = Who | What | Why | Again


View = Callable[[State], State]
Admit = Callable[[str, ResourceFacts], None]


async def answer(runtime: Runtime, told: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a question as JSON values. Raises ConfigurationError where it is none, or of nobody."""
    try:
        question: Question = msgspec.convert(told, Question)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"not a question about calls: {error}") from error
    return await answered(runtime, question)


def _all_of_it(state: State) -> State:
    return state


def _any(_resource: str, _known: ResourceFacts) -> None:
    pass


async def answered(
    runtime: Runtime, question: Question, view: View = _all_of_it, admit: Admit = _any
) -> dict[str, Any]:
    """The answer to a question as JSON values. Raises ConfigurationError where it is of nobody.

    `view` gives what who asks may see of a state. `admit` is told the resource that is asked about, with what is known
    of it, and may raise what is raised then.
    """
    now = runtime.clock() if question.at is None else question.at
    state = view(runtime.ledger.state if question.at is None else await runtime.ledger.state_at(question.at))
    if isinstance(question, What):
        return await asyncio.to_thread(_what, state, question, now)
    if isinstance(question, Again):
        return await _again(runtime, state, question.request)
    one = asked(question.action, question.resource, question.given, question.absent, question.region, now)
    facts = await facts_of(runtime, Plan((one.check,)).resources, question.account, question.region)
    admit(one.check.resource, facts.get(one.check.resource, UNKNOWN))
    if isinstance(question, Who):
        return await asyncio.to_thread(_who, state, one, facts)
    return await asyncio.to_thread(_why, state, question, one, facts)


async def _again(runtime: Runtime, state: State, request: str) -> dict[str, Any]:
    """The decision on a recorded call anew. Raises ConfigurationError where there is none, or it cannot be decided."""
    records = await runtime.ledger.read(lambda: runtime.history.by_request(request))
    if not records:
        raise ConfigurationError(f"no call {request} is recorded")
    first = records[0]
    recorded = Recorded(runtime, state, first.identity.principal_arn or None, first.at, first.at)
    async for page in recorded.pages():
        for one in page:
            if one.record.request_id == request:
                return _decided_again(recorded, one, state)
    raise ConfigurationError(f"the call {request} is of nobody who has policies, or was refused before a decision")


def _decided_again(recorded: Recorded, one: Repeated, state: State) -> dict[str, Any]:
    doubt = one.doubt
    made = None if doubt or one.call is None else recorded.decided(one, state)
    doubt = doubt or ("" if made is None else doubt_after(made, recorded.forgets))
    if made is None or doubt:
        raise ConfigurationError(f"the call {one.record.request_id} is not decided again: {doubt}")
    return {
        "was": one.record.verdict,
        "verdict": made.verdict,
        "denial": "" if made.allowed else made.fault().message,
        "determining": list(made.determining),
        "explanation": made.explanation(),
    }


def _who(state: State, one: Asked, facts: Facts) -> dict[str, Any]:
    return who_can.as_json(who_can.who_can(state, one, lambda arn: facts.get(arn, UNKNOWN)))


def _what(state: State, question: What, now: float) -> dict[str, Any]:
    who = by_name(state, question.account, question.principal, now)
    doer = what_can.doer(state, who, question.given, question.absent, now)
    rows = what_can.what_can(state, doer, question.services, question.region, now)
    return {"principal": who.arn, "rows": what_can.as_json(rows)}


def _why(state: State, question: Why, one: Asked, facts: Facts) -> dict[str, Any]:
    who = by_name(state, question.account, question.principal, one.now)
    return why(state, who, one, lambda arn: facts.get(arn, UNKNOWN))
