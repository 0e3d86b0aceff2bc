"""Checks of condition values: Regions, addresses, endpoints, keys, services, and patterns.

IAM User Guide, "AWS global condition context keys".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from locum.lint.globals import SENSITIVE
from locum.lint.globs import has_wildcard, is_open
from locum.lint.principals import SERVICE_FORMAT
from locum.lint.reading import Kind, Node
from locum.lint.texts.errors import (
    VARIABLE_IN_SENSITIVE_KEY,
    VARIABLE_IN_USER_ID,
    WILDCARD_IN_SENSITIVE_KEY,
    WILDCARD_IN_USER_ID,
)
from locum.lint.view import Condition, Issue, Policy, Statement, issue
from locum.policy import values
from locum.policy.grammar import SERVICE_PRINCIPAL, Quantifier

_REGION_KEYS: Final = frozenset({"aws:requestedregion", "ec2:region"})
_SERVICE_KEYS: Final = frozenset(
    {
        "aws:calledvia",
        "aws:calledviafirst",
        "aws:calledvialast",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "iam:awsservicename",
        "iam:passedtoservice",
    }
)
_VIA: Final = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
_VIA_FORMAT: Final = "service-name.AWS_region.amazonaws.com"
_ENDPOINTS: Final = (
    ("aws:sourcevpc", "INVALID_VPC_FORMAT", re.compile(r"vpc-([0-9A-Za-z]{8}|[0-9A-Za-z]{17})")),
    ("aws:sourcevpce", "INVALID_VPCE_FORMAT", re.compile(r"vpce-([0-9A-Za-z]{8}|[0-9A-Za-z]{17})")),
)
_KMS_KEY_KEYS: Final = frozenset({"s3:x-amz-server-side-encryption-aws-kms-key-id"})
_KMS_KEY: Final = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+")
_USER_ID: Final = "aws:userid"
_SINGLE_WILDCARDS: Final = frozenset({"*", "?"})


def regions(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_REGION."""
    for condition in statement.conditions:
        for value in condition.values if condition.name in _REGION_KEYS and condition.family == "String" else ():
            known = any(value.text in names for names in policy.catalogue.partitions().values())
            if not known and not is_open(value.text) and value.text != "aws-global":
                yield issue("INVALID_REGION", policy.value(value), region=value.text)


