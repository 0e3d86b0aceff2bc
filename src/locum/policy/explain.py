"""Explanations of decisions, statement by statement. Computed on demand, never as part of a decision.

A statement that does not match is reported with the first of its elements that fails, in the order Action, Principal,
Resource, Condition, with the values of the policy and of the request. The later the element that fails, the nearer
the statement was to a match: those are the near misses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

from locum.policy import hints, remedies
from locum.policy.compile import CompiledPolicy, CompiledStatement, StatementReference, action_pattern
from locum.policy.conditions import PreparedCondition
from locum.policy.decision import Decision, PolicyType, PolicyTypeOutcome, Verdict
from locum.policy.document import Principals
from locum.policy.evaluate import Policies
from locum.policy.location import JsonPath, render_path
from locum.policy.prepared import PreparedRequest, Request

_SHOWN_NEAR_MISSES: Final = 3


class Element(IntEnum):
    """An element of a statement, in the order in which they are compared with a request."""

    ACTION = 0
    PRINCIPAL = 1
    RESOURCE = 2
    CONDITION = 3


class Failure(NamedTuple):
    """The first element of a statement that does not match.

    `wanted` are the policy's values, `given` those of the request, `hint` the likely mistake. `edit` is a change of the
    statement that would make it match, `call` a change of the request. Each of the last three may be empty.
    """

    element: Element
    name: str
    path: JsonPath
    wanted: tuple[str, ...]
    given: tuple[str, ...]
    hint: str
    edit: str = ""
    call: str = ""

    @property
    def sentence(self) -> str:
        """One line of text: `Resource has arn:aws:s3:::b; the request has arn:aws:s3:::b/k`."""
        return f"{self.name} has {hints.few(self.wanted)}; the request has {hints.few(self.given) or 'nothing'}"


def _failed(
    element: Element,
    name: str,
    path: JsonPath,
    wanted: tuple[str, ...],
    given: tuple[str, ...],
    hint: hints.Hint = hints.NO_HINT,
) -> Failure:
    return Failure(element, name, path, wanted, given, hint.says, hint.edit, hint.call)


class StatementReport(NamedTuple):
    """The report on one statement. `failure` is None where it matched; `met` are the conditions of a matching Deny."""

    type: PolicyType
    reference: StatementReference
    allows: bool
    failure: Failure | None
    met: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """The statement and its policy: `statement 0 "Read" of inline policy s3-read`."""
        sid = f' "{self.reference.sid}"' if self.reference.sid else ""
        return (
            f"statement {self.reference.number}{sid} of {remedies.policy_label(self.reference.source, str(self.type))}"
        )

    @property
    def title(self) -> str:
        """The effect and the place: `Allow, statement 0 "Read" of inline policy s3-read`."""
        return f"{'Allow' if self.allows else 'Deny'}, {self.place}"


class Explanation(NamedTuple):
    """The explanation of a decision. `near_misses` are Allow statements, nearest first; `changes` are remedies."""

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
        """The explanation as lines of text, to fit one screen."""
        request, decision = self.request, self.decision
        lines = [
            f"{decision.verdict}: {request.principal.arn} {request.action} on {request.resource}",
            f"  {self.reason}",
        ]
        for kind, outcome in zip(PolicyType, decision.outcomes, strict=True):
            if outcome is not PolicyTypeOutcome.ABSENT:
                lines.append(f"  {kind}: {outcome.lower()}")
        for report in self.statements:
            if report.failure is None:
                lines += [f"  matched: {report.title}", *(f"    {line}" for line in report.met)]
        for report in self.near_misses[:_SHOWN_NEAR_MISSES]:
            lines += _near_miss_lines(report)
        lines += [f"  to change it: {change}" for change in self.changes]
        return lines

    def text(self) -> str:
        """The explanation as text: `lines`, joined."""
        return "\n".join(self.lines())

    def as_dict(self) -> dict[str, Any]:
        """The explanation as a JSON object."""
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
    """Explain `decision` of `policies` on `request`."""
    prepared = PreparedRequest(request, bounded=policies.boundary is not None)
    statements = [(kind, statement) for kind, policy in _every_policy(policies) for statement in policy.statements]
    reports = tuple(_report(kind, statement, prepared) for kind, statement in statements)
    misses = () if decision.allowed else _near_misses(reports, decision)
    if decision.verdict is Verdict.EXPLICIT_DENY:
        changes = tuple(_deny_remedies(statements, reports, decision, prepared))
    else:
        matched = {statement for (_, statement), report in zip(statements, reports, strict=True) if not report.failure}
        changes = tuple(_allow_remedies(request, policies, decision, misses, matched))
    return Explanation(request, decision, reports, misses, changes)


def _report(kind: PolicyType, statement: CompiledStatement, prepared: PreparedRequest) -> StatementReport:
    failure = _failure(statement, prepared)
    met = () if statement.allows or failure is not None else remedies.met(statement, prepared)
    return StatementReport(kind, statement.reference, statement.allows, failure, met)


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
    yield from ((PolicyType.SESSION, policy) for policy in (*(policies.session or ()), *policies.scopes))
    yield from ((PolicyType.IDENTITY, policy) for policy in policies.identity)


# --- one statement -------------------------------------------------------------------------------------------


def _failure(statement: CompiledStatement, prepared: PreparedRequest) -> Failure | None:
    for check in (_action_failure, _principal_failure, _resource_failure, _condition_failure):
        failure = check(statement, prepared)
        if failure is not None:
            return failure
    return None


def _action_failure(statement: CompiledStatement, prepared: PreparedRequest) -> Failure | None:
    source = statement.statement
    negated = source.not_actions is not None
    listed = source.not_actions if source.not_actions is not None else source.actions or ()
    if any(_action_matches(text, prepared.action) for text in listed) is not negated:
        return None
    name = "NotAction" if negated else "Action"
    hint = hints.NO_HINT if negated else hints.action_hint(listed, prepared.request.action)
    return _failed(Element.ACTION, name, (*source.path, name), listed, (prepared.request.action,), hint)


def _action_matches(text: str, action: str) -> bool:
    pattern = action_pattern(text)
    if pattern.service is not None and not action.startswith(f"{pattern.service}:"):
        return False
    return pattern.matches(action)


def _principal_failure(statement: CompiledStatement, prepared: PreparedRequest) -> Failure | None:
    if statement.principal is None or statement.principal.names(prepared) is not None:
        return None
    source = statement.statement
    listed = source.principals or source.not_principals
    assert listed is not None
    name = "Principal" if source.principals is not None else "NotPrincipal"
    wanted = _principal_texts(listed)
    hint = hints.principal_hint(listed, prepared.principal) if source.principals is not None else hints.NO_HINT
    given = prepared.request.provider or prepared.principal.arn
    return _failed(Element.PRINCIPAL, name, (*source.path, name), wanted, (given,), hint)


def _principal_texts(listed: Principals) -> tuple[str, ...]:
    return (*(("*",) if listed.everyone else ()), *listed.aws, *listed.service, *listed.federated, *listed.canonical)


def _resource_failure(statement: CompiledStatement, prepared: PreparedRequest) -> Failure | None:
    if statement.resource is None or statement.resource(prepared):
        return None
    source = statement.statement
    negated = source.not_resources is not None
    name = "NotResource" if negated else "Resource"
    hint = hints.NO_HINT if negated else hints.resource_hint(statement.resources, prepared)
    wanted = tuple(pattern.text for pattern in statement.resources)
    return _failed(Element.RESOURCE, name, (*source.path, name), wanted, (prepared.resource,), hint)


def _condition_failure(statement: CompiledStatement, prepared: PreparedRequest) -> Failure | None:
    for condition in statement.conditions:
        if not condition.holds(prepared):
            return _unmet(condition, prepared)
    return None


def _unmet(condition: PreparedCondition, prepared: PreparedRequest) -> Failure:
    value = prepared.get(condition.key)
    given = () if value is None else (value,) if isinstance(value, str) else value
    source = condition.source
    name = f"{source.operator} {source.key}"
    hint = hints.condition_hint(condition, value, prepared)
    return _failed(Element.CONDITION, name, source.path, source.values, given, hint)


# --- all statements ------------------------------------------------------------------------------------------


def _near_misses(reports: Sequence[StatementReport], decision: Decision) -> tuple[StatementReport, ...]:
    """The near misses, nearest first.

    They are Allow statements of the type whose Allow is missing (else of any type) that match the action, or for
    which there is a hint.
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


