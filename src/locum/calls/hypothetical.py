"""Hypothetical calls: who could make one, what a principal could do, and why it could or not.

Three questions, asked over the control socket (`compute.control`):

    Who      the principals that can do an action on a resource
    What     the actions that a principal can do
    Why      the explanation of a decision on a call that nobody made

They are answered beside the event loop, on one state. What a backend knows of the resource is looked up as for a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from locum.analysis import what_can, who_can
from locum.analysis.asked import Asked, asked
from locum.analysis.candidates import by_name
from locum.analysis.why import why
from locum.authz import Plan
from locum.calls.carrying import Facts, facts_of
from locum.calls.runtime import Runtime
from locum.core.errors import ConfigurationError
from locum.core.resources import UNKNOWN
from locum.state import State

Given = list[tuple[str, str]]
"""Condition keys with their values; a key with several has several."""


class _Asking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all questions have: where they are asked, and condition keys with values, or without one (`absent`)."""

    account: str
    region: str
    given: Given = []
    absent: list[str] = []


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


Question = Who | What | Why


async def answer(runtime: Runtime, told: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a question as JSON values. Raises ConfigurationError where it is none, or of nobody."""
    try:
        question: Question = msgspec.convert(told, Question)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"not a question about calls: {error}") from error
    state, now = runtime.ledger.state, runtime.clock()
    if isinstance(question, What):
        return await asyncio.to_thread(_what, state, question, now)
    one = asked(question.action, question.resource, question.given, question.absent, question.region, now)
    facts = await facts_of(runtime, Plan((one.check,)).resources, question.account, question.region)
    if isinstance(question, Who):
        return await asyncio.to_thread(_who, state, one, facts)
    return await asyncio.to_thread(_why, state, question, one, facts)


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
