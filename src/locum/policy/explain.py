"""Why a decision came out as it did, statement by statement. Computed on demand, never on the way to a decision.

A statement that does not match is told by the first of its elements that fails, in the order Action, Principal,
Resource, Condition, with what the policy has and what the request has. The nearer to the end it failed, the nearer
it was: those are the near misses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

from locum.policy import hints
from locum.policy.compile import CompiledPolicy, CompiledStatement, StatementReference, action_pattern
from locum.policy.conditions import PreparedCondition
from locum.policy.decision import Decision, Outcome, PolicyType, Verdict
from locum.policy.document import Principals
from locum.policy.evaluate import Policies
from locum.policy.facts import Facts, Request
from locum.policy.location import JsonPath, render_path

_SHOWN_NEAR_MISSES: Final = 3


class Element(IntEnum):
    """The elements of a statement, in the order in which they are held against a request."""

    ACTION = 0
    PRINCIPAL = 1
    RESOURCE = 2
    CONDITION = 3


class Failure(NamedTuple):
    """The first element that failed: what the policy has there, what the request has, and a hint, or empty."""

    element: Element
    name: str
    path: JsonPath
    wanted: tuple[str, ...]
    given: tuple[str, ...]
    hint: str

    @property
    def sentence(self) -> str:
        """One line: `Resource has arn:aws:s3:::b, the request arn:aws:s3:::b/k`."""
        given = ", ".join(self.given) or "nothing"
        return f"{self.name} has {', '.join(self.wanted)}; the request has {given}"


class StatementReport(NamedTuple):
    """One statement: `failure` is None where it matched."""

    type: PolicyType
    reference: StatementReference
    allows: bool
    failure: Failure | None

    @property
    def title(self) -> str:
        """`Allow, statement 0 "Read" of inline policy s3-read`."""
        source = self.reference.source
        sid = f' "{self.reference.sid}"' if self.reference.sid else ""
        where = source.name or source.arn or str(self.type)
        return f"{'Allow' if self.allows else 'Deny'}, statement {self.reference.number}{sid} of {where}"


class Explanation(NamedTuple):
    """A decision, explained. `near_misses` are Allow statements, nearest first; `changes` says what would help."""

    request: Request
    decision: Decision
    statements: tuple[StatementReport, ...]
    near_misses: tuple[StatementReport, ...]
    changes: tuple[str, ...]

    @property
    def reason(self) -> str:
        """AWS's wording of a denial, or what allowed the request."""
        return self.decision.reason(self.request.action) or "allowed"

    def lines(self) -> list[str]:
        """For a person to read, on one screen."""
        request, decision = self.request, self.decision
        lines = [
            f"{decision.verdict}: {request.principal.arn} {request.action} on {request.resource}",
            f"  {self.reason}",
        ]
        for kind, outcome in zip(PolicyType, decision.outcomes, strict=True):
            if outcome is not Outcome.ABSENT:
                lines.append(f"  {kind}: {outcome.lower()}")
        lines += [f"  matched: {report.title}" for report in self.statements if report.failure is None]
        for report in self.near_misses[:_SHOWN_NEAR_MISSES]:
            lines += _near_miss_lines(report)
        lines += [f"  to change it: {change}" for change in self.changes]
        return lines

    def text(self) -> str:
        """`lines`, joined."""
        return "\n".join(self.lines())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        decision = self.decision
        return {
            "verdict": str(decision.verdict),
            "reason": self.reason,
            "deniedBy": None if decision.denied_by is None else str(decision.denied_by),
            "outcomes": {str(k): str(o) for k, o in zip(PolicyType, decision.outcomes, strict=True)},
            "statements": [_report_dict(report) for report in self.statements],
            "nearMisses": [_report_dict(report) for report in self.near_misses],
            "changes": list(self.changes),
        }


def explain(request: Request, policies: Policies, decision: Decision) -> Explanation:
    """Why `policies` decide `request` as they do."""
    facts = Facts(request, bounded=policies.boundary is not None)
    reports = tuple(
        StatementReport(kind, statement.reference, statement.allows, _failure(statement, facts))
        for kind, policy in _every_policy(policies)
        for statement in policy.statements
    )
    misses = () if decision.allowed else _near_misses(reports, decision)
    return Explanation(request, decision, reports, misses, tuple(_changes(request, decision, reports, misses)))


def _every_policy(policies: Policies) -> Iterator[tuple[PolicyType, CompiledPolicy]]:
    for level in policies.rcps:
        yield from ((PolicyType.RCP, policy) for policy in level)
    for level in policies.scps:
        yield from ((PolicyType.SCP, policy) for policy in level)
    singles = (
        (PolicyType.ENDPOINT, policies.endpoint),
        (PolicyType.RESOURCE, policies.resource),
        (PolicyType.BOUNDARY, policies.boundary),
    )
    for kind, policy in singles:
        if policy is not None:
            yield kind, policy
    yield from ((PolicyType.SESSION, policy) for policy in policies.session or ())
    yield from ((PolicyType.IDENTITY, policy) for policy in policies.identity)


# --- one statement -------------------------------------------------------------------------------------------


def _failure(statement: CompiledStatement, facts: Facts) -> Failure | None:
    for check in (_action_failure, _principal_failure, _resource_failure, _condition_failure):
        failure = check(statement, facts)
        if failure is not None:
            return failure
    return None


def _action_failure(statement: CompiledStatement, facts: Facts) -> Failure | None:
    source = statement.statement
    negated = source.not_actions is not None
    listed = source.not_actions if source.not_actions is not None else source.actions or ()
    if any(_acts(text, facts.action) for text in listed) is not negated:
        return None
    name = "NotAction" if negated else "Action"
    hint = "" if negated else hints.action_hint(listed, facts.action)
    return Failure(Element.ACTION, name, (*source.path, name), listed, (facts.request.action,), hint)


