"""Decision cases as calls of the policy simulator: the request of a case, or why the API has no words for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from locum import policy
from locum.core.principal import Caller, Principal, PrincipalKind
from locum.credentials import KeyRing
from locum.policy import PolicyKind, cases
from locum.policy.conditions import UNKNOWN_OPERATOR, PreparedCondition
from locum.policy.context import derived_context
from locum.services.iam import OPERATIONS
from locum.services.verbs import Context
from locum.state import AnyEntity, Policy, PolicyVersion, Role, State, User, change, put
from support.aws_shapes import misfits

DECISIONS = {"allowed": "ALLOW", "explicitDeny": "EXPLICIT_DENY", "implicitDeny": "IMPLICIT_DENY"}

CALLERS = "a caller is a user, group or role: no root user, federated user, service or nobody"
SESSION_POLICIES = "session policies have no parameter"
RCPS = "resource control policies have no parameter"
FLAGS = "exemptions of an organization (its management account) have no parameter"
EMPTY_LEVEL = "a level without service control policies is refused"
SCPS = "SimulatePrincipalPolicy takes the organization's own service control policies, not the caller's"
SESSION = "a role calls without a session: a policy cannot name it"
NO_RESOURCE = "a resource policy is simulated on resources that are named"
NOT_AN_ARN = "a resource is an ARN or *"
OWNER = "the account in an ARN is the resource's owner"
WITHOUT = "an action without resource-level permissions is simulated on *"
EMPTY_KEY = "a key has at least one value"
UNSTORABLE = "IAM does not store this document"
NO_OPERATOR = "a condition operator that does not exist is refused"


def raw_cases(folder: Path) -> Iterator[dict[str, Any]]:
    """Every case of the JSON Lines files."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            if line.strip():
                yield json.loads(line)


