"""The policy evaluator, in two steps.

1. Each type of policy is evaluated alone: it denies, allows, or is silent.
2. The outcomes are combined, rule by rule; the first rule that applies decides.

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
from locum.policy.grammar import ROOT_ARN, RULES, PolicyKind
from locum.policy.prepared import PreparedRequest, Request
from locum.policy.principals import Form

Level = tuple[CompiledPolicy, ...]


class Policies(NamedTuple):
    """All policies that take part in one decision.

    `session` is None (or empty) where no session policy was passed. `scps` are the levels of the principal's account,
    from the organization's root to the account; () where SCPs are not in force. `rcps` are those of the resource's
    account. `endpoint` is the policy of the VPC endpoint that the request came through. `scopes` are the scope down
    policies of the session: like session policies, but each must allow, and no grant bypasses them.
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
    scopes: Level = ()


class Bypass(NamedTuple):
    """The implicit denies that the grant of a resource policy bypasses, in the same account."""

    identity: bool
    limits: bool
    """Those of the permissions boundary and of the session policy."""


# The table of docs/semantics.md, "principal named in the resource policy". Its columns for boundary and session
# policy are the same in every row but that of a user, who has no session policy.
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
ALWAYS_ALLOWED: Final = frozenset({"sts:getcalleridentity", "sts:getsessiontoken"})

_ALLOWED: Final = PolicyTypeOutcome.ALLOWED
_DENIED: Final = PolicyTypeOutcome.DENIED
_SILENT: Final = PolicyTypeOutcome.SILENT
_ABSENT: Final = PolicyTypeOutcome.ABSENT
_PASSES: Final = frozenset({_ALLOWED, _ABSENT})
_WITHOUT_IDENTITY_POLICIES: Final = (PrincipalKind.ANONYMOUS, PrincipalKind.SERVICE)


class TypeOutcomes:
    """Step 1: the outcome of each type of policy, and the statements that match."""

    __slots__ = ("allowing", "denying", "forms", "outcomes", "policies", "prepared", "scoped")

    def __init__(self, request: Request, policies: Policies) -> None:
        self.prepared = PreparedRequest(request, bounded=policies.boundary is not None)
        self.policies = policies
        self.denying: list[CompiledStatement] = []
        self.allowing: list[CompiledStatement] = []
        self.forms: list[Form] = []
        self.scoped = self._scopes() if policies.scopes else _ABSENT
        self.outcomes = Outcomes(
            rcp=self._rcp() if policies.rcps else _ABSENT,
            scp=self._scp() if policies.scps else _ABSENT,
            endpoint=_ABSENT if policies.endpoint is None else self._union_by_principal(policies.endpoint, []),
            resource=_ABSENT if policies.resource is None else self._union_by_principal(policies.resource, self.forms),
            boundary=_ABSENT if policies.boundary is None else self._union((policies.boundary,)),
            session=self._session(),
            identity=self._union(policies.identity),
        )

    def _union(self, group: Iterable[CompiledPolicy]) -> PolicyTypeOutcome:
        """The outcome of policies without a Principal element: their union, in which a Deny wins [1]."""
        prepared = self.prepared
        action, resource = prepared.action, prepared.resource
        outcome = _SILENT
        for policy in group:
            denies, allows = policy.select(action)
            if denies is not None:
                for statement in denies.of(resource):
                    if statement.applies(prepared):
                        self.denying.append(statement)
                        outcome = _DENIED
            if allows is not None:
                for statement in allows.of(resource):
                    if statement.applies(prepared):
                        self.allowing.append(statement)
                        if outcome is _SILENT:
                            outcome = _ALLOWED
        return outcome

    def _union_by_principal(self, policy: CompiledPolicy, forms: list[Form]) -> PolicyTypeOutcome:
        """The outcome of a policy with a Principal element. The form of each matching Allow is appended to `forms`."""
        prepared = self.prepared
        outcome = _SILENT
        for candidates in policy.select(prepared.action):
            for statement in candidates.of(prepared.resource) if candidates is not None else ():
                form = statement.names(prepared)
                if form is None or not statement.applies(prepared):
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
        """The outcome of session policies: their union [17].

        A federated session without one has no permissions [18]. A scope down policy that denies is reported as one.
        """
        if self.scoped is _DENIED:
            self._union(self.policies.session or ())
            return _DENIED
        if self.policies.session:
            return self._union(self.policies.session)
        federated = self.prepared.principal.kind is PrincipalKind.FEDERATED_USER
        return _SILENT if federated else _ABSENT

    def _scopes(self) -> PolicyTypeOutcome:
        """The outcome of the scope down policies.

        IAM User Guide, "Permissions for GetScopedCredentials": "the intersection of [...] the effective permissions of
        the calling session, the scope down policy you pass, any scope down policies applied by prior [...] calls".
        """
        return _intersection([self._union((scope,)) for scope in self.policies.scopes])

    def _scp(self) -> PolicyTypeOutcome:
        """The outcome of the SCPs: an Allow is required at every level [26]. [27] lists who is exempt."""
        policies = self.policies
        exempt = policies.principal_in_management_account or policies.principal_is_service_linked_role
        if exempt or self.prepared.principal.kind in _WITHOUT_IDENTITY_POLICIES or self.prepared.request.provider:
            return _ABSENT
        return _intersection([self._union(level) for level in policies.scps])

    def _rcp(self) -> PolicyTypeOutcome:
        """The outcome of the RCPs: a Deny, or else an Allow, as RCPAWSFullAccess cannot be detached anywhere [28]."""
        policies = self.policies
        if self._exempt_from_rcps():
            return _ABSENT
        outcomes = [self._union_by_principal(policy, []) for level in policies.rcps for policy in level]
        return _DENIED if _DENIED in outcomes else _ALLOWED

    def _exempt_from_rcps(self) -> bool:
        """Whether RCPs do not apply to the request.

        "RCPs don't apply to resources in the management account ... service-linked roles ... AWS managed KMS keys ...
        kms:RetireGrant".
        """
        policies = self.policies
        return (
            policies.resource_in_management_account
            or policies.principal_is_service_linked_role
            or policies.resource_is_aws_managed_key
            or self.prepared.action == "kms:retiregrant"
        )


