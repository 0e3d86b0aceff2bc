"""The result of an evaluation: the verdict, the determining statements, and the outcome of each type of policy."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from locum.policy.compile import StatementReference


class Verdict(StrEnum):
    """The three results of an evaluation."""

    ALLOW = "ALLOW"
    EXPLICIT_DENY = "EXPLICIT_DENY"
    IMPLICIT_DENY = "IMPLICIT_DENY"


_ALLOW: Final = Verdict.ALLOW


class PolicyTypeOutcome(StrEnum):
    """The combined outcome of the policies of one type. SILENT: none matches; ABSENT: none takes part."""

    ALLOWED = "ALLOWED"
    DENIED = "DENIED"
    SILENT = "SILENT"
    ABSENT = "ABSENT"


class PolicyType(StrEnum):
    """A type of policy that takes part in an evaluation, under the name that AWS's access-denied messages use."""

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
    """The decision on a request.

    `determining` are the statements behind it: all matching Deny statements of an explicit deny, all matching Allow
    statements (of any type of policy) of an allow, none of an implicit deny. `denied_by` is the type of policy that
    AWS's message names: the one that denies, or the one whose Allow is missing.
    """

    verdict: Verdict
    determining: tuple[StatementReference, ...]
    outcomes: Outcomes
    denied_by: PolicyType | None = None

    @property
    def allowed(self) -> bool:
        """Whether the request is allowed."""
        return self.verdict is _ALLOW

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
