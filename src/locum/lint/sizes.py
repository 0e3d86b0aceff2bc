"""The check of policy size quotas.

IAM User Guide, "IAM and AWS STS quotas"; Organizations User Guide, "Quotas"; S3 User Guide, "Bucket policies".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from locum.lint.finding import PolicyType
from locum.lint.view import Issue, Policy, issue
from locum.policy.grammar import significant_length

IDENTITY_QUOTA: Final = 6144
"""The quota of a managed policy, in characters without white space; inline policies are limited by their sum."""
TRUST_QUOTA: Final = 2048
"""The default quota of a role's trust policy, in characters without white space."""
RESOURCE_QUOTA: Final = 20480
"""The quota of a bucket policy, in characters, applied to all resource policies."""
CONTROL_QUOTA: Final = 5120
"""The quota of an SCP or RCP, in characters including white space."""


def quotas(policy: Policy) -> Iterator[Issue]:
    """Check for POLICY_SIZE_EXCEEDS_..._QUOTA."""
    kind, size, quota = _measured(policy)
    if size > quota:
        words = {"size": str(size), "quota": str(quota)}
        yield issue(f"POLICY_SIZE_EXCEEDS_{kind}_QUOTA", policy.everywhere(), **words)


def _measured(policy: Policy) -> tuple[str, int, int]:
    match policy.type:
        case PolicyType.IDENTITY_POLICY:
            return "IDENTITY_POLICY", significant_length(policy.text), IDENTITY_QUOTA
        case PolicyType.SERVICE_CONTROL_POLICY:
            return "SCP", len(policy.text), CONTROL_QUOTA
        case PolicyType.RESOURCE_CONTROL_POLICY:
            return "RCP", len(policy.text), CONTROL_QUOTA
        case PolicyType.RESOURCE_POLICY if policy.trust:
            return "ROLE_TRUST_POLICY", significant_length(policy.text), TRUST_QUOTA
        case _:
            return "RESOURCE_POLICY", len(policy.text), RESOURCE_QUOTA
