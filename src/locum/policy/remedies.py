"""Remedies for denied requests: the changes of policies or of the call that would allow it, as sentences.

Wording only, for `explain`, like `hints`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from locum.core.principal import PrincipalKind
from locum.policy import hints
from locum.policy.compile import CompiledPolicy, CompiledStatement
from locum.policy.conditions import PreparedCondition
from locum.policy.decision import PolicyType
from locum.policy.evaluate import Policies
from locum.policy.grammar import PolicyKind, Source
from locum.policy.prepared import PreparedRequest, Request
from locum.policy.principals import NotPrincipalTest

_SHOWN_CONDITIONS: Final = 3


def policy_label(source: Source, otherwise: str = "the policy") -> str:
    """A short name for people of the policy at `source`."""
    name = source.name or source.arn or otherwise
    return f"the trust policy of {name}" if source.kind is PolicyKind.TRUST and "policy" not in name else name


# --- explicit deny -------------------------------------------------------------------------------------------


def met(statement: CompiledStatement, prepared: PreparedRequest) -> tuple[str, ...]:
    """The conditions of a matching Deny, each as a sentence with the request's value."""
    return tuple(
        f"{c.source.operator} {c.source.key} {hints.few(c.source.values)} holds: the request has {_given(c, prepared)}"
        for c in statement.conditions[:_SHOWN_CONDITIONS]
    )


def _given(condition: PreparedCondition, prepared: PreparedRequest) -> str:
    value = prepared.get(condition.key)
    if value is None:
        return f"no {condition.source.key}"
    return hints.few((value,) if isinstance(value, str) else value) or "an empty list"


def ways_to_avoid(statement: CompiledStatement, prepared: PreparedRequest) -> str:
    """The changes of the request or of the statement after which a matching Deny no longer applies."""
    request, source = prepared.request, statement.statement
    ways = [way for way in (_way_to_avoid(condition) for condition in statement.conditions[:_SHOWN_CONDITIONS]) if way]
    if source.not_actions is not None:
        ways.append(f"add {request.action} to its NotAction")
    if source.not_resources is not None:
        ways.append(f"add {request.resource} to its NotResource")
    if source.not_principals is not None:
        ways.append(_exemption(statement, prepared))
    return ", or ".join(ways or [f"take {request.action} on {prepared.resource} out of its Action or Resource"])


def _exemption(statement: CompiledStatement, prepared: PreparedRequest) -> str:
    """The change that exempts the caller from a NotPrincipal.

    With a permissions boundary, listing the caller does not help ("NotPrincipal", IAM User Guide).
    """
    if prepared.bounded:
        return "write Principal * and a condition on aws:PrincipalArn for NotPrincipal, which hits all with a boundary"
    element = statement.principal
    missing = element.missing(prepared) if isinstance(element, NotPrincipalTest) else ()
    return f"add {' and '.join(missing or (prepared.principal.arn,))} to its NotPrincipal"


def _way_to_avoid(condition: PreparedCondition) -> str:
    """The change of the call after which `condition` no longer holds."""
    source, operator = condition.source, condition.operator
    if operator.family == "Bool" and len(source.values) == 1:
        return hints.how_to_set(source.key, ("false" if source.values[0].lower() == "true" else "true",))
    if operator.family == "Null":
        return f"make the call {'with' if source.values[0].lower() == 'true' else 'without'} {source.key}"
    if operator.negated:
        return hints.how_to_set(source.key, source.values)
    return f"make the call so that {source.operator} {source.key} {hints.few(source.values)} does not hold"


# --- implicit deny -------------------------------------------------------------------------------------------


