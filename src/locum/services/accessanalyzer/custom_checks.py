"""CheckNoNewAccess, CheckAccessNotGranted and CheckNoPublicAccess: the custom policy checks.

Access Analyzer API Reference. They are decided by proof (`analysis.proofs`): a policy that cannot be analyzed, or not
within the bounds, is an error (UnprocessableEntityException), never a PASS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from locum import policy
from locum.analysis.proofs import (
    SERVICES,
    TRUST_POLICY,
    Access,
    Found,
    NotDecided,
    SolverMissing,
    granted_access,
    new_access,
    public_access,
    read_policy,
)
from locum.core.errors import Fault
from locum.policy import Document, MalformedPolicy, PolicyKind
from locum.services.accessanalyzer.faults import unprocessable
from locum.services.verbs import Context, Outcome, Params

T = TypeVar("T")

LARGEST: Final = 131_072
"""The characters of a policy document at most: several times what any service stores."""

_KINDS: Final = {"IDENTITY_POLICY": PolicyKind.IDENTITY, "RESOURCE_POLICY": PolicyKind.RESOURCE}

NO_NEW_ACCESS: Final = "The modified permissions do not grant new access compared to your existing policy."
NEW_ACCESS: Final = "The modified permissions grant new access compared to your existing policy."
NOT_GRANTED: Final = "The policy document does not grant access to perform the listed actions or resources."
GRANTED: Final = "The policy document grants access to perform one or more of the listed actions or resources."
NOT_PUBLIC: Final = "The resource policy does not grant public access for the given resource type."
PUBLIC: Final = "The resource policy grants public access for the given resource type."


def check_no_new_access(_ctx: Context, params: Params) -> Outcome:
    """access-analyzer:CheckNoNewAccess."""
    kind = _KINDS[params["policyType"]]
    new = _document(params, "newPolicyDocument", kind)
    existing = _document(params, "existingPolicyDocument", kind)
    found = _proven(lambda: new_access(new, existing))
    return _result(found, NO_NEW_ACCESS, NEW_ACCESS, "New access in the statement with {}.")


def check_access_not_granted(_ctx: Context, params: Params) -> Outcome:
    """access-analyzer:CheckAccessNotGranted."""
    document = _document(params, "policyDocument", _KINDS[params["policyType"]])
    access = _access(params["access"])
    found = _proven(lambda: granted_access(document, access))
    reason = "One or more of the listed actions or resources in the statement with {}."
    return _result(found, NOT_GRANTED, GRANTED, reason)


def check_no_public_access(_ctx: Context, params: Params) -> Outcome:
    """access-analyzer:CheckNoPublicAccess."""
    resource_type = params["resourceType"]
    if resource_type not in SERVICES:
        raise _invalid(f"The resource type {resource_type} is not supported.")
    kind = PolicyKind.TRUST if resource_type == TRUST_POLICY else PolicyKind.RESOURCE
    document = _document(params, "policyDocument", kind)
    found = _proven(lambda: public_access(document, resource_type))
    return _result(found, NOT_PUBLIC, PUBLIC, "Public access granted in the following statement with {}.")


def _document(params: Params, member: str, kind: PolicyKind) -> Document:
    text = params[member]
    if len(text) > LARGEST:
        raise _invalid(f"The {member} has {len(text)} characters. It can have at most {LARGEST}.")
    try:
        return read_policy(text, kind)
    except MalformedPolicy as error:
        raise _invalid(f"The {member} is not valid: {error}") from error


def _access(listed: Sequence[Params]) -> Access:
    """The access that is not to be granted: "You can only use a wildcard in the portion [...] the resource ID"."""
    access = Access(*(tuple(each.get(name, ())) for each in listed[:1] for name in ("actions", "resources")))
    if not access.actions and not access.resources:
        raise _invalid("The access must have at least one action or resource.")
    for resource in access.resources:
        if any("*" in field or "?" in field for field in resource.split(":", 5)[:5]):
            raise _invalid(f"The resource {resource} has a wildcard outside of the resource ID.")
    statement = {"Effect": "Allow", "Action": access.actions or "*", "Resource": access.resources or "*"}
    try:
        # Version 2008-10-17: without policy variables.
        policy.parse(json.dumps({"Version": "2008-10-17", "Statement": [statement]}), PolicyKind.SESSION)
    except MalformedPolicy as error:
        raise _invalid(f"The access is not valid: {error}") from error
    return access


def _proven(check: Callable[[], T]) -> T:
    try:
        return check()
    except (NotDecided, SolverMissing) as error:
        raise unprocessable(str(error)) from error


def _result(found: Sequence[Found], passed: str, failed: str, reason: str) -> Outcome:
    if not found:
        return Outcome({"result": "PASS", "message": passed})
    return Outcome({"result": "FAIL", "message": failed, "reasons": [_reason(each, reason) for each in found]})


def _reason(found: Found, text: str) -> dict[str, Any]:
    """A ReasonSummary: the statement is named by its Sid, or else by its index from 0."""
    statement = found.statement
    shown = f"sid: {statement.sid}" if statement.sid else f"index: {statement.number}"
    summary: dict[str, Any] = {"description": text.format(shown), "statementIndex": statement.number}
    return {**summary, "statementId": statement.sid} if statement.sid else summary


def _invalid(message: str) -> Fault:
    return Fault("InvalidParameterException", message)
