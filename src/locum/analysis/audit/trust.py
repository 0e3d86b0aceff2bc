"""Checks of trust policies: strangers, confused deputies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from locum.analysis.audit.evidence import Evidence
from locum.analysis.audit.finding import Finding, Fix, finding
from locum.analysis.escalation.surface import statements_of
from locum.authz.stored_principals import entity_with_id, shown_form, with_principals
from locum.core.arn import is_service_linked
from locum.policy import PolicyKind, Statement
from locum.state import Account, Role
from locum.state.organizations import organization_of

_EXTERNAL_ID: Final = "sts:externalid"
_OF_SOURCE: Final = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"})
_OF_CALLER: Final = frozenset(
    {"aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:userid",
     "aws:sourcevpc", "aws:sourcevpce", "aws:sourceip", _EXTERNAL_ID}
)  # fmt: skip
"""Condition keys that say who the caller is, or that only those who were told can give."""

_POSITIVE: Final = ("StringEquals", "StringLike", "ArnEquals", "ArnLike", "IpAddress", "StringEqualsIgnoreCase")

WITH_SOURCE: Final = frozenset(
    f"{name}.amazonaws.com"
    for name in ("appstream", "bedrock", "codebuild", "codedeploy", "ecs-tasks", "iot", "kinesisanalytics",
                 "monitoring.rds", "personalize", "pipes", "scheduler", "ssm", "states", "transfer", "vpc-flow-logs")
)  # fmt: skip
"""Services whose guides recommend these keys in the trust policies of roles ("cross-service confused deputy
prevention"). EC2 and Lambda do not: a role is passed to them in its own account only."""


def limits(statement: Statement, keys: frozenset[str]) -> bool:
    """Whether a statement asks for any of `keys`, with values that not everybody has."""
    return any(
        condition.key.lower() in keys
        and condition.operator.rsplit(":", 1)[-1] in _POSITIVE
        and any(value.strip("*?") for value in condition.values)
        for condition in statement.conditions
    )


def _allowing(evidence: Evidence) -> Iterator[tuple[Role, Statement]]:
    for role in evidence.state.every(Role):
        if not is_service_linked(role.arn):
            for statement in statements_of(role.trust, PolicyKind.TRUST):
                if statement.allows:
                    yield role, statement


def trust_of_anyone(evidence: Evidence) -> Iterator[Finding]:
    """Statements that let in everybody."""
    for role, statement in _allowing(evidence):
        who = statement.principals
        everybody = who is None or who.anyone
        if everybody and not limits(statement, _OF_CALLER):
            fix = _rewritten(evidence, role, statement.number, lambda _: None)
            what = f"The trust policy of {role.name} lets anybody assume it."
            yield finding("trust-of-anyone", role.account, role.arn, what, key=_key(statement), fixes=(fix,))


def trust_of_strangers(evidence: Evidence) -> Iterator[Finding]:
    """Accounts outside of the organization that a trust policy names, also without an external id."""
    for role, statement in _allowing(evidence):
        who = statement.principals
        for account in sorted({_account(evidence, one) for one in (who.aws if who is not None else ())} - {""}):
            if account == role.account or _together(evidence, role.account, account):
                continue
            known = evidence.state.get(Account, account, account) is not None
            where = "an account of this plane that is" if known else "an account that is"
            what = f"The trust policy of {role.name} lets in {account}, {where} not in its organization."
            fix = _rewritten(evidence, role, statement.number, _without(evidence, account))
            yield finding(
                "trust-of-stranger",
                role.account,
                role.arn,
                what,
                key=account,
                severity="medium" if known else "",
                fixes=(fix,),
            )
            if not limits(statement, frozenset({_EXTERNAL_ID})):
                yield _without_external_id(evidence, role, statement, account)


def _without_external_id(evidence: Evidence, role: Role, statement: Statement, account: str) -> Finding:
    what = f"The trust policy of {role.name} lets in {account} without an external id."
    found = finding("trust-without-external-id", role.account, role.arn, what, key=account)
    agreed = f"locum-{found.id.rpartition(':')[2]}"
    fix = _rewritten(evidence, role, statement.number, lambda one: _asking(one, "sts:ExternalId", agreed))
    return found._replace(fixes=(fix,))


def service_trust_without_source(evidence: Evidence) -> Iterator[Finding]:
    """Services that may assume a role for any account, where AWS recommends to say for which."""
    for role, statement in _allowing(evidence):
        who = statement.principals
        services = sorted(set(who.service) & WITH_SOURCE) if who is not None else []
        if not services or limits(statement, _OF_SOURCE):
            continue
        what = f"The trust policy of {role.name} lets in {', '.join(services)} for any account."
        only = len(services) == len(who.service) and not who.aws if who is not None else False
        change = lambda one, account=role.account: _asking(one, "aws:SourceAccount", account)  # noqa: E731
        fixes = (_rewritten(evidence, role, statement.number, change),) if only else ()
        yield finding("service-trust-without-source", role.account, role.arn, what, key=_key(statement), fixes=fixes)


def _key(statement: Statement) -> str:
    return statement.sid or str(statement.number)


def _account(evidence: Evidence, principal: str) -> str:
    """The account of a principal as it is stored; empty for everybody, and for the id of somebody who was deleted."""
    if principal.isdecimal():
        return principal
    fields = principal.split(":", 5)
    if len(fields) > 4:
        return fields[4]
    entity = entity_with_id(evidence.state, principal)
    return "" if entity is None else entity.account


def _together(evidence: Evidence, one: str, other: str) -> bool:
    """Whether two accounts are in one organization."""
    organization = organization_of(evidence.state, one)
    return organization is not None and organization == organization_of(evidence.state, other)


Change = Callable[[dict[str, Any]], dict[str, Any] | None]


def _without(evidence: Evidence, account: str) -> Change:
    """A statement without the principals of an account; None where no principal is left."""

    def change(statement: dict[str, Any]) -> dict[str, Any] | None:
        principal = dict(statement.get("Principal", {}))
        named = principal.pop("AWS", [])
        kept = [
            one for one in ([named] if isinstance(named, str) else named) if _account(evidence, str(one)) != account
        ]
        if kept:
            principal["AWS"] = kept
        return {**statement, "Principal": principal} if principal else None

    return change


def _asking(statement: dict[str, Any], key: str, value: str) -> dict[str, Any]:
    conditions = {operator: dict(block) for operator, block in statement.get("Condition", {}).items()}
    conditions.setdefault("StringEquals", {})[key] = value
    return {**statement, "Condition": conditions}


_NOBODY: Final = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}
"""In place of a trust policy without statements, which IAM does not accept."""


def _rewritten(evidence: Evidence, role: Role, number: int, change: Change) -> Fix:
    """The call that changes one statement of a trust policy, or takes it away where `change` gives None."""
    document = json.loads(with_principals(role.trust, partial(shown_form, evidence.state)))
    statements = document["Statement"]
    statements = [statements] if isinstance(statements, dict) else list(statements)
    changed = change(statements[number])
    statements[number : number + 1] = [] if changed is None else [changed]
    document["Statement"] = statements or [_NOBODY]
    text = json.dumps(document, separators=(",", ":"))
    return Fix("iam", "UpdateAssumeRolePolicy", {"RoleName": role.name, "PolicyDocument": text})


CHECKS: Final = (trust_of_anyone, trust_of_strangers, service_trust_without_source)
