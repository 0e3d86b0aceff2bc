"""ValidatePolicy.

Access Analyzer API Reference: "Requests the validation of a policy and returns a list of findings." The findings
are in English in any locale.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from locum.core.errors import Fault
from locum.lint import PolicyType, lint
from locum.services.accessanalyzer.catalogue import catalogue
from locum.services.accessanalyzer.shapes import finding_shape
from locum.services.verbs import Context, Outcome, Params

DEFAULT_RESULTS: Final = 100
_DIGEST_BYTES: Final = 8
"""The length of the digest of the document that a pagination token contains."""


def validate_policy(_ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ValidatePolicy."""
    text, policy_type = params["policyDocument"], PolicyType(params["policyType"])
    resource_type = params.get("validatePolicyResourceType")
    if resource_type is not None and policy_type is not PolicyType.RESOURCE_POLICY:
        raise _invalid("validatePolicyResourceType", "It goes with the policy type RESOURCE_POLICY only.")
    size = params.get("maxResults", DEFAULT_RESULTS)
    if size < 1:
        raise _invalid("maxResults", "It must be at least 1.")
    digest = _digest(text, policy_type, resource_type)
    start = _start(params.get("nextToken"), digest)
    found = lint(text, policy_type, resource_type, catalogue())
    end = start + size
    answer: dict[str, object] = {"findings": [finding_shape(finding) for finding in found[start:end]]}
    if end < len(found):
        answer["nextToken"] = base64.urlsafe_b64encode(digest + end.to_bytes(8, "big")).decode()
    return Outcome(answer)


def _digest(text: str, policy_type: PolicyType, resource_type: str | None) -> bytes:
    request = "\n".join((policy_type, resource_type or "", text))
    return hashlib.sha256(request.encode("utf-8", "replace")).digest()[:_DIGEST_BYTES]


def _start(token: str | None, digest: bytes) -> int:
    """The index at which the page of a token begins."""
    if token is None:
        return 0
    try:
        read = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        read = b""
    if len(read) != _DIGEST_BYTES + 8 or read[:_DIGEST_BYTES] != digest:
        raise _invalid("nextToken", "It is not a token that this request was given.")
    return int.from_bytes(read[_DIGEST_BYTES:], "big")


def _invalid(field: str, message: str) -> Fault:
    members = {"reason": "fieldValidationFailed", "fieldList": [{"name": field, "message": message}]}
    return Fault("ValidationException", f"Invalid value for {field}: {message}", members=members)