def _intersection(levels: list[PolicyTypeOutcome]) -> PolicyTypeOutcome:
    if _DENIED in levels:
        return _DENIED
    return _SILENT if _SILENT in levels else _ALLOWED


def evaluate(request: Request, policies: Policies) -> Decision:
    """Evaluate `policies` for `request`. Pure and total: it raises nothing, and the default is a deny."""
    found = TypeOutcomes(request, policies)
    outcomes = found.outcomes
    if found.prepared.action in ALWAYS_ALLOWED and request.principal.kind not in _WITHOUT_IDENTITY_POLICIES:
        return Decision(Verdict.ALLOW, (), outcomes)
    if found.denying:
        determining = tuple([statement.reference for statement in found.denying])
        return Decision(Verdict.EXPLICIT_DENY, determining, outcomes, _first_denier(outcomes))
    missing = _missing(found)
    if missing is not None:
        return Decision(Verdict.IMPLICIT_DENY, (), outcomes, missing)
    return Decision(Verdict.ALLOW, tuple([statement.reference for statement in found.allowing]), outcomes)


def allows_alone(request: Request, policy: CompiledPolicy) -> bool:
    """Whether `policy` allows `request`: an Allow in it applies and no Deny, whatever other policies there are."""
    by_principal = RULES[policy.document.kind].principal
    policies = Policies(resource=policy) if by_principal else Policies(identity=(policy,))
    outcomes = evaluate(request, policies).outcomes
    return (outcomes.resource if by_principal else outcomes.identity) is _ALLOWED


def _first_denier(outcomes: Outcomes) -> PolicyType:
    """The type of policy that the error message names.

    "If multiple policy types deny an authorization request, AWS includes only one of them in the message."
    """
    return next(kind for kind, outcome in zip(PolicyType, outcomes, strict=True) if outcome is _DENIED)


