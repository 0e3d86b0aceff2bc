"""The result of authorizing a call, its error and its explanation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from locum import policy
from locum.authz.call import Call, Check
from locum.authz.catalogue import service
from locum.authz.messages import denied, reason
from locum.core.errors import Fault
from locum.policy import CompiledPolicy, Decision, Policies, PolicyKind, PolicyType, Request


class Ruling(NamedTuple):
    """One check, the input of its evaluation, and the decision."""

    check: Check
    request: Request
    policies: Policies
    decision: Decision

    @property
    def trust(self) -> bool:
        """Whether the resource's policy is a role's trust policy."""
        resource = self.policies.resource
        if resource is not None:
            return resource.source.kind is PolicyKind.TRUST
        return self.check.action.startswith("sts:") and ":role/" in self.check.resource

    @property
    def reason(self) -> str:
        """The end of AWS's message; empty where the check is allowed."""
        return reason(self.decision, self.check.action, trust=self.trust, policy=self._denier())

    def _denier(self) -> str:
        """The ARN of the managed policy that denies, for the message; empty where there is none.

        AWS Security Blog, "Enhanced access denied error messages with policy ARNs": for SCPs, RCPs, boundaries, session
        and identity policies, "only included when the request originates from either the same account or the same
        organization".
        """
        group = _GROUPS.get(self.decision.denied_by) if self.decision.denied_by is not None else None
        if group is None or not self._in_one_organization():
            return ""
        denying = {reference.source for reference in self.decision.determining}
        arns = (policy.source.arn for policy in group(self.policies) if policy.source in denying)
        return next((arn for arn in arns if ":policy/" in arn), "")

    def _in_one_organization(self) -> bool:
        """Whether caller and resource are in the same account, or in the same organization."""
        request = self.request
        if request.principal.account == request.resource_account:
            return True
        organization = request.context.get("aws:principalorgid")
        return organization is not None and organization == request.context.get("aws:resourceorgid")


def _levels(levels: tuple[tuple[CompiledPolicy, ...], ...]) -> Iterable[CompiledPolicy]:
    return (policy for level in levels for policy in level)


_GROUPS: Final[Mapping[PolicyType, Callable[[Policies], Iterable[CompiledPolicy]]]] = {
    PolicyType.RCP: lambda policies: _levels(policies.rcps),
    PolicyType.SCP: lambda policies: _levels(policies.scps),
    PolicyType.BOUNDARY: lambda policies: () if policies.boundary is None else (policies.boundary,),
    PolicyType.SESSION: lambda policies: (*(policies.session or ()), *policies.scopes),
    PolicyType.IDENTITY: lambda policies: policies.identity,
}
"""The policies of each type whose ARNs are part of the message."""


class Authorization:
    """Whether a call may proceed, and why. The rulings end with the one that failed.

    `gone` is the check that the message names where the credentials are those of a user or role that no longer exists.
    """

    __slots__ = ("_fault", "call", "gone", "rulings")

    def __init__(
        self,
        call: Call,
        rulings: tuple[Ruling, ...],
        fault: Fault | None = None,
        gone: Check | None = None,
    ) -> None:
        self.call = call
        self.rulings = rulings
        self.gone = gone
        self._fault = fault

    @property
    def allowed(self) -> bool:
        """Whether the call may proceed."""
        if self._fault is not None or self.gone is not None:
            return False
        return not self.rulings or self.rulings[-1].decision.allowed

    @property
    def failing(self) -> Ruling | None:
        """The ruling that refuses the call; None where it is allowed, or where no policy was evaluated."""
        return self.rulings[-1] if self.rulings and not self.rulings[-1].decision.allowed else None

    @property
    def verdict(self) -> str:
        """The verdict in the terms of a record: `allow`, `explicit-deny` or `implicit-deny`."""
        if self.allowed:
            return "allow"
        failing = self.failing
        return "implicit-deny" if failing is None else failing.decision.verdict.value.lower().replace("_", "-")

    def fault(self) -> Fault:
        """AWS's error for a refused call. Raises ValueError where the call is allowed."""
        if self._fault is not None:
            return self._fault
        principal = self.call.caller.principal
        protocol = self.call.protocol or service(self.call.service).protocol
        if self.gone is not None:
            because = f"because no identity-based policy allows the {self.gone.action} action"
            return denied(self.call.service, protocol, principal, self.gone, because)
        failing = self.failing
        if failing is None:
            raise ValueError("an allowed call has no fault")
        return denied(self.call.service, protocol, principal, failing.check, failing.reason)

    @property
    def determining(self) -> tuple[str, ...]:
        """The determining statements for the record, each as `policy#index` or `policy#Sid`."""
        if not self.rulings:
            return ()
        rulings = self.rulings if self.failing is None else (self.rulings[-1],)
        names = [
            f"{reference.source.name}#{reference.sid or reference.number}"
            for ruling in rulings
            for reference in ruling.decision.determining
        ]
        return tuple(dict.fromkeys(names))

    def explanation(self) -> dict[str, Any]:
        """The explanation by check and policy, as JSON values."""
        return {
            "allowed": self.allowed,
            "operation": f"{self.call.service}:{self.call.operation}",
            "principal": self.call.caller.principal.arn,
            "limit": self._fault.message if self._fault is not None else None,
            "gone": self.gone is not None,
            "checks": [_explained(ruling) for ruling in self.rulings],
        }


class Refusal(Fault):
    """A fault with which a verb refuses a call, and the authorization that explains it.

    For decisions that only the service knows to be needed. The client gets the fault, the record the authorization.
    """

    def __init__(self, fault: Fault, authorization: Authorization) -> None:
        super().__init__(fault.code, fault.message, fault.status, members=fault.members, resource=fault.resource)
        self.authorization = authorization


def _explained(ruling: Ruling) -> dict[str, Any]:
    return {
        "action": ruling.check.action,
        "resource": ruling.check.resource,
        "resourceAccount": ruling.request.resource_account,
        "verdict": ruling.decision.verdict.value,
        "reason": ruling.reason,
        "context": dict(ruling.request.context),
        "explanation": policy.explain(ruling.request, ruling.policies, ruling.decision).as_dict(),
    }
