"""The encoded authorization message of a denial, for the services that append one: EC2.

    You are not authorized to perform this operation. User: ... because no identity-based policy allows the
    ec2:RunInstances action. Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuU...

What it holds once decoded is AWS's JSON: the verdict, the statements that denied, and the request with every
condition key. Nothing of it can be read from the message itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from locum.authz import Authorization, Ruling
from locum.core.clock import Entropy
from locum.core.errors import Fault
from locum.credentials import KeyRing
from locum.policy import CompiledPolicy, Policies, Statement, StatementReference, Verdict
from locum.services.sts import LONGEST_MESSAGE, encode_authorization_message

_SERVICES: Final = frozenset({"ec2"})


def refusal(authorization: Authorization, ring: KeyRing, entropy: Entropy) -> Fault:
    """AWS's answer to a call that `authorization` refuses, with the encoded message where the service gives one."""
    fault, failing = authorization.fault(), authorization.failing
    if failing is None or authorization.call.service not in _SERVICES:
        return fault
    text = f"{fault.message}. Encoded authorization failure message: {_encoded(failing, ring, entropy)}"
    return Fault(fault.code, text, fault.status, members=fault.members, resource=fault.resource)


def _encoded(failing: Ruling, ring: KeyRing, entropy: Entropy) -> str:
    """The message, short enough to be decoded: where it is not, statements and then condition keys are left out."""
    account = failing.request.principal.account
    found = details(failing)
    message = encode_authorization_message(ring, account, found, entropy)
    for member in ("matchedStatements", "context"):
        if len(message) <= LONGEST_MESSAGE:
            break
        found = {**found, member: {**found[member], **_LEFT_OUT[member]}}
        message = encode_authorization_message(ring, account, found, entropy)
    return message


def details(failing: Ruling) -> dict[str, Any]:
    """The content of the message: the check that failed, and the statements that decided it."""
    request, decision = failing.request, failing.decision
    principal = request.principal
    statements = [_statement(reference, failing.policies, principal.unique_id) for reference in decision.determining]
    return {
        "allowed": decision.allowed,
        "explicitDeny": decision.verdict is Verdict.EXPLICIT_DENY,
        "matchedStatements": _items(statements),
        "failures": _items(()),
        "context": {
            "principal": {"id": principal.user_id, "arn": principal.arn},
            "action": request.action,
            "resource": request.resource,
            "conditions": _keys(dict(request.context)),
        },
    }


def _statement(reference: StatementReference, policies: Policies, owner: str) -> dict[str, Any]:
    """One statement; where it has no Principal element, it speaks of the caller."""
    statement = _found(reference, policies)
    named = statement.principals or statement.not_principals
    principals = (
        (owner,)
        if named is None
        else (*(("*",) if named.everyone else ()), *named.aws, *named.service, *named.federated, *named.canonical)
    )
    return {
        "statementId": statement.sid,
        "effect": "ALLOW" if statement.allows else "DENY",
        "principals": _values(principals),
        "principalGroups": _items(()),
        "actions": _values(statement.actions or ()),
        **({} if statement.not_actions is None else {"notActions": _values(statement.not_actions)}),
        "resources": _values(statement.resources or ()),
        **({} if statement.not_resources is None else {"notResources": _values(statement.not_resources)}),
        "conditions": _items({"key": c.key, "values": _values(c.values)} for c in statement.conditions),
    }


def _found(reference: StatementReference, policies: Policies) -> Statement:
    return next(
        statement.statement
        for policy in _every(policies)
        if policy.source == reference.source
        for statement in policy.statements
        if statement.reference == reference
    )


def _every(policies: Policies) -> Iterator[CompiledPolicy]:
    for single in (policies.boundary, policies.resource, policies.endpoint):
        if single is not None:
            yield single
    for level in (policies.identity, policies.session or (), *policies.scps, *policies.rcps):
        yield from level


def _items(items: Iterable[Any]) -> dict[str, list[Any]]:
    return {"items": list(items)}


def _values(texts: Iterable[str]) -> dict[str, list[Any]]:
    return _items({"value": text} for text in texts)


def _keys(context: Mapping[str, str | tuple[str, ...]]) -> dict[str, list[Any]]:
    return _items(
        {"key": key, "values": _values((value,) if isinstance(value, str) else value)} for key, value in context.items()
    )


_LEFT_OUT: Final[dict[str, dict[str, Any]]] = {
    "matchedStatements": _items(()),
    "context": {"conditions": _items(())},
}
