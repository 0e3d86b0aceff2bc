"""KMS grants: permissions to use a key that stand beside its policy.

AWS KMS Developer Guide, "Grants in AWS KMS": a grant lets its grantee principal do its operations with one key, within
its constraints, with no other policy needed, also where grantee and key are in different accounts; it cannot deny, and
an explicit Deny of any policy prevails. The grantee may be a user, a role, one of its sessions, or an account, whose
identity policies then decide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from locum.authz.call import Call, Check
from locum.authz.services.kms_conditions import encryption_context
from locum.core.arn import PARTITION
from locum.core.resources import ResourceFacts
from locum.policy import CompiledPolicy, PolicyKind
from locum.policy.stored import compiled

GRANTS: Final = "grants"
"""The attribute in the facts of a key for its grants: JSON, as ListGrants has them."""

GRANTEE: Final = re.compile(
    rf"[0-9]{{12}}|arn:{PARTITION}:(iam|sts)::[0-9]{{12}}:"
    r"(root|(user|role|assumed-role|federated-user)/[\w+=,.@/-]+)",
    re.ASCII,
)
"""The form of the users, roles, sessions and accounts that a grant can be for."""
_ID: Final = re.compile(r"[0-9A-Za-z]+")
_WITHOUT_CONTEXT: Final = frozenset({"DescribeKey", "RetireGrant", "GetPublicKey"})
"""Operations to which the constraints of a grant do not apply: "such as DescribeKey or RetireGrant"."""
_EQUALS, _SUBSET = "EncryptionContextEquals", "EncryptionContextSubset"


def granted(call: Call, check: Check, facts: ResourceFacts) -> CompiledPolicy | None:
    """The grants of the key that `check` is on which allow what it is about, as a policy; None where none does.

    `facts` are those of the key. What is not a grant as KMS has them grants nothing.
    """
    text = facts.attributes.get(GRANTS)
    if not text:
        return None
    operation = check.action.partition(":")[2]
    statements = [
        {"Sid": f"Grant{name}", "Effect": "Allow", "Principal": {"AWS": who}, "Action": check.action, "Resource": "*"}
        for grant in json.loads(text)
        if _ID.fullmatch(name := str(grant.get("GrantId")))
        for who in _whom(grant, operation, call, check)
        if GRANTEE.fullmatch(who)
    ]
    if not statements:
        return None
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return compiled(document, PolicyKind.RESOURCE, f"grants of {facts.arn or check.resource}", facts.arn or "")


def _whom(grant: Mapping[str, Any], operation: str, call: Call, check: Check) -> Iterator[str]:
    """The principals that a grant lets do an operation: its grantee, and to retire it, who may.

    API Reference, RetireGrant: "the retiring principal, if specified in the grant; the grantee principal, if the grant
    permits the RetireGrant operation".
    """
    if operation == "RetireGrant" and call.params.get("GrantId") != grant.get("GrantId"):
        return
    if operation in (grant.get("Operations") or ()) and _within(grant, operation, call, check):
        yield str(grant.get("GranteePrincipal"))
    if operation == "RetireGrant" and grant.get("RetiringPrincipal"):
        yield str(grant["RetiringPrincipal"])


def _within(grant: Mapping[str, Any], operation: str, call: Call, check: Check) -> bool:
    """Whether a call is within the constraints of a grant."""
    constraints = grant.get("Constraints") or {}
    if operation == "CreateGrant":
        return _is_narrower(grant, constraints, call.params)
    if operation in _WITHOUT_CONTEXT:
        return True
    context = _pairs(encryption_context(call, check))
    equal, part = _pairs(constraints.get(_EQUALS)), _pairs(constraints.get(_SUBSET))
    return (not equal or context == equal) and part.items() <= context.items()


def _is_narrower(grant: Mapping[str, Any], constraints: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether the grant that a grantee asks for is no wider than its own.

    "If a grant with a grant constraint includes the CreateGrant operation, the constraint requires that any grants
    created with the CreateGrant permission have an equally strict or stricter encryption context constraint."
    """
    new = asked.get("Constraints") or {}
    new_equal = _pairs(new.get(_EQUALS))
    equal, part = _pairs(constraints.get(_EQUALS)), _pairs(constraints.get(_SUBSET))
    if not set(asked.get("Operations") or ()) <= set(grant.get("Operations") or ()):
        return False
    if equal and new_equal != equal:
        return False
    return part.items() <= (new_equal or _pairs(new.get(_SUBSET))).items()


def _pairs(context: Mapping[str, str] | None) -> dict[str, str]:
    """An encryption context as constraints compare it: "the key in each key-value pair is not case sensitive"."""
    return {key.lower(): value for key, value in (context or {}).items()}
