"""Decisions made again: a recorded call, on any state.

A record keeps who called, with which session policies and tags, and the request context: so the call can be planned
and decided once more, on the state as it is or as it would be with other policies. What the record hides (a message, a
password) is there as hidden, and `doubt_after` tells where a condition asks for it.

A record does not keep what a backend knew of a resource: its owner, its policy and its tags. They are looked up anew.
`doubt` and `doubt_after` tell where the resource is gone and that may make a difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from locum import authz, wire
from locum.audit import Record, caller_of
from locum.authz import Authorization, Check, Plan
from locum.authz.access_points import recorded as recorded_as
from locum.authz.context import Conditions
from locum.authz.services import CREATING_ACTIONS
from locum.core.calls import BY_HEADER, Call, Signing
from locum.core.partial_arn import Missing, PartialArn
from locum.core.principal import Caller, PrincipalKind, Source, principal_of
from locum.core.resources import UNKNOWN, Endpoint, ResourceFacts
from locum.state import Role, State, User
from locum.state.arns import entity_of
from locum.wire.redact import HIDDEN

WILDCARD: Final = "*"
_BY_POLICY: Final = "policy of arn:"
"""The beginning of the name of a resource's own policy in a record's determining statements."""

_OWNED_WITHOUT_SAYING: Final = frozenset({"s3"})
"""Services whose ARNs do not say whose a resource is, and whose owners a backend knows."""

_NAMED_OTHERWISE: Final = frozenset({"kms", "secretsmanager"})
"""Services whose resources a call may name otherwise than the ARN that is decided on."""


def recorded_call(record: Record) -> Call | None:
    """The call that `record` tells of; None where it was refused before it was known what it calls."""
    codec = wire.codec_of(record.service, record.operation)
    if codec is None:
        return None
    source = Source(record.source_account, record.source_arn) if record.source_account or record.source_arn else None
    return Call(
        record.service,
        record.operation,
        wire.restored(codec.model, record.parameters),
        replace(caller_of(record.identity), source=source, via=record.via),
        record.region,
        record.at,
        "" if record.invoked_by else record.source_ip,
        record.secure,
        record.user_agent,
        record.referer,
        _signing(record),
        record.request_id,
        record.protocol,
        record.second_factor,
        Endpoint(*record.endpoint) if record.endpoint[0] else None,
    )


def _signing(record: Record) -> Signing:
    """The way a recorded call was signed; older records only tell a presigned one of Signature Version 4."""
    if record.signing is not None:
        return Signing(*record.signing)
    return Signing("REST-QUERY-STRING") if record.presigned else BY_HEADER


def as_of(call: Call, entity: User | Role) -> Call:
    """`call`, made by `entity` where an earlier user or role with the same ARN made it, or it had another name."""
    caller, session = call.caller, call.caller.session
    named = caller.principal.arn if session is None else session.issuer_arn
    if (caller.principal.unique_id, named) == (entity.id, entity.arn):
        return call
    if session is None:
        principal = replace(caller.principal, arn=entity.arn, name=entity.name, unique_id=entity.id, user_id=entity.id)
        return call._replace(caller=replace(caller, principal=principal))
    name = entity.name if session.kind == PrincipalKind.USER else session.name
    session = replace(session, issuer_arn=entity.arn, issuer_id=entity.id, name=name)
    made: Caller = replace(caller, session=session, principal=principal_of(session))
    return call._replace(caller=made)


def decided_again(record: Record, state: State, facts: dict[str, ResourceFacts]) -> Authorization | None:
    """The decision on a recorded call on `state`, with `facts` of the resources by ARN; None as `recorded_call`."""
    call = recorded_call(record)
    if call is None:
        return None
    return authz.decide(state, call, authz.plan(state, call), lambda arn: facts.get(arn, UNKNOWN))


def planned_again(record: Record, plan: Plan) -> Plan | None:
    """`plan`, made again, with the resources that the call was decided on; None where they cannot be told.

    The record has their ARNs. Those that do not follow from the parameters (what was looked up by another name, the key
    of a ciphertext, a role that is gone and its path with it) take the place of what the plan has instead.
    """
    recorded = {resource.arn for resource in record.resources}
    named = {_recorded(check) for check in plan.checks if check.resource != WILDCARD}
    if named == recorded:
        return plan
    lost, strange = recorded - named, [check for check in plan.checks if _recorded(check) not in recorded]
    only = len(lost) == len(strange) == 1
    checks: list[Check] = []
    for check in plan.checks:
        found = [check.resource] if check not in strange else lost if only else _fitting(check.resource, lost)
        checks += (check._replace(resource=arn) for arn in sorted(found))
    again = plan._replace(checks=tuple(checks))
    return again if {_recorded(check) for check in checks if check.resource != WILDCARD} == recorded else None


def _recorded(check: Check) -> str:
    """The text that a record has for the resource of a check."""
    return str(recorded_as(check)[0])


def _fitting(resource: str, arns: Iterable[str]) -> list[str]:
    """Those of `arns` that a resource may be of which parts are missing."""
    if not isinstance(resource, PartialArn):
        return []
    form = re.compile("".join(".*" if isinstance(part, Missing) else re.escape(part) for part in resource.parts))
    return [arn for arn in arns if form.fullmatch(arn)]


def doubt(
    record: Record, plan: Plan, state: State, facts: Mapping[str, ResourceFacts], forgets: Callable[[str], bool]
) -> str:
    """The reason why a call cannot be decided again as it was, for lack of facts; empty where it can.

    `facts` are those of the resources of `plan`, as `state` and backends have them now. `forgets`: whether the backend
    of a service (as in ARNs) knows facts of resources and may have known some that it does not know any more.
    """
    denied = record.verdict != "allow"
    if denied and record.service == "organizations":
        return "the organization's own policy may have denied it, which its service decides"
    for check in plan.checks:
        arn, service = check.resource, authz.service_of(check.resource)
        if check.action.startswith("sts:") and service == "iam" and entity_of(state, arn) is None:
            return f"{arn} is gone, and with it its trust policy"
        if (
            isinstance(arn, PartialArn)
            or facts.get(arn, UNKNOWN).account is not None
            or check.action in CREATING_ACTIONS
            or not forgets(service)
        ):
            continue
        if any(statement.startswith(_BY_POLICY) for statement in record.determining):
            return f"{arn} is gone, and with it the policy of its own that decided"
        if denied and service in _OWNED_WITHOUT_SAYING:
            return f"{arn} is gone, and it is not recorded whose it was"
        if service in _NAMED_OTHERWISE:
            return f"{arn} is gone, which may not have been the ARN that was decided on"
    return ""


def doubt_after(authorization: Authorization, forgets: Callable[[str], bool]) -> str:
    """The reason why a decision that was made again is not to be relied on; empty where there is none."""
    for ruling in authorization.rulings:
        context, arn = ruling.request.context, ruling.check.resource
        if not isinstance(context, Conditions) or isinstance(arn, PartialArn):
            continue
        if context.facts.account is None and context.asked_for_tags and forgets(authz.service_of(arn)):
            return f"{arn} is gone, and a condition asks for its tags"
        if _hides(context.call.params) and any(HIDDEN in str(context.get(key)) for key in context.asked_for):
            return "a condition asks for a value that the record hides"
    return ""


def _hides(value: Any) -> bool:
    """Whether `value`, restored from a record, has a hidden part."""
    if isinstance(value, Mapping):
        return any(map(_hides, value.values()))
    if isinstance(value, list):
        return any(map(_hides, value))
    return bool(value == HIDDEN)
