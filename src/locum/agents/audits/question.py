"""The question of `locum audit`, and its answer: the findings about the identities of all accounts of a plane."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from locum.agents.audits import wearers
from locum.agents.audits.reading import Make, Reading
from locum.agents.plans import principals
from locum.analysis.audit import DAYS, Evidence, Exposed, Finding, Use, audited
from locum.analysis.escalation import Escalations, Surface, escalations
from locum.calls.runtime import Runtime
from locum.core.errors import ConfigurationError
from locum.core.principal import Caller
from locum.state import AccessKey, Account, State
from locum.state.indexes import ACCESS_KEY_ID

BUDGET: Final = 1_000_000
"""Decisions of the search for escalations at most."""


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for an audit by the owner of `access_key`, or where that is empty by the root user of `account`.

    What is read of other services is read as that one, in `region`. `buckets` are those whose objects are read. What
    was not used for `days` days is unused.
    """

    account: str
    region: str
    access_key: str = ""
    buckets: tuple[str, ...] = ()
    days: int = DAYS


async def answer(runtime: Runtime, make: Make, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a question, as JSON values. Raises ConfigurationError where it is none, or of nobody."""
    try:
        question = msgspec.convert(asked, Question)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"not a question about an audit: {error}") from error
    state = runtime.ledger.state
    return await report(runtime, make, state, _caller(state, runtime.clock(), question), question)


async def report(runtime: Runtime, make: Make, state: State, caller: Caller, question: Question) -> dict[str, Any]:
    """The audit of a state, as JSON values. What other services have is read by `caller`."""
    now = runtime.clock()
    uses = await runtime.ledger.read(lambda: _uses(runtime, state))
    reading = Reading(make, caller, question.region)
    await reading.everything()
    for bucket in question.buckets:
        await reading.objects(bucket)
    found, searched = await asyncio.to_thread(_audited, state, now, question, uses, reading)
    return {
        "at": now,
        "caller": caller.principal.arn,
        "account": caller.account,
        "region": question.region,
        "accounts": sorted(account.account for account in state.every(Account)),
        "administrators": list(searched.administrators),
        "complete": searched.complete and not reading.unread,
        "decisions": searched.decisions,
        "searched": searched.complete,
        "unread": dict(sorted(reading.unread.items())),
        "findings": [finding.row() for finding in found],
    }


def _caller(state: State, now: float, question: Question) -> Caller:
    key = state.first(AccessKey, ACCESS_KEY_ID, question.access_key) if question.access_key else None
    account = question.account if key is None else key.account
    owner = principals.owner_of(state, question.access_key, account)
    return principals.party(owner, account, now, "locum-audit").caller


def _uses(runtime: Runtime, state: State) -> dict[str, tuple[Use, ...]]:
    return {
        one.account: tuple(
            Use(use.principal, use.access_key_id, use.action, use.at) for use in runtime.usage.uses(one.account)
        )
        for one in state.every(Account)
    }


def _audited(
    state: State, now: float, question: Question, uses: Mapping[str, tuple[Use, ...]], reading: Reading
) -> tuple[list[Finding], Escalations]:
    worn = (*wearers.instances(state), *wearers.stacks(state), *(one for one in reading.worn if one.role))
    searched = escalations(Surface(state, now, question.region, worn, reading.facts), BUDGET)
    exposed = list(reading.exposed)
    for instance, found in wearers.user_data(state):
        if not found.whole:
            reading.unread[f"the user data of {instance.arn}"] = "it is too large, also unpacked"
        if found.keys:
            exposed.append(Exposed(instance.account, instance.arn, "the user data", tuple(sorted(found.keys))))
    return audited(Evidence(state, now, uses, searched, worn, tuple(exposed), question.days)), searched
