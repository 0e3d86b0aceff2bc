"""The recorded calls of principals, decided anew: for least-privilege policies and for proposed ones.

Two questions, asked over the control socket (`compute.control`):

    Taken     the permissions that one principal's calls took
    Proposed  the recorded calls whose verdict other identity policies change

The calls are those of `recorded`: a condition on the time of day is decided at the time of the newest of those alike.
They are decided on beside the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from locum import authz
from locum.analysis import Permission, Trial, Unattainable, distinct, with_policies
from locum.authz import Authorization
from locum.calls.recorded import Recorded, Repeated, went_on
from locum.calls.replay import doubt_after
from locum.calls.runtime import Runtime
from locum.core.errors import ConfigurationError
from locum.core.partial_arn import UNKNOWN, PartialArn, arn_of
from locum.state import Role, State, User
from locum.state.arns import entity_of
from locum.state.attachments import identity_policies
from locum.state.of_account import of_account
from locum.wire.redact import HIDDEN


class Taken(msgspec.Struct, frozen=True, tag="taken", forbid_unknown_fields=True):
    """Asks for the permissions that the calls of `principal` (ARN of a user or role) took, between two epoch seconds.

    `include_denied`: also calls that were denied because no policy allowed them. `until` None: up to now. `access_key`:
    only calls that were signed with this key.
    """

    principal: str
    since: float = 0.0
    until: float | None = None
    include_denied: bool = False
    access_key: str = ""


class Proposed(msgspec.Struct, frozen=True, tag="proposed", forbid_unknown_fields=True):
    """Asks for the recorded calls whose verdict changes if the identity policies are `policies` (documents by name).

    Of `principal`, or where that is empty, of all users and roles. They are in place of the principal's own policies,
    or in addition (`add`).
    """

    policies: dict[str, str]
    principal: str = ""
    since: float = 0.0
    until: float | None = None
    add: bool = False


Question = Taken | Proposed


async def answer(runtime: Runtime, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a question as JSON values. Raises ConfigurationError where it is none, or of nobody."""
    try:
        question = msgspec.convert(asked, Question)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"not a question about policies: {error}") from error
    if isinstance(question, Taken):
        return await taken(runtime, question)
    return await proposed(runtime, question)


async def taken(runtime: Runtime, question: Taken, account: str = "") -> dict[str, Any]:
    """The answer to `question`. Raises ConfigurationError where there is no such user or role.

    `account`: what others have is not looked at (`recorded.Recorded`).
    """
    state = _seen(runtime.ledger.state, account)
    entity = _entity(state, question.principal)
    trial = Trial(state, entity)
    times = question.since, question.until
    recorded = Recorded(runtime, state, question.principal, *times, question.access_key, account)
    calls, found, lacking = 0, set[Permission](), dict[Unattainable, str]()
    left_out, doubtful = list[dict[str, Any]](), list[dict[str, Any]]()

    def work(page: list[Repeated]) -> None:
        nonlocal calls
        for one in page:
            reason = _left_out(one, include_denied=question.include_denied)
            if reason or one.call is None:
                left_out.append(_told(one, reason=reason))
                continue
            calls += 1
            if one.doubt:
                doubtful.append(_told(one, reason=one.doubt))
            if one.foreign:  # of which identity policies have to allow all
                found.update(Permission(check.action, check.resource, check.kind) for check in one.plan.checks)
                continue
            needs = trial.needs(one.call, one.plan, recorded.facts_of(one))
            found.update(_shown(permission) for permission in needs.permissions)
            lacking.update(dict.fromkeys(needs.unattainable, one.record.request_id))

    async for page in recorded.pages():
        await asyncio.to_thread(work, page)
    return {
        "calls": calls,
        "permissions": [encoded(permission) for permission in distinct(found)],
        "unattainable": [{**one._asdict(), "requestId": lacking[one]} for one in sorted(lacking)],
        "leftOut": _counted(left_out),
        "notDecided": _counted(doubtful),
        "policies": [
            {"name": one.name, "arn": one.arn, "owner": one.owner.arn, "document": one.document}
            for one in identity_policies(state, entity)
        ],
        **recorded.outcome,
    }


