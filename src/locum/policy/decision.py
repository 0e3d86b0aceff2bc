"""The decision is a value: what was decided, by which statements, and what each type of policy said."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from locum.policy.compile import StatementReference


class Verdict(StrEnum):
    """The three results of an evaluation."""

    ALLOW = "ALLOW"
    EXPLICIT_DENY = "EXPLICIT_DENY"
    IMPLICIT_DENY = "IMPLICIT_DENY"


class PolicyTypeOutcome(StrEnum):
    """What the policies of one type say together."""

    ALLOWED = "ALLOWED"
    DENIED = "DENIED"
    SILENT = "SILENT"
    ABSENT = "ABSENT"


class PolicyType(StrEnum):
    """The types of policies that a request is held against, as AWS's access-denied messages call them."""

    RCP = "resource control policy"
    SCP = "service control policy"
    ENDPOINT = "VPC endpoint policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    IDENTITY = "identity-based policy"


class Outcomes(NamedTuple):
    """The outcome by type of policy."""

    rcp: PolicyTypeOutcome
    scp: PolicyTypeOutcome
    endpoint: PolicyTypeOutcome
    resource: PolicyTypeOutcome
    boundary: PolicyTypeOutcome
    session: PolicyTypeOutcome
    identity: PolicyTypeOutcome


class Decision(NamedTuple):
    """A decision.

    `determining` are the statements it follows from: of an explicit deny, all that deny; of an allow, all that
    allow, in whichever type; of an implicit deny, none. `denied_by` is the type of policy that AWS's
    message names: the one that denies, or the one whose Allow is missing.
    """

    verdict: Verdict
    determining: tuple[StatementReference, ...]
    outcomes: Outcomes
    denied_by: PolicyType | None = None

    @property
    def allowed(self) -> bool:
        """Whether the request may proceed."""
        return self.verdict is Verdict.ALLOW

    def reason(self, action: str) -> str:
        """The end of AWS's access-denied message, empty for an allow.

        IAM User Guide, "Troubleshoot access denied error messages": "because no identity-based policy allows the
        s3:GetObject action", "with an explicit deny in a service control policy".
        """
        if self.denied_by is None:
            return ""
        if self.verdict is Verdict.EXPLICIT_DENY:
            article = "an" if self.denied_by is PolicyType.IDENTITY else "a"
            return f"with an explicit deny in {article} {self.denied_by}"
        return f"because no {self.denied_by} allows the {action} action"
