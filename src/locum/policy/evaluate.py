"""The one evaluator.

    1  every type of policy is asked alone: does it deny, allow, or say nothing?
    2  the outcomes are combined, row by row; the first row that applies decides.

IAM User Guide, "Policy evaluation logic", "Evaluating identity-based policies with resource-based policies",
"Cross-account policy evaluation logic"; Organizations User Guide, "SCP evaluation", "RCP evaluation". The numbers
in brackets are those of docs/semantics.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from locum.core.principal import PrincipalKind
from locum.policy.compile import CompiledPolicy, CompiledStatement
from locum.policy.decision import Decision, Outcomes, PolicyType, PolicyTypeOutcome, Verdict
from locum.policy.grammar import ROOT_ARN, PolicyKind
from locum.policy.prepared import PreparedRequest, Request
from locum.policy.principals import Form

Level = tuple[CompiledPolicy, ...]


class Policies(NamedTuple):
    """All policies that take part in one decision.

    `session` is None (or empty) where none was passed. `scps` are the levels of the principal's account, root to
    account; () where SCPs are not in force. `rcps` are those of the resource's account. `endpoint` is the policy
    of the VPC endpoint that the request came through.
    """

    identity: Level = ()
    boundary: CompiledPolicy | None = None
    session: Level | None = None
    resource: CompiledPolicy | None = None
    scps: tuple[Level, ...] = ()
    rcps: tuple[Level, ...] = ()
    endpoint: CompiledPolicy | None = None
    principal_in_management_account: bool = False
    principal_is_service_linked_role: bool = False
    resource_in_management_account: bool = False
    resource_is_aws_managed_key: bool = False


class Bypass(NamedTuple):
    """Which implicit denies the grant of a resource policy passes over, in the same account."""

    identity: bool
    limits: bool
    """The boundary, and the session policy."""


# The table of docs/semantics.md, "principal named in the resource policy". A user has no session policy, so that
# its boundary and session column are one with those of the other exact forms.
BYPASSES: Final[dict[Form, Bypass]] = {
    Form.USER: Bypass(identity=True, limits=True),
    Form.SESSION: Bypass(identity=True, limits=True),
    Form.EVERYONE: Bypass(identity=True, limits=True),
    Form.ROLE: Bypass(identity=True, limits=False),
    Form.FEDERATING_USER: Bypass(identity=True, limits=False),
    Form.ACCOUNT: Bypass(identity=False, limits=False),
    Form.SERVICE: Bypass(identity=True, limits=True),
    Form.PROVIDER: Bypass(identity=True, limits=True),
}
_NO_BYPASS: Final = Bypass(identity=False, limits=False)

# [20] "No permissions are required to perform this operation. If an administrator attaches a policy ... that
# explicitly denies access to the sts:GetCallerIdentity action, you can still perform this operation."
_ALWAYS_ALLOWED: Final = frozenset({"sts:getcalleridentity", "sts:getsessiontoken"})

_ALLOWED: Final = PolicyTypeOutcome.ALLOWED
_DENIED: Final = PolicyTypeOutcome.DENIED
_SILENT: Final = PolicyTypeOutcome.SILENT
_ABSENT: Final = PolicyTypeOutcome.ABSENT
_PASSES: Final = frozenset({_ALLOWED, _ABSENT})
_OUTSIDERS: Final = (PrincipalKind.ANONYMOUS, PrincipalKind.SERVICE)


class Survey:
    """Step 1: what each type of policy says, and the statements that say it."""

    __slots__ = ("allowing", "denying", "facts", "forms", "outcomes", "policies")

    def __init__(self, request: Request, policies: Policies) -> None:
        self.facts = PreparedRequest(request, bounded=policies.boundary is not None)
        self.policies = policies
        self.denying: list[CompiledStatement] = []
        self.allowing: list[CompiledStatement] = []
        self.forms: list[Form] = []
        self.outcomes = Outcomes(
            rcp=self._rcp() if policies.rcps else _ABSENT,
            scp=self._scp() if policies.scps else _ABSENT,
            endpoint=_ABSENT if policies.endpoint is None else self._named(policies.endpoint, []),
            resource=_ABSENT if policies.resource is None else self._named(policies.resource, self.forms),
            boundary=_ABSENT if policies.boundary is None else self._union((policies.boundary,)),
            session=self._session(),
            identity=self._union(policies.identity),
        )

    def _union(self, group: Iterable[CompiledPolicy]) -> PolicyTypeOutcome:
        """Policies of one type add up; a Deny in any wins [1]. Those without a Principal element."""
        facts = self.facts
        action, resource = facts.action, facts.resource
        outcome = _SILENT
        for policy in group:
            denies, allows = policy.select(action)
            if denies is not None:
                for statement in denies.of(resource):
                    if statement.applies(facts):
                        self.denying.append(statement)
                        outcome = _DENIED
            if allows is not None:
                for statement in allows.of(resource):
                    if statement.applies(facts):
                        self.allowing.append(statement)
                        if outcome is _SILENT:
                            outcome = _ALLOWED
        return outcome

    def _named(self, policy: CompiledPolicy, forms: list[Form]) -> PolicyTypeOutcome:
        """A policy with a Principal element; `forms` gets how its grants name the caller."""
        facts = self.facts
        outcome = _SILENT
        for candidates in policy.select(facts.action):
            for statement in candidates.of(facts.resource) if candidates is not None else ():
                form = statement.names(facts)
                if form is None or not statement.applies(facts):
                    continue
                if not statement.allows:
                    self.denying.append(statement)
                    outcome = _DENIED
                    continue
                self.allowing.append(statement)
                forms.append(form)
                if outcome is _SILENT:
                    outcome = _ALLOWED
        return outcome

    def _session(self) -> PolicyTypeOutcome:
        """[17] Session policies add up among themselves. [18] A federated session without one may do nothing."""
        if self.policies.session:
            return self._union(self.policies.session)
        federated = self.facts.principal.kind is PrincipalKind.FEDERATED_USER
        return _SILENT if federated else _ABSENT

    def _scp(self) -> PolicyTypeOutcome:
        """[26] An Allow at every level: union within a level, intersection across. [27] Who is exempt."""
        policies = self.policies
        exempt = policies.principal_in_management_account or policies.principal_is_service_linked_role
        if exempt or self.facts.principal.kind in _OUTSIDERS or self.facts.request.provider:
            return _ABSENT
        return _intersection([self._union(level) for level in policies.scps])

    def _rcp(self) -> PolicyTypeOutcome:
        """[28] RCPAWSFullAccess is attached everywhere and cannot be detached: only a Deny tells."""
        policies = self.policies
        if self._beyond_rcps():
            return _ABSENT
        outcomes = [self._named(policy, []) for level in policies.rcps for policy in level]
        return _DENIED if _DENIED in outcomes else _ALLOWED

    def _beyond_rcps(self) -> bool:
        """ "RCPs don't apply to resources in the management account ... service-linked roles ... AWS managed KMS
        keys ... kms:RetireGrant".
        """
        policies = self.policies
        return (
            policies.resource_in_management_account
            or policies.principal_is_service_linked_role
            or policies.resource_is_aws_managed_key
            or self.facts.action == "kms:retiregrant"
        )


def _intersection(levels: list[PolicyTypeOutcome]) -> PolicyTypeOutcome:
    if _DENIED in levels:
        return _DENIED
    return _SILENT if _SILENT in levels else _ALLOWED


def evaluate(request: Request, policies: Policies) -> Decision:
    """Whether `policies` let `request` proceed. Pure and total: it has no error, and its default is a deny."""
    survey = Survey(request, policies)
    outcomes = survey.outcomes
    if survey.facts.action in _ALWAYS_ALLOWED and request.principal.kind not in _OUTSIDERS:
        return Decision(Verdict.ALLOW, (), outcomes)
    if survey.denying:
        determining = tuple([statement.reference for statement in survey.denying])
        return Decision(Verdict.EXPLICIT_DENY, determining, outcomes, _first_denier(outcomes))
    missing = _missing(survey)
    if missing is not None:
        return Decision(Verdict.IMPLICIT_DENY, (), outcomes, missing)
    return Decision(Verdict.ALLOW, tuple([statement.reference for statement in survey.allowing]), outcomes)


def _first_denier(outcomes: Outcomes) -> PolicyType:
    """ "If multiple policy types deny an authorization request, AWS includes only one of them in the message." """
    return next(kind for kind, outcome in zip(PolicyType, outcomes, strict=True) if outcome is _DENIED)


def _missing(survey: Survey) -> PolicyType | None:
    """Step 2, where nothing denies: the type of policy whose Allow is missing; None: the request may proceed.

    The order of the rows decides only which missing Allow is named.
    """
    outcomes, principal = survey.outcomes, survey.facts.principal
    # [2, 26, 29] An SCP must allow, whatever else grants.
    if outcomes.scp not in _PASSES:
        return PolicyType.SCP
    # A VPC endpoint's policy filters likewise.
    if outcomes.endpoint not in _PASSES:
        return PolicyType.ENDPOINT
    # [15, 16] Nobody, services and those signed in elsewhere have what a resource policy grants them.
    if principal.kind in _OUTSIDERS or survey.facts.request.provider:
        return None if outcomes.resource is _ALLOWED else PolicyType.RESOURCE
    # [5] Cross-account: both sides, and no bypass.
    if principal.account != survey.facts.request.resource_account:
        return _missing_across(survey)
    # [4] Roles and KMS keys: their own policy must name the caller or its account, root included [24].
    if _must_be_named(survey.facts) and outcomes.resource is not _ALLOWED:
        return PolicyType.RESOURCE
    return _missing_at_home(survey)


def _missing_across(survey: Survey) -> PolicyType | None:
    missing = _missing_of_caller(survey, _NO_BYPASS)
    if missing is not None:
        return missing
    # [25] "You cannot pass a role to a service in another account."
    if survey.facts.action == "iam:passrole" or survey.outcomes.resource is not _ALLOWED:
        return PolicyType.RESOURCE
    return None


def _missing_at_home(survey: Survey) -> PolicyType | None:
    """Same account: the widest bypass among the matching grants counts; each grant stands for itself."""
    policy = survey.policies.resource
    # An ECR repository's policy has no Resource either, and is no trust policy.
    trust = policy is not None and policy.document.kind is PolicyKind.TRUST and survey.facts.action[:4] == "sts:"
    bypass = _NO_BYPASS
    for form in survey.forms:
        bypass = max(bypass, BYPASSES[form])
    if trust and bypass.limits and _stopped_by_boundary(survey):
        return PolicyType.BOUNDARY
    return _missing_of_caller(survey, bypass)


def _stopped_by_boundary(survey: Survey) -> bool:
    """[7] In a trust policy, not even naming the user passes over its boundary."""
    return survey.outcomes.boundary not in _PASSES


def _missing_of_caller(survey: Survey, bypass: Bypass) -> PolicyType | None:
    """What is missing on the caller's side: identity, boundary and session policies all allow, or are bypassed."""
    outcomes = survey.outcomes
    if not bypass.identity and outcomes.identity is not _ALLOWED and not _is_root(survey.facts):
        return PolicyType.IDENTITY
    if not bypass.limits and outcomes.boundary not in _PASSES:
        return PolicyType.BOUNDARY
    if not bypass.limits and outcomes.session not in _PASSES and not _on_a_task(survey.facts):
        return PolicyType.SESSION
    return None


def _on_a_task(facts: PreparedRequest) -> bool:
    """[24] A root session of AssumeRoot: its task policies do nothing but deny all that is not part of the task."""
    return facts.principal.kind is PrincipalKind.ROOT


def _is_root(facts: PreparedRequest) -> bool:
    """[24] The root user has no implicit deny of its own; nor has a session that root federated, but for [18]."""
    principal = facts.principal
    return principal.kind is PrincipalKind.ROOT or (
        principal.kind is PrincipalKind.FEDERATED_USER and ROOT_ARN.fullmatch(principal.issuer_arn) is not None
    )


def _must_be_named(facts: PreparedRequest) -> bool:
    service = facts.action.partition(":")[0]
    if service not in ("kms", "sts"):
        return False
    parts = facts.resource.split(":", 5)
    if len(parts) != 6:
        return False
    if service == "kms":
        return parts[2] == "kms" and parts[5].startswith("key/")
    return parts[2] == "iam" and parts[5].startswith("role/")
