"""Checks of condition operators: whether they exist, and match the types of their key and values.

IAM User Guide, "IAM JSON policy elements: Condition operators", "Single-valued vs. multivalued context keys".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from locum.lint.catalogue import ConditionKey
from locum.lint.globals import global_key
from locum.lint.globs import has_wildcard
from locum.lint.reading import Kind
from locum.lint.view import Condition, Issue, Policy, Statement, issue
from locum.policy import values
from locum.policy.grammar import Operator, Quantifier

_NULL_IF_EXISTS: Final = re.compile(r"(ForAllValues:|ForAnyValue:)?NullIfExists")
_EPOCH: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")

# The operator families for each type of key, and AWS's names for the right ones.
_FAMILIES: Final = {
    "String": ("String", "Binary", "Arn"),  # tags and contexts may hold ARNs
    "ARN": ("Arn", "String"),
    "Bool": ("Bool",),
    "Numeric": ("Numeric",),
    "Date": ("Date", "Numeric"),
    "IPAddress": ("Ip",),
    "Binary": ("Binary",),
}
_NAMES: Final = {"ARN": "ArnEquals or ArnLike", "IPAddress": "IpAddress"}


def _typed(policy: Policy, statement: Statement) -> Iterator[tuple[Condition, Operator, ConditionKey]]:
    """The conditions whose operator and key, a global one or a service's, are known; not those under Null."""
    for condition in statement.conditions:
        if condition.parts is not None and condition.family != "Null":
            key = global_key(condition.name) or policy.catalogue.key(condition.name)
            if key is not None:
                yield condition, condition.parts, key


def unknown_operators(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_CONDITION_OPERATOR and NULL_WITH_IF_EXISTS."""
    seen: set[int] = set()
    for condition in statement.conditions:
        member = condition.operator
        if condition.parts is not None or member.start in seen:
            continue
        seen.add(member.start)
        if _NULL_IF_EXISTS.fullmatch(member.name):
            yield issue("NULL_WITH_IF_EXISTS", policy.key(member))
        else:
            yield issue("INVALID_CONDITION_OPERATOR", policy.key(member), operator=member.name)


def null_qualifiers(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for NULL_WITH_QUALIFIER."""
    for condition in statement.conditions:
        if condition.family == "Null" and condition.parts and condition.parts.quantifier is not Quantifier.NONE:
            yield issue("NULL_WITH_QUALIFIER", policy.key(condition.operator))


def qualifiers(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for MISSING_QUALIFIER and FORALLVALUES_WITH_SINGLE_VALUED_KEY."""
    for condition, parts, key in _typed(policy, statement):
        quantifier = parts.quantifier
        if key.multivalued and quantifier is Quantifier.NONE:
            yield issue("MISSING_QUALIFIER", policy.key(condition.key), key=condition.key.name)
        if not key.multivalued and quantifier is Quantifier.ALL:
            words = {"key": condition.key.name}
            yield issue("FORALLVALUES_WITH_SINGLE_VALUED_KEY", policy.key(condition.operator), **words)


def multiple_booleans(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_CONDITION_MULTIPLE_BOOLEAN."""
    for condition in statement.conditions:
        if condition.family not in ("Bool", "Null") or len(condition.values) < 2 or condition.parts is None:
            continue
        if condition.parts.quantifier is Quantifier.NONE:
            yield issue("INVALID_CONDITION_MULTIPLE_BOOLEAN", policy.value(condition.key.value))


def key_types(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for TYPE_MISMATCH and STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS."""
    for condition, parts, key in _typed(policy, statement):
        words = {
            "allowed": _NAMES.get(key.type, key.type),
            "operator": condition.operator.name,
            "key": condition.key.name,
        }
        if condition.family not in _FAMILIES.get(key.type, (condition.family,)):
            yield issue("TYPE_MISMATCH", policy.key(condition.operator), **words)
        elif key.type == "ARN" and condition.family == "String" and parts.comparison == "like":
            yield issue("STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS", policy.key(condition.operator), **words)


_READERS: Final[dict[str, tuple[str, Callable[[str], object]]]] = {
    "Bool": ("TYPE_MISMATCH_BOOLEAN", values.boolean),
    "Null": ("TYPE_MISMATCH_BOOLEAN", values.boolean),
    "Date": ("TYPE_MISMATCH_DATE", values.instant),
    "Numeric": ("TYPE_MISMATCH_NUMBER", values.number),
    "Binary": ("TYPE_MISMATCH_STRING", values.binary),
    "Ip": ("TYPE_MISMATCH_IP_RANGE", values.network),
}


def value_types(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for TYPE_MISMATCH_BOOLEAN, _DATE, _NUMBER, _STRING, _IP_RANGE."""
    for condition in statement.conditions:
        code, reader = _READERS.get(condition.family, ("", None))
        for value in condition.values if reader is not None else ():
            if reader is not None and reader(value.text) is None and "${" not in value.text:
                yield issue(code, policy.value(value), operator=condition.operator.name)


def epoch_dates(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_DATE_VALUE."""
    for condition in statement.conditions:
        for value in condition.values if condition.family == "Date" else ():
            if _EPOCH.fullmatch(value.text):
                yield issue("INVALID_DATE_VALUE", policy.value(value), date=value.text)


def mixed_values(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for INVALID_CONDITION_DATA_TYPE."""
    for condition in statement.conditions:
        if len({value.kind for value in condition.values}) > 1:
            yield issue("INVALID_CONDITION_DATA_TYPE", policy.value(condition.key.value))


def literal_wildcards(policy: Policy, statement: Statement) -> Iterator[Issue]:
    """Check for WILDCARD_WITHOUT_LIKE_OPERATOR."""
    for condition in statement.conditions:
        if condition.family != "String" or condition.parts is None or condition.parts.comparison == "like":
            continue
        for value in condition.values:
            if value.kind is Kind.STRING and has_wildcard(value.text):
                yield issue("WILDCARD_WITHOUT_LIKE_OPERATOR", policy.value(value))