async def proposed(runtime: Runtime, question: Proposed, account: str = "") -> dict[str, Any]:
    """The answer to `question`. Raises ConfigurationError where there is no such user or role.

    `account`: only calls that it made, and what others have is not looked at (`recorded.Recorded`).
    """
    state = _seen(runtime.ledger.state, account)
    if question.principal:
        _entity(state, question.principal)
    times = question.since, question.until
    recorded = Recorded(runtime, state, question.principal or None, *times, account=account)
    worlds: dict[str, State] = {}
    calls, changed, denied, doubtful = 0, list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()

    def world(entity: User | Role) -> State:
        if entity.arn not in worlds:
            worlds[entity.arn] = with_policies(state, entity, question.policies, add=question.add)
        return worlds[entity.arn]

    def work(page: list[Repeated]) -> None:
        nonlocal calls
        calls += len(page)
        for one in page:
            reason = one.doubt
            if not reason and one.entity is not None:
                again = recorded.decided(one, world(one.entity))
                reason = doubt_after(again, recorded.forgets)
                if not reason and (again.verdict != one.record.verdict or not again.allowed):
                    rows = denied if again.verdict == one.record.verdict else changed
                    rows.append(_change(one, again, recorded.decided(one, state)))
            if reason:
                doubtful.append(_told(one, reason=reason))

    async for page in recorded.pages():
        await asyncio.to_thread(work, page)
    return {
        "calls": calls,
        "changed": _counted(changed),
        "stillDenied": _counted(denied),
        "notDecided": _counted(doubtful),
        **recorded.outcome,
    }


def _seen(state: State, account: str) -> State:
    return of_account(state, account) if account else state


def _entity(state: State, arn: str) -> User | Role:
    """The user or role `arn`. Raises ConfigurationError where there is none."""
    found = entity_of(state, arn)
    if not isinstance(found, User | Role):
        raise ConfigurationError(f"there is no user and no role {arn}: name one by its ARN, with its path")
    return found


def _left_out(one: Repeated, *, include_denied: bool) -> str:
    """The reason why a call is no reason for a permission; empty where it is."""
    record = one.record
    if one.call is None:
        return one.doubt
    if record.verdict == "explicit-deny":
        return "a policy denies it explicitly"
    if not went_on(record) and not include_denied:
        return "it was denied (--include-denied counts it)"
    return ""


def _counted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`rows` with their `times`, which are known now that the record has been read."""
    return [{**row, "times": row["times"].count} for row in rows]


def encoded(permission: Permission) -> list[Any]:
    """`permission` as JSON values: a resource that is known in part as its parts, null in place of missing ones."""
    action, resource, kind, conditions = permission
    if isinstance(resource, PartialArn):
        return [action, [part if isinstance(part, str) else None for part in resource.parts], kind, conditions]
    return [action, resource, kind, conditions]


def decoded(row: Sequence[Any]) -> Permission:
    """The permission in a row of `permissions` of an answer."""
    action, resource, kind, conditions = row
    if not isinstance(resource, str):
        resource = arn_of(*(UNKNOWN if part is None else part for part in resource))
    return Permission(action, resource, kind, tuple((key, value) for key, value in conditions))


def _shown(permission: Permission) -> Permission:
    """`permission` without conditions on what the record hides."""
    return permission._replace(conditions=tuple(pair for pair in permission.conditions if HIDDEN not in pair[1]))


def _told(one: Repeated, *, reason: str) -> dict[str, Any]:
    record = one.record
    return {
        "requestId": record.request_id,
        "at": record.at,
        "principal": record.identity.principal_arn,
        "operation": f"{record.service}:{record.operation}",
        "resources": [resource.arn for resource in record.resources],
        "verdict": record.verdict,
        "times": one.times,
        "reason": reason,
    }


def _change(one: Repeated, again: Authorization, now: Authorization) -> dict[str, Any]:
    """A call whose verdict changes. `now` is the decision by the policies that the principal has at present."""
    record, failing = one.record, again.failing
    check = failing.check if failing is not None else next(iter(one.plan.checks), None)
    return {
        "requestId": record.request_id,
        "at": record.at,
        "principal": record.identity.principal_arn,
        "operation": f"{record.service}:{record.operation}",
        "action": authz.action_of(record.service, record.operation) if check is None else check.action,
        "resource": "*" if check is None else check.resource,
        "times": one.times,
        "was": record.verdict,
        "becomes": again.verdict,
        "present": now.verdict,
        "wasDeterminedBy": list(record.determining),
        "determinedBy": list(again.determining),
        "reason": "" if again.allowed else again.fault().message if failing is None else failing.reason,
    }