def services(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_SERVICE_PRINCIPAL_FORMAT, in the values of keys that take service principals."""
    for condition in statement.conditions:
        form, words = SERVICE_PRINCIPAL, {"expected_format": SERVICE_FORMAT}
        if condition.name == "kms:viaservice":
            form, words = _VIA, {"expected_format": _VIA_FORMAT}
        elif condition.name not in _SERVICE_KEYS:
            continue
        for value in condition.values if condition.family == "String" else ():
            if not is_open(value.text) and not form.fullmatch(value.text):
                yield issue("INVALID_SERVICE_PRINCIPAL_FORMAT", policy.value(value), **words)


def endpoints(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_VPC_FORMAT and INVALID_VPCE_FORMAT."""
    for name, code, form in _ENDPOINTS:
        for condition in statement.conditions:
            for value in condition.values if condition.name == name and condition.family == "String" else ():
                if not is_open(value.text) and not form.fullmatch(value.text):
                    yield issue(code, policy.value(value))


def kms_keys(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_KMS_KEY_VALUE."""
    for condition in statement.conditions:
        if condition.name not in _KMS_KEY_KEYS or condition.family not in ("String", "Arn"):
            continue
        for value in condition.values:
            if not is_open(value.text) and not _KMS_KEY.fullmatch(value.text):
                yield issue("INVALID_KMS_KEY_VALUE", policy.value(value), key=condition.key.name)


# --- addresses ---


def private_addresses(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for PRIVATE_IP_ADDRESS, PRIVATE_NOT_IP_ADDRESS, and the two with _SUBSET."""
    for condition in statement.conditions:
        if condition.name != "aws:sourceip" or condition.family != "Ip":
            continue
        private = [_is_private(value.text) for value in condition.values]
        if any(private):
            code = "PRIVATE_NOT_IP_ADDRESS" if condition.negated else "PRIVATE_IP_ADDRESS"
            suffix = "" if all(private) else "_SUBSET"
            yield issue(f"{code}{suffix}", policy.value(condition.key.value))


def _is_private(text: str) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False) if values.network(text) else None
    except ValueError:
        return False
    return network is not None and network.prefixlen > 0 and network.is_private


def ranges(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for IMPROVE_IP_RANGE."""
    for condition in statement.conditions:
        for value in condition.values if condition.family == "Ip" else ():
            improved = _improved(value.text)
            if improved:
                yield issue("IMPROVE_IP_RANGE", policy.value(value), address=improved)


def _improved(text: str) -> str:
    """The range with its host bits cleared; empty where they are clear."""
    if "/" not in text or values.network(text) is None:
        return ""
    interface = ipaddress.ip_interface(text)
    return str(interface.network) if interface.ip != interface.network.network_address else ""


# --- patterns ---


def permissive_patterns(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for WILDCARD_USAGE_TOO_PERMISSIVE and VARIABLE_USAGE_TOO_PERMISSIVE."""
    for condition in statement.conditions:
        if condition.parts is None or condition.family != "String":
            continue
        like = condition.parts.comparison == "like"
        for value in condition.values:
            if like and has_wildcard(value.text):
                yield from _permissive(policy, condition, value, "WILDCARD")
            if policy.variables and "${" in value.text and is_open(value.text.replace("*", "").replace("?", "")):
                yield from _permissive(policy, condition, value, "VARIABLE")


_REASONS: Final = {
    "WILDCARD": (WILDCARD_IN_SENSITIVE_KEY, WILDCARD_IN_USER_ID),
    "VARIABLE": (VARIABLE_IN_SENSITIVE_KEY, VARIABLE_IN_USER_ID),
}


def _permissive(policy: Policy, condition: Condition, value: Node, what: str) -> Iterator[Issue]:
    in_sensitive, in_user_id = _REASONS[what]
    if condition.name in SENSITIVE and not _is_presence(value.text):
        reason = in_sensitive.format(key=condition.key.name)
    elif condition.name == _USER_ID and not _is_fixed_user_id(value.text):
        reason = in_user_id
    else:
        return
    yield issue(f"{what}_USAGE_TOO_PERMISSIVE", policy.value(value), reason=reason)


def _is_presence(text: str) -> bool:
    """Whether `text` does not match several values of the caller's choice.

    It is a lone `*` (see `lone_wildcards`), or the variable of a sensitive key, which has one value that the caller
    cannot choose.
    """
    match = re.fullmatch(r"\$\{([^},]*)\}", text)
    return text == "*" or (match is not None and match.group(1).lower() in SENSITIVE)


def _is_fixed_user_id(text: str) -> bool:
    """Whether the part before the colon is fixed or a lone wildcard.

    "Use the wildcard on the right side of colon or as the only character on the left side of a colon".
    """
    left, colon, _ = re.sub(r"\$\{[^}]*\}", "*", text).partition(":")
    return bool(colon) and (left in _SINGLE_WILDCARDS or not has_wildcard(left))


def lone_wildcards(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for EQUIVALENT_TO_NULL_..., REDUNDANT_KEY_DUE_TO_..., REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION.

    With a lone `*`, an operator is equivalent to presence (Null: false), absence (Null: true), true, or false.
    """
    for condition in statement.conditions:
        parts = condition.parts
        lone = condition.family in ("String", "Arn") and any(value.text == "*" for value in condition.values)
        if parts is None or not lone or parts.comparison != "like":
            continue
        code = _lone_wildcard_code(parts.quantifier, negated=parts.negated, if_exists=parts.if_exists)
        if code:
            words = {"key": condition.key.name, "operator": condition.operator.name}
            yield issue(code, policy.key(condition.key), **words, recommended=condition.key.name)


def _lone_wildcard_code(quantifier: Quantifier, *, negated: bool, if_exists: bool) -> str:
    if quantifier is Quantifier.ANY:
        return "REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION" if negated else "EQUIVALENT_TO_NULL_FALSE"
    if negated:
        return "EQUIVALENT_TO_NULL_TRUE"
    always = if_exists or quantifier is Quantifier.ALL
    return "REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION" if always else "EQUIVALENT_TO_NULL_FALSE"


# --- missing and redundant values ---


def empty_values(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for EMPTY_ARRAY_CONDITION and the three for qualifiers and IfExists."""
    for condition in statement.conditions:
        value, parts = condition.key.value, condition.parts
        if value.kind is not Kind.ARRAY or value.items or parts is None:
            continue
        suffix = "_IFEXISTS" if parts.if_exists else ""
        suffix = {Quantifier.ALL: "_FORALLVALUES", Quantifier.ANY: "_FORANYVALUE"}.get(parts.quantifier, suffix)
        yield issue(f"EMPTY_ARRAY_CONDITION{suffix}", policy.value(value), key=condition.key.name)


def redundant_numbers(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for REDUNDANT_CONDITION_VALUE_NUM."""
    for condition in statement.conditions:
        comparison = condition.parts.comparison if condition.parts is not None else ""
        if condition.family != "Numeric" or comparison == "==" or len(condition.values) < 2:
            continue
        which = "greatest" if comparison.startswith("<") else "least"
        words = {"operator": condition.operator.name, "which": which, "key": condition.key.name}
        yield issue("REDUNDANT_CONDITION_VALUE_NUM", policy.value(condition.key.value), **words)


# --- single services ---


def dynamodb_attributes(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for DYNAMODB_ATTRIBUTES_WITHOUT_SELECT."""
    if not statement.allows or "dynamodb:select" in statement.keys:
        return
    for condition in statement.conditions:
        if condition.name == "dynamodb:attributes":
            yield issue("DYNAMODB_ATTRIBUTES_WITHOUT_SELECT", policy.key(condition.key))


def s3_prefixes(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for S3_PREFIX_IN_NEGATIVE_CONTEXT: Deny with a positive operator, Allow with a negated one."""
    for condition in statement.conditions:
        if condition.name != "s3:prefix" or condition.family != "String":
            continue
        if (statement.denies and not condition.negated) or (statement.allows and condition.negated):
            yield issue("S3_PREFIX_IN_NEGATIVE_CONTEXT", policy.key(condition.key))