def _missing(found: TypeOutcomes) -> PolicyType | None:
    """Step 2, without an explicit deny: the type of policy whose Allow is missing; None where the request is allowed.

    The order of the rules decides only which missing Allow is reported.
    """
    outcomes, principal = found.outcomes, found.prepared.principal
    # [2, 26, 29] SCPs must allow, even where a resource policy grants.
    if outcomes.scp not in _PASSES:
        return PolicyType.SCP
    # So must the policy of the VPC endpoint.
    if outcomes.endpoint not in _PASSES:
        return PolicyType.ENDPOINT
    if found.scoped not in _PASSES:
        return PolicyType.SESSION
    # [15, 16] Anonymous, service and federated principals have only the permissions of the resource policy.
    if principal.kind in _WITHOUT_IDENTITY_POLICIES or found.prepared.request.provider:
        return None if outcomes.resource is _ALLOWED else PolicyType.RESOURCE
    # [5] Cross-account: both accounts must allow, without a bypass.
    if principal.account != found.prepared.request.resource_account:
        return _missing_cross_account(found)
    # [4] Roles and KMS keys: the resource's own policy must name the caller or its account, also for root [24].
    if _requires_resource_policy(found.prepared) and outcomes.resource is not _ALLOWED:
        return PolicyType.RESOURCE
    return _missing_same_account(found)


def _missing_cross_account(found: TypeOutcomes) -> PolicyType | None:
    missing = _missing_of_caller(found, _NO_BYPASS)
    if missing is not None:
        return missing
    # [25] "You cannot pass a role to a service in another account."
    if found.prepared.action == "iam:passrole" or found.outcomes.resource is not _ALLOWED:
        return PolicyType.RESOURCE
    return None


def _missing_same_account(found: TypeOutcomes) -> PolicyType | None:
    """The missing Allow within one account. Of the matching grants, the one with the widest bypass counts."""
    policy = found.policies.resource
    # The action is checked because an ECR repository policy has no Resource either, and is not a trust policy.
    trust = policy is not None and policy.document.kind is PolicyKind.TRUST and found.prepared.action[:4] == "sts:"
    bypass = _NO_BYPASS
    for form in found.forms:
        bypass = max(bypass, BYPASSES[form])
    if trust and bypass.limits and _stopped_by_boundary(found):
        return PolicyType.BOUNDARY
    return _missing_of_caller(found, bypass)


def _stopped_by_boundary(found: TypeOutcomes) -> bool:
    """Whether the boundary lacks an Allow. [7] A trust policy does not bypass it, even where it names the user."""
    return found.outcomes.boundary not in _PASSES


def _missing_of_caller(found: TypeOutcomes, bypass: Bypass) -> PolicyType | None:
    """The missing Allow among the caller's own policies; None where each of them allows or is bypassed."""
    outcomes = found.outcomes
    if not bypass.identity and outcomes.identity is not _ALLOWED and not _has_root_permissions(found.prepared):
        return PolicyType.IDENTITY
    if not bypass.limits and outcomes.boundary not in _PASSES:
        return PolicyType.BOUNDARY
    if not bypass.limits and outcomes.session not in _PASSES and not _is_assume_root_session(found.prepared):
        return PolicyType.SESSION
    return None


def _is_assume_root_session(prepared: PreparedRequest) -> bool:
    """Whether this is a root session of AssumeRoot [24]. Its task policy only denies what is not part of the task."""
    return prepared.principal.kind is PrincipalKind.ROOT


def _has_root_permissions(prepared: PreparedRequest) -> bool:
    """Whether the caller needs no identity policy: root [24], or a session federated by root, apart from [18]."""
    principal = prepared.principal
    return principal.kind is PrincipalKind.ROOT or (
        principal.kind is PrincipalKind.FEDERATED_USER and ROOT_ARN.fullmatch(principal.issuer_arn) is not None
    )


def _requires_resource_policy(prepared: PreparedRequest) -> bool:
    service = prepared.action.partition(":")[0]
    if service not in ("kms", "sts"):
        return False
    parts = prepared.resource.split(":", 5)
    if len(parts) != 6:
        return False
    if service == "kms":
        return parts[2] == "kms" and parts[5].startswith("key/")
    return parts[2] == "iam" and parts[5].startswith("role/")
