"""Checks of Principal and NotPrincipal.

IAM User Guide, "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from locum.lint.finding import PolicyType
from locum.lint.globals import SOURCES
from locum.lint.globs import has_wildcard
from locum.lint.reading import Kind
from locum.lint.view import Issue, Policy, Principal, Statement, issue
from locum.policy.grammar import ACCOUNT, PRINCIPAL_TYPES, SERVICE_PRINCIPAL

_ROLE_ID: Final = re.compile(r"AROA[A-Z0-9]{4,124}")
_USER_ID: Final = re.compile(r"AIDA[A-Z0-9]{4,124}")
_ARN: Final = re.compile(r"arn:[^:]+:(iam|sts)::[^:]*:.+")
SERVICE_FORMAT: Final = "service-name.amazonaws.com"

# Keys that only principals of an account have: "you can't use the aws:PrincipalOrgID condition key with the service
# principal cloudfront.amazonaws.com".
_ACCOUNT_PRINCIPAL_KEYS: Final = (
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principaltag",
    "aws:principaltype",
    "aws:userid",
    "aws:username",
)
# Keys that were formerly used to restrict on whose behalf a service calls.
_FORMER_SOURCES: Final = ("aws:referer", "aws:sourceowner")


def formats(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_PRINCIPAL_FORMAT: neither "*" nor an object, or an invalid value under AWS."""
    for name in ("Principal", "NotPrincipal"):
        member = statement.element(name)
        if member is None or member.value.kind is Kind.OBJECT:
            continue
        if member.value.text != "*" or member.value.kind is not Kind.STRING:
            yield issue("INVALID_PRINCIPAL_FORMAT", policy.value(member.value))
    for principal in statement.principals:
        if principal.kind == "AWS" and not _is_aws(principal.value.text):
            yield issue("INVALID_PRINCIPAL_FORMAT", policy.value(principal.value))


def _is_aws(text: str) -> bool:
    if has_wildcard(text):
        return True  # reported as UNSUPPORTED_WILDCARD_IN_PRINCIPAL
    return any(form.fullmatch(text) for form in (ACCOUNT, _ARN, _ROLE_ID, _USER_ID))


def keys(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_PRINCIPAL_KEY."""
    for name in ("Principal", "NotPrincipal"):
        member = statement.element(name)
        for entry in member.value.members if member is not None else ():
            if entry.name not in PRINCIPAL_TYPES:
                yield issue("INVALID_PRINCIPAL_KEY", policy.key(entry), principal_key=entry.name)


def wildcards(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for UNSUPPORTED_WILDCARD_IN_PRINCIPAL.

    "You also cannot use a wildcard to match part of a name or an ARN".
    """
    for principal in statement.principals:
        text = principal.value.text
        everyone = principal.kind in ("AWS", "") and text == "*"
        if principal.kind in PRINCIPAL_TYPES and has_wildcard(text) and not everyone:
            words = {"principal_key": principal.kind}
            yield issue("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", policy.value(principal.value), **words)


def unique_ids(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_ROLE_REFERENCE and INVALID_USER_REFERENCE."""
    for code, form in (("INVALID_ROLE_REFERENCE", _ROLE_ID), ("INVALID_USER_REFERENCE", _USER_ID)):
        for principal in statement.principals:
            if principal.kind == "AWS" and form.fullmatch(principal.value.text):
                yield issue(code, policy.value(principal.value), id=principal.value.text)


def service_formats(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_SERVICE_PRINCIPAL_FORMAT, in the principal element."""
    for principal in statement.principals:
        text = principal.value.text
        if principal.kind == "Service" and not has_wildcard(text) and not SERVICE_PRINCIPAL.fullmatch(text):
            words = {"expected_format": SERVICE_FORMAT}
            yield issue("INVALID_SERVICE_PRINCIPAL_FORMAT", policy.value(principal.value), **words)


def allow_not_principal(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for ALLOW_WITH_NOT_PRINCIPAL."""
    member = statement.element("NotPrincipal")
    if statement.allows and member is not None:
        yield issue("ALLOW_WITH_NOT_PRINCIPAL", policy.key(member))


def federated(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for FEDERATED_PRINCIPAL_NOT_SUPPORTED: in policies of resources that are not roles."""
    if policy.type is not PolicyType.RESOURCE_POLICY or policy.resource_type is None or policy.trust:
        return
    for principal in statement.principals:
        if principal.kind == "Federated":
            yield issue("FEDERATED_PRINCIPAL_NOT_SUPPORTED", policy.value(principal.value))


# --- services ---


def _services(policy: Policy, statement: Statement) -> tuple[Principal, ...]:
    """The service principals of an Allow statement, outside of trust policies."""
    if policy.type is not PolicyType.RESOURCE_POLICY or policy.trusts(statement) or not statement.allows:
        return ()
    return tuple(p for p in statement.principals if p.kind == "Service" and not p.negated)


def service_sources(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL and RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL."""
    services = _services(policy, statement)
    if not services or statement.keys & SOURCES:
        return
    former = [condition.key for condition in statement.conditions if condition.name in _FORMER_SOURCES]
    for principal in services:
        name = principal.value.text.partition(".")[0]
        for key in former:
            words = {"principal": name, "key": key.name}
            yield issue("RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", policy.key(key), **words)
        if not former:
            yield issue("RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL", policy.value(principal.value))


def service_keys(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL."""
    services = _services(policy, statement)
    if not services or len(services) != len(statement.principals):
        return
    found = [
        c.key for c in statement.conditions if c.name.partition("/")[0] in _ACCOUNT_PRINCIPAL_KEYS and not c.negated
    ]
    if found:
        places = (*map(policy.key, found), *(policy.value(principal.value) for principal in services))
        names = ", ".join(member.name for member in found)
        yield issue("UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL", *places, keys=names)
