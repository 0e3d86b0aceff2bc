"""ValidatePolicy.

Access Analyzer API Reference: "Requests the validation of a policy and returns a list of findings." The findings
are in English, whatever the locale.
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
_MARK: Final = 8
"""Bytes of the digest by which a token knows its document."""


def validate_policy(_ctx: Context, params: Params) -> Outcome:
    """access-analyzer:ValidatePolicy."""
    text, policy_type = params["policyDocument"], PolicyType(params["policyType"])
    resource_type = params.get("validatePolicyResourceType")
    if resource_type is not None and policy_type is not PolicyType.RESOURCE_POLICY:
        raise _invalid("validatePolicyResourceType", "It goes with the policy type RESOURCE_POLICY only.")
    size = params.get("maxResults", DEFAULT_RESULTS)
    if size < 1:
        raise _invalid("maxResults", "It must be at least 1.")
    mark = _mark(text, policy_type, resource_type)
    start = _start(params.get("nextToken"), mark)
    found = lint(text, policy_type, resource_type, catalogue())
    end = start + size
    answer: dict[str, object] = {"findings": [finding_shape(finding) for finding in found[start:end]]}
    if end < len(found):
        answer["nextToken"] = base64.urlsafe_b64encode(mark + end.to_bytes(8, "big")).decode()
    return Outcome(answer)


def _mark(text: str, policy_type: PolicyType, resource_type: str | None) -> bytes:
    asked = "\n".join((policy_type, resource_type or "", text))
    return hashlib.sha256(asked.encode("utf-8", "replace")).digest()[:_MARK]


def _start(token: str | None, mark: bytes) -> int:
    """Where the page of a token begins."""
    if token is None:
        return 0
    try:
        read = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        read = b""
    if len(read) != _MARK + 8 or read[:_MARK] != mark:
        raise _invalid("nextToken", "It is not a token that this request was given.")
    return int.from_bytes(read[_MARK:], "big")


def _invalid(field: str, message: str) -> Fault:
    members = {"reason": "fieldValidationFailed", "fieldList": [{"name": field, "message": message}]}
    return Fault("ValidationException", f"Invalid value for {field}: {message}", members=members)