def _acts(text: str, action: str) -> bool:
    pattern = action_pattern(text)
    if pattern.service is not None and not action.startswith(f"{pattern.service}:"):
        return False
    return pattern.matches(action)


def _principal_failure(statement: CompiledStatement, facts: Facts) -> Failure | None:
    if statement.principal is None or statement.principal.names(facts) is not None:
        return None
    source = statement.statement
    listed = source.principals or source.not_principals
    assert listed is not None
    name = "Principal" if source.principals is not None else "NotPrincipal"
    wanted = _principal_texts(listed)
    hint = hints.principal_hint(listed.aws, facts.principal)
    given = facts.request.provider or facts.principal.arn
    return Failure(Element.PRINCIPAL, name, (*source.path, name), wanted, (given,), hint)


def _principal_texts(listed: Principals) -> tuple[str, ...]:
    return (*(("*",) if listed.everyone else ()), *listed.aws, *listed.service, *listed.federated, *listed.canonical)


def _resource_failure(statement: CompiledStatement, facts: Facts) -> Failure | None:
    if statement.resource is None or statement.resource(facts):
        return None
    source = statement.statement
    negated = source.not_resources is not None
    name = "NotResource" if negated else "Resource"
    hint = "" if negated else hints.resource_hint(statement.resources, facts)
    wanted = tuple(pattern.text for pattern in statement.resources)
    return Failure(Element.RESOURCE, name, (*source.path, name), wanted, (facts.resource,), hint)


def _condition_failure(statement: CompiledStatement, facts: Facts) -> Failure | None:
    for condition in statement.conditions:
        if not condition.holds(facts):
            return _unmet(condition, facts)
    return None


def _unmet(condition: PreparedCondition, facts: Facts) -> Failure:
    value = facts.get(condition.key)
    given = () if value is None else (value,) if isinstance(value, str) else value
    source = condition.source
    name = f"{source.operator} {source.key}"
    hint = hints.condition_hint(condition, value)
    return Failure(Element.CONDITION, name, source.path, source.values, given, hint)


# --- all statements ------------------------------------------------------------------------------------------


def _near_misses(reports: Sequence[StatementReport], decision: Decision) -> tuple[StatementReport, ...]:
    """Allow statements of the type whose Allow is missing (else of any), that failed after their action, or might
    have been meant.
    """
    missed = [
        report
        for report in reports
        if report.allows
        and report.failure is not None
        and (report.failure.element > Element.ACTION or report.failure.hint)
        and decision.denied_by in (None, report.type)
    ]
    return tuple(sorted(missed, key=_nearness, reverse=True))


def _nearness(report: StatementReport) -> tuple[int, bool]:
    failure = report.failure
    return (-1, False) if failure is None else (failure.element, bool(failure.hint))


def _changes(
    request: Request,
    decision: Decision,
    reports: Sequence[StatementReport],
    misses: Sequence[StatementReport],
) -> Iterator[str]:
    if decision.verdict is Verdict.EXPLICIT_DENY:
        for report in reports:
            if report.reference in decision.determining and not report.allows:
                yield f"{report.title} denies this, and no Allow outweighs it: narrow it, or meet an exception it makes"
    if decision.verdict is Verdict.IMPLICIT_DENY and decision.denied_by is not None:
        hinted = [report for report in misses if report.failure is not None and report.failure.hint]
        for report in hinted[:1]:
            assert report.failure is not None
            yield f"{report.failure.hint} ({report.title}, {render_path(report.failure.path)})"
        yield _missing_allow(request, decision.denied_by)


def _missing_allow(request: Request, kind: PolicyType) -> str:
    wanted = f"{request.action} on {'*' if request.wildcard_only else request.resource}"
    match kind:
        case PolicyType.SCP:
            return f"at every level of the organization, a service control policy must allow {wanted}"
        case PolicyType.BOUNDARY:
            return f"the permissions boundary must allow {wanted} too: it caps what the other policies grant"
        case PolicyType.SESSION:
            return f"the session policies must allow {wanted} too: they cap what the role or user may do"
        case PolicyType.RESOURCE:
            return f"the resource's own policy must allow {request.principal.arn} to do {wanted}"
        case PolicyType.ENDPOINT:
            return f"the policy of the VPC endpoint must allow {wanted}"
        case _:
            return f"a policy of the caller must allow {wanted}"


def _near_miss_lines(report: StatementReport) -> list[str]:
    failure = report.failure
    assert failure is not None
    lines = [f"  near miss: {report.title}", f"    {failure.sentence}"]
    return [*lines, f"    {failure.hint}"] if failure.hint else lines


def _report_dict(report: StatementReport) -> dict[str, Any]:
    failure = report.failure
    source = report.reference.source
    return {
        "policyType": str(report.type),
        "policy": source.name,
        "policyArn": source.arn,
        "statement": report.reference.number,
        "sid": report.reference.sid,
        "effect": "Allow" if report.allows else "Deny",
        "matched": failure is None,
        "failed": None
        if failure is None
        else {
            "element": failure.name,
            "path": render_path(failure.path),
            "policy": list(failure.wanted),
            "request": list(failure.given),
            "hint": failure.hint,
        },
    }


def matches(policy: CompiledPolicy, request: Request, *, bounded: bool = False) -> tuple[StatementReference, ...]:
    """All statements of `policy` that match `request`, of either effect: what the policy simulator lists."""
    facts = Facts(request, bounded=bounded)
    return tuple(s.reference for s in policy.statements if _failure(s, facts) is None)