def _deny_remedies(
    statements: Sequence[tuple[PolicyType, CompiledStatement]],
    reports: Sequence[StatementReport],
    decision: Decision,
    prepared: PreparedRequest,
) -> Iterator[str]:
    """The remedies of an explicit deny: for each statement that denies, the changes that would avoid it."""
    for (_, statement), report in zip(statements, reports, strict=True):
        if report.reference in decision.determining and report.failure is None and not report.allows:
            ways = remedies.ways_to_avoid(statement, prepared)
            yield f"{report.title} denies this, and no Allow outweighs it: {ways}, or narrow it"


def _allow_remedies(
    request: Request,
    policies: Policies,
    decision: Decision,
    misses: Sequence[StatementReport],
    matched: Collection[CompiledStatement],
) -> Iterator[str]:
    """The remedies of an implicit deny: how the nearest statement would match, else the statement that is missing."""
    if decision.denied_by is None:
        return
    remedies_of_nearest = list(_near_miss_remedies(misses[0])) if misses else []
    yield from remedies_of_nearest
    if not remedies_of_nearest or decision.denied_by is PolicyType.SCP:
        yield from remedies.missing_allow(request, decision.denied_by, policies, matched)


def _near_miss_remedies(report: StatementReport) -> Iterator[str]:
    """The change of the statement and that of the request, either of which would make the near miss a match."""
    failure = report.failure
    assert failure is not None
    if failure.edit:
        yield f"{failure.edit} of {report.place}"
    if failure.call:
        yield f"{failure.call}, as {report.place} wants it" if failure.element is Element.CONDITION else failure.call


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
        "place": report.place,
        "matched": failure is None,
        "met": list(report.met),
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
    """All statements of `policy` that match `request`, of either effect, as the policy simulator lists them."""
    prepared = PreparedRequest(request, bounded=bounded)
    return tuple(s.reference for s in policy.statements if _failure(s, prepared) is None)
