"""The answer of a simulation: one EvaluationResult an action.

IAM API Reference, EvaluationResult: "The simulator now returns a single EvaluationResult per action, regardless of
how many resource ARNs are provided. ... The top-level EvalDecision reflects the most restrictive decision across all
resources ... To see the decision for each individual resource, use ResourceSpecificResults."

    member                             no resource named         resources named
    MatchedStatements                  yes                       yes, and by resource
    MissingContextValues               yes, on an implicit deny  likewise, and by resource; else empty
                                       with what is missing
    EvalDecisionDetails                no                        yes, and by resource; empty in the same account
    PermissionsBoundaryDecisionDetail  where there is a boundary yes, and by resource
    OrganizationsDecisionDetail        where there are SCPs      yes
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from locum.policy import Decision, PolicyKind, PolicyType, PolicyTypeOutcome, StatementReference, Verdict
from locum.services.iam.simulator.inputs import EVERY_RESOURCE, Simulation
from locum.services.iam.simulator.positions import Places

_DECISIONS: Final = {
    Verdict.ALLOW: "allowed",
    Verdict.EXPLICIT_DENY: "explicitDeny",
    Verdict.IMPLICIT_DENY: "implicitDeny",
}
_OUTCOMES: Final = {
    PolicyTypeOutcome.ALLOWED: "allowed",
    PolicyTypeOutcome.DENIED: "explicitDeny",
    PolicyTypeOutcome.SILENT: "implicitDeny",
    PolicyTypeOutcome.ABSENT: "implicitDeny",
}
_RESTRICTIVENESS: Final = {"allowed": 0, "implicitDeny": 1, "explicitDeny": 2}

_IDENTITY: Final = "IAM Policy"
_RESOURCE: Final = "Resource Policy"
_BOUNDARY: Final = "Permissions Boundary Policy"

_TYPES: Final = {
    PolicyKind.IDENTITY: _IDENTITY,
    PolicyKind.RESOURCE: _RESOURCE,
    PolicyKind.TRUST: _RESOURCE,
    PolicyKind.BOUNDARY: _BOUNDARY,
}
"""SourcePolicyType as the API answers it, which is not the enumeration of its model. SCPs are never told of."""

_TEMPLATES: Final = {
    "ec2": "arn:aws:ec2:${Region}:${Account}:${ResourceType}/${ResourcePath}",
    "iam": "arn:aws:iam::${Account}:${ResourceType}/${ResourceName}",
    "kms": "arn:aws:kms:${Region}:${Account}:${ResourceType}/${Id}",
    "lambda": "arn:aws:lambda:${Region}:${Account}:${ResourceType}:${ResourceId}",
    "s3": "arn:aws:s3:::${BucketName}/${KeyName}",
    "sqs": "arn:aws:sqs:${Region}:${Account}:${QueueName}",
    "sts": "arn:aws:iam::${Account}:${RelativeId}",
}
""" "The ARN template for the simulated resource type ..., or * if no ARN format is defined": what stands for several
resources, by service, as far as it is known.
"""

Statements = dict[StatementReference, dict[str, Any]]


class _Finding(NamedTuple):
    """One action on one resource. `statements` are those that determine it, `details` is None in the same account."""

    resource: str
    decision: str
    statements: Statements
    missing: list[str]
    details: dict[str, str] | None
    bounded: dict[str, bool] | None
    organized: dict[str, bool] | None


def results(simulation: Simulation, actions: Iterable[str]) -> list[dict[str, Any]]:
    """The EvaluationResults of `actions`."""
    policies = simulation.supposed.policies
    single = (policies.boundary, policies.resource)
    places = Places((*policies.identity, *(found for found in single if found is not None)), simulation.names)
    return [_result(simulation, places, action) for action in actions]


def _result(simulation: Simulation, places: Places, action: str) -> dict[str, Any]:
    findings = [_find(simulation, places, action, resource) for resource in simulation.resources]
    statements = {key: shown for finding in findings for key, shown in finding.statements.items()}
    answer: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": _resource_name(simulation, action),
        "EvalDecision": _strictest(finding.decision for finding in findings),
        "MatchedStatements": list(statements.values()),
        "MissingContextValues": list(dict.fromkeys(key for finding in findings for key in finding.missing)),
        **_all("OrganizationsDecisionDetail", [finding.organized for finding in findings]),
        **_all("PermissionsBoundaryDecisionDetail", [finding.bounded for finding in findings]),
    }
    if not simulation.everywhere:
        answer["EvalDecisionDetails"] = _strictest_details(findings)
        answer["ResourceSpecificResults"] = [_specific(finding) for finding in findings]
    return answer


def _resource_name(simulation: Simulation, action: str) -> str:
    if len(simulation.resources) == 1:
        return simulation.resources[0]
    return _TEMPLATES.get(action.partition(":")[0].lower(), EVERY_RESOURCE)


def _specific(finding: _Finding) -> dict[str, Any]:
    optional = {
        "EvalDecisionDetails": finding.details,
        "PermissionsBoundaryDecisionDetail": finding.bounded,
    }
    return {
        "EvalResourceName": finding.resource,
        "EvalResourceDecision": finding.decision,
        "MatchedStatements": list(finding.statements.values()),
        "MissingContextValues": finding.missing,
        **{name: value for name, value in optional.items() if value},
    }


# --- one action on one resource --------------------------------------------------------------------------------


def _find(simulation: Simulation, places: Places, action: str, resource: str) -> _Finding:
    supposed, account = simulation.supposed, simulation.owner_of(resource)
    policies, decision = supposed.policies, supposed.decide(action, resource, account)
    outcomes = decision.outcomes
    # "If an Organizations SCP included in the evaluation denies access, the simulation ends."
    ended = decision.denied_by is PolicyType.SCP
    across = account != supposed.principal.account and not ended
    allowed_by_scps = outcomes.scp in (PolicyTypeOutcome.ALLOWED, PolicyTypeOutcome.ABSENT)
    return _Finding(
        resource,
        _DECISIONS[decision.verdict],
        {} if ended else _statements(places, decision),
        simulation.missing if decision.verdict is Verdict.IMPLICIT_DENY and not ended else [],
        _details(decision) if across else None,
        {"AllowedByPermissionsBoundary": outcomes.boundary is PolicyTypeOutcome.ALLOWED} if policies.boundary else None,
        {"AllowedByOrganizations": allowed_by_scps} if policies.scps else None,
    )


def _statements(places: Places, decision: Decision) -> Statements:
    """The statements that determine a decision: of an allow, those that grant, and not what limits."""
    granting = decision.verdict is Verdict.ALLOW
    return {
        reference: places.shown(reference, _TYPES[reference.source.kind])
        for reference in decision.determining
        if reference.source.kind in _TYPES and not (granting and reference.source.kind is PolicyKind.BOUNDARY)
    }


def _details(decision: Decision) -> dict[str, str]:
    """The decisions of the types of policies on a request across accounts."""
    outcomes = decision.outcomes
    details = {_IDENTITY: _OUTCOMES[outcomes.identity], _RESOURCE: _OUTCOMES[outcomes.resource]}
    if outcomes.boundary is not PolicyTypeOutcome.ABSENT:
        details[_BOUNDARY] = _OUTCOMES[outcomes.boundary]
    return details


# --- all resources ---------------------------------------------------------------------------------------------


def _strictest(decisions: Iterable[str]) -> str:
    return max(decisions, key=_RESTRICTIVENESS.__getitem__)


def _strictest_details(findings: Sequence[_Finding]) -> dict[str, str]:
    """ "this map reports the most restrictive decision per policy type across all requested resources"."""
    details: dict[str, str] = {}
    for finding in findings:
        for kind, decision in (finding.details or {}).items():
            details[kind] = _strictest((details.get(kind, decision), decision))
    return details


def _all(member: str, found: Sequence[dict[str, bool] | None]) -> dict[str, dict[str, bool]]:
    """A detail of every resource as that of the whole: true where it is true of each."""
    told = [detail for detail in found if detail is not None]
    return {member: {name: all(detail[name] for detail in told) for name in told[0]}} if told else {}
