"""Validation of policy documents in requests, and their encoding in answers."""

from __future__ import annotations

from urllib.parse import quote

from locum import policy
from locum.policy import PolicyKind, significant_length
from locum.services.iam.faults import malformed_policy, quota_exceeded
from locum.services.iam.limits import MANAGED_POLICY_SIZE


def encoded(document: str) -> str:
    """Encode `document` as IAM returns it: "URL-encoded compliant with RFC 3986", all reserved characters escaped."""
    return quote(document, safe="")


def check(document: str, kind: PolicyKind, *, current_version: bool = False) -> str:
    """Validate `document` as a policy of that kind, of the current version where required, and return it.

    Raises MalformedPolicyDocument.
    """
    try:
        policy.parse(document, kind, current_version=current_version)
    except policy.MalformedPolicy as error:
        raise malformed_policy(error.message) from error
    return document


def managed(document: str) -> str:
    """Validate `document` as a version of a managed policy, and return it.

    Raises MalformedPolicyDocument, LimitExceeded.
    """
    if significant_length(document) > MANAGED_POLICY_SIZE:
        raise quota_exceeded("PolicySize", MANAGED_POLICY_SIZE)
    return check(document, PolicyKind.IDENTITY, current_version=True)
