"""Validation of the content of policies, by type, with their quotas."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

from locum import policy
from locum.policy import PolicyKind
from locum.services.organizations import limits
from locum.services.organizations.faults import constraint_violation, fault
from locum.services.organizations.limits import PolicyQuota
from locum.state.organizations import RESOURCE_CONTROL, SERVICE_CONTROL


class PolicyType(NamedTuple):
    """A type of policy. `key` is the only top-level member of a management policy, or empty where any is allowed."""

    quota: PolicyQuota
    key: str = ""


TYPES: Final[dict[str, PolicyType]] = {
    SERVICE_CONTROL: PolicyType(limits.SERVICE_CONTROL),
    RESOURCE_CONTROL: PolicyType(limits.RESOURCE_CONTROL),
    "TAG_POLICY": PolicyType(limits.MANAGEMENT, "tags"),
    "BACKUP_POLICY": PolicyType(limits.MANAGEMENT, "plans"),
    "AISERVICES_OPT_OUT_POLICY": PolicyType(limits.AI_SERVICES, "services"),
    "CHATBOT_POLICY": PolicyType(limits.CHATBOT, "chatbot"),
    "DECLARATIVE_POLICY_EC2": PolicyType(limits.MANAGEMENT, "ec2_attributes"),
    "SECURITYHUB_POLICY": PolicyType(limits.MANAGEMENT, "securityhub"),
    "SECURITYHUB_CSPM_POLICY": PolicyType(limits.MANAGEMENT),
    "INSPECTOR_POLICY": PolicyType(limits.MANAGEMENT, "inspector"),
    "UPGRADE_ROLLOUT_POLICY": PolicyType(limits.MANAGEMENT, "upgrade_rollout"),
    "BEDROCK_POLICY": PolicyType(limits.MANAGEMENT, "bedrock"),
    "S3_POLICY": PolicyType(limits.MANAGEMENT, "s3_attributes"),
    "NETWORK_SECURITY_DIRECTOR_POLICY": PolicyType(limits.MANAGEMENT),
    "GUARDDUTY_POLICY": PolicyType(limits.MANAGEMENT),
}
"""The types in the User Guide, "Managing organization policies". The first two are "authorization policies"."""

_KINDS: Final = {SERVICE_CONTROL: PolicyKind.SCP, RESOURCE_CONTROL: PolicyKind.RCP}


def checked(content: str, kind: str) -> str:
    """Validate `content` as a policy of the type `kind`, and return it.

    Raises MalformedPolicyDocumentException, ConstraintViolationException. White space counts: "If you save the policy
    by using an SDK operation or the AWS CLI, the policy is saved exactly as you provided it".
    """
    if len(content) > TYPES[kind].quota.size:
        raise constraint_violation("POLICY_CONTENT_LIMIT_EXCEEDED", "You have exceeded the maximum policy size.")
    fits = _is_authorization(content, _KINDS[kind]) if kind in _KINDS else _is_management(content, TYPES[kind].key)
    if not fits:
        raise fault(
            "MalformedPolicyDocument",
            "The provided policy document does not meet the requirements of the specified policy type.",
        )
    return content


def _is_authorization(content: str, kind: PolicyKind) -> bool:
    try:
        document = policy.parse(content, kind, current_version=True)
    except policy.MalformedPolicy:
        return False
    # RCP syntax: "The Effect element ... in customer managed RCPs, the only supported value is Deny"; only AWS's own
    # may have NotAction or the action "*".
    return kind is not PolicyKind.RCP or not any(
        statement.allows or statement.actions is None or "*" in statement.actions for statement in document.statements
    )


def _is_management(content: str, key: str) -> bool:
    read = read_object(content)
    return read is not None and (set(read) == {key} if key else len(read) > 0)


def read_object(content: str) -> dict[str, Any] | None:
    """Parse `content` as a JSON object; None where it is not one, or has a duplicate member."""
    try:
        read = json.loads(content, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a member is there twice")
    return made