def missing_allow(
    request: Request, kind: PolicyType, policies: Policies, matched: Collection[CompiledStatement]
) -> Iterator[str]:
    """The Allow that the policies of type `kind` lack, as sentences; `matched` are the statements that match."""
    wanted = f"{request.action} on {_resource(request)}"
    match kind:
        case PolicyType.SCP:
            yield from _missing_scps(request, policies, matched, wanted)
        case PolicyType.BOUNDARY:
            boundary = "permissions boundary" if policies.boundary is None else _boundary_label(policies.boundary)
            yield f"the {boundary} does not allow {request.action}: add {wanted} to it, as it caps all other policies"
        case PolicyType.SESSION:
            yield _missing_in_session(request, policies, wanted)
        case PolicyType.RESOURCE:
            yield _missing_in_resource_policy(request, policies)
        case PolicyType.ENDPOINT:
            yield f"the policy of the VPC endpoint must allow {wanted}"
        case _:
            yield _missing_in_identity(request)


def _resource(request: Request) -> str:
    return "*" if request.wildcard_only else request.resource


def _boundary_label(boundary: CompiledPolicy) -> str:
    return f"boundary {boundary.source.arn or boundary.source.name}".replace("boundary boundary", "boundary")


def _missing_scps(
    request: Request, policies: Policies, matched: Collection[CompiledStatement], wanted: str
) -> Iterator[str]:
    for number, level in enumerate(policies.scps, 1):
        if any(s.allows and s in matched for policy in level for s in policy.statements):
            continue
        where = f"level {number} of {len(policies.scps)}, root to account"
        names = (
            hints.few([policy_label(policy.source, "the SCP") for policy in level]) or "no SCP is attached there; one"
        )
        yield f"no SCP at {where}, allows {request.action}: {names} must allow {wanted}"


def _missing_in_session(request: Request, policies: Policies, wanted: str) -> str:
    if not policies.session:
        return f"the session was made without a policy: pass one to GetFederationToken that allows {wanted}"
    names = hints.few([policy_label(policy.source, "the session policy") for policy in policies.session])
    return (
        f"the session policy does not allow {request.action}: where the session is made, pass a policy that allows "
        f"{wanted}, or none ({names})"
    )


def _missing_in_identity(request: Request) -> str:
    statement = _allow_statement({"Action": request.action, "Resource": _resource(request)})
    added = f"add to a policy of {hints.principal_label(request.principal)}: {statement}"
    if request.action.lower() != "iam:passrole":
        return added
    service = request.context.get("iam:passedtoservice")
    to = f" to {service}" if isinstance(service, str) else ""
    role = request.resource.rpartition("/")[2]
    return f"{added}: the call passes role {role}{to}, which takes iam:PassRole besides the action of the call itself"


def _missing_in_resource_policy(request: Request, policies: Policies) -> str:
    principal = request.principal
    policy = policies.resource
    if request.action.lower() == "iam:passrole" and principal.account != request.resource_account:
        return f"a role of another account cannot be passed: pass one of account {principal.account}"
    if _is_trust(request, policy):
        role = request.resource.rpartition("/")[2]
        statement = _allow_statement({"Principal": _principal_element(request), "Action": request.action})
        return f"add to the trust policy of role {role}: {statement}"
    element = {"Principal": _principal_element(request), "Action": request.action, "Resource": _resource(request)}
    if policy is None:
        owner = f", of account {request.resource_account}," if request.resource_account != principal.account else ""
        return f"{request.resource}{owner} has no policy of its own: give it one with {_allow_statement(element)}"
    return f"add to {policy_label(policy.source, 'the policy of the resource')}: {_allow_statement(element)}"


def _is_trust(request: Request, policy: CompiledPolicy | None) -> bool:
    if policy is not None:
        return policy.source.kind is PolicyKind.TRUST
    return request.action.lower().startswith("sts:") and ":role/" in request.resource


def _principal_element(request: Request) -> str | dict[str, str]:
    """The value of a Principal element that names the caller."""
    principal = request.principal
    if request.provider:
        return {"Federated": request.provider}
    if principal.kind is PrincipalKind.ANONYMOUS:
        return "*"
    if principal.kind is PrincipalKind.SERVICE:
        return {"Service": principal.arn}
    return {"AWS": principal.principal_arn}


def _allow_statement(elements: Mapping[str, Any]) -> str:
    return json.dumps({"Effect": "Allow", **elements}, ensure_ascii=False)