def inexpressible(raw: Mapping[str, Any], case: cases.Case) -> str:
    """Why SimulateCustomPolicy cannot be asked this; empty where it can."""
    request, policies = case.request, case.policies
    resource_policy = raw.get("resource_policy")
    owner = request.resource.split(":")[4] if request.resource.count(":") > 4 else ""
    reasons = {
        CALLERS: request.principal.kind not in (PrincipalKind.USER, PrincipalKind.ROLE_SESSION),
        SESSION_POLICIES: policies.session is not None,
        RCPS: bool(policies.rcps),
        FLAGS: any((raw.get("flags") or {}).values()),
        EMPTY_LEVEL: any(not level for level in policies.scps),
        SESSION: ":assumed-role/" in json.dumps(resource_policy) and request.principal.kind is not PrincipalKind.USER,
        NO_RESOURCE: resource_policy is not None and request.resource == "*",
        NOT_AN_ARN: request.resource != "*" and request.resource.count(":") < 5,
        OWNER: owner.isdigit() and owner != request.resource_account,
        WITHOUT: request.wildcard_only is not (request.resource == "*"),
        EMPTY_KEY: any(value == () for value in request.context.values()),
        NO_OPERATOR: any(condition.operator is UNKNOWN_OPERATOR for condition in _conditions(policies)),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _conditions(policies: policy.Policies) -> Iterator[PreparedCondition]:
    for found in policies.identity:
        for statement in found.statements:
            yield from statement.conditions


def not_of_a_principal(raw: Mapping[str, Any], case: cases.Case) -> str:
    """Why SimulatePrincipalPolicy cannot be asked this; empty where it can."""
    if reason := inexpressible(raw, case):
        return reason
    if case.policies.scps:
        return SCPS
    stored = [(text, PolicyKind.IDENTITY) for text in _texts(raw, "identity_policies")]
    stored += [(text, PolicyKind.BOUNDARY) for text in _boundary(raw)]
    for text, kind in stored:
        try:
            policy.parse(text, kind)
        except policy.MalformedPolicy:
            return UNSTORABLE
    return ""


def custom(raw: Mapping[str, Any], case: cases.Case) -> str:
    """The verdict of SimulateCustomPolicy."""
    return _ask(
        "SimulateCustomPolicy",
        case,
        State(),
        {
            **_common(raw, case),
            "PolicyInputList": _texts(raw, "identity_policies"),
            "PermissionsBoundaryPolicyInputList": _boundary(raw),
            "OrderedOrganizationPolicyInputList": [
                {"ServiceControlPolicyInputList": [json.dumps(document) for document in level]}
                for level in raw.get("scps") or ()
            ],
            "CallerArn": _entity_arn(case.request.principal),
        },
    )


def of_principal(raw: Mapping[str, Any], case: cases.Case) -> str:
    """The verdict of SimulatePrincipalPolicy on a state that has what the case says."""
    inline = {f"p{number}": text for number, text in enumerate(_texts(raw, "identity_policies"))}
    entities = [_entity(case.request.principal, inline=inline, boundary="")]
    for text in _boundary(raw):
        version = PolicyVersion(number=1, document=text, created=1)
        account = case.request.principal.account
        limit = Policy(account=account, name="limit", id="ANPALIMIT", created=1, updated=1, versions=(version,))
        entities = [limit, _entity(case.request.principal, inline=inline, boundary=limit.arn)]
    state = change(State(), [put(entity) for entity in entities])
    params = {**_common(raw, case), "PolicySourceArn": _entity_arn(case.request.principal)}
    return _ask("SimulatePrincipalPolicy", case, state, params)


def _ask(operation: str, case: cases.Case, state: State, params: Mapping[str, Any]) -> str:
    principal = case.request.principal
    if not state.table(User, principal.account) and not state.table(Role, principal.account):
        state = change(state, [put(_entity(principal, inline={}, boundary=""))])
    ring = KeyRing.generate(bytes)
    caller = Caller(Principal.root(principal.account))
    context = Context(state, 1_790_000_000.0, bytes, ring, caller, "us-east-1")
    answer = OPERATIONS[operation].verb(context, params).answer
    assert not [line for line in misfits("iam", operation, answer) if "SourcePolicyType" not in line]
    (result,) = answer["EvaluationResults"]
    for specific in result.get("ResourceSpecificResults", ()):
        assert specific["EvalResourceDecision"] == result["EvalDecision"]
    return DECISIONS[result["EvalDecision"]]


def _common(raw: Mapping[str, Any], case: cases.Case) -> dict[str, Any]:
    request = case.request
    resource_policy = raw.get("resource_policy")
    return {
        "ActionNames": [request.action],
        "ResourceArns": [request.resource],
        "ResourceOwner": f"arn:aws:iam::{request.resource_account}:root",
        "ContextEntries": [_entry(name, value) for name, value in _context(case).items()],
        **({} if resource_policy is None else {"ResourcePolicy": json.dumps(resource_policy)}),
    }


def _context(case: cases.Case) -> dict[str, Any]:
    """With what follows from the session that a case has, and a simulated role has not."""
    return {**derived_context(case.request.principal), **case.request.context}


def _entry(name: str, value: str | tuple[str, ...]) -> dict[str, Any]:
    if isinstance(value, str):
        return {"ContextKeyName": name, "ContextKeyType": "string", "ContextKeyValues": [value]}
    return {"ContextKeyName": name, "ContextKeyType": "stringList", "ContextKeyValues": list(value)}


def _texts(raw: Mapping[str, Any], member: str) -> list[str]:
    return [_text(document) for document in raw.get(member) or ()]


def _boundary(raw: Mapping[str, Any]) -> list[str]:
    boundary = raw.get("boundary")
    return [] if boundary is None else [_text(boundary)]


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def _entity_arn(principal: Principal) -> str:
    return principal.principal_arn


def _entity(principal: Principal, *, inline: dict[str, str], boundary: str) -> AnyEntity:
    arn = _entity_arn(principal)
    middle, _, name = arn.split(":", 5)[5].partition("/")[2].rpartition("/")
    path = f"/{middle}/" if middle else "/"
    kind: type[User] | type[Role] = User if principal.kind is PrincipalKind.USER else Role
    more: dict[str, Any] = {} if kind is User else {"trust": ""}
    return kind(
        account=principal.account,
        name=name,
        path=path,
        id=principal.unique_id,
        created=1,
        inline=inline,
        boundary=boundary,
        **more,
    )
