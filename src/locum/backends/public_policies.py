"""Whether a resource's policy is public, in the sense of S3 Block Public Access.

Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning of public": "For a bucket policy
to be considered nonpublic, it must grant access only to fixed values (values that don't contain a wildcard or an AWS
Identity and Access Management Policy Variable) for one or more of the following": a principal, or one of a list of
condition keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, Final

_OPERATORS: Final = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"}
)
_SET_OPERATOR: Final = "foranyvalue:"
_SOURCE_IP: Final = "aws:sourceip"
_FIXING_KEYS: Final = frozenset(
    {
        _SOURCE_IP,
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)
_NARROWEST_PUBLIC_PREFIX: Final = {4: 7, 6: 31}
"""The longest prefix of a range that still counts as public, by version of IP: what is broader than /8 and /32."""


@lru_cache(1024)
def is_public(text: str) -> bool:
    """Whether the policy `text` grants anything to everybody. One that cannot be read does not grant anything."""
    try:
        document = json.loads(text)
    except ValueError:
        return False
    statements = document.get("Statement") if isinstance(document, dict) else None
    return any(_public(statement) for statement in _listed(statements) if isinstance(statement, dict))


def _public(statement: Mapping[str, Any]) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    principal = statement.get("Principal", {})
    named = _listed(principal.get("AWS")) if isinstance(principal, dict) else _listed(principal)
    if "NotPrincipal" not in statement and "*" not in named:
        return False
    condition = statement.get("Condition")
    return not (isinstance(condition, dict) and any(_fixes(operator, keys) for operator, keys in condition.items()))


def _fixes(operator: str, keys: Any) -> bool:
    """Whether a condition restricts one of the keys to fixed values."""
    name = operator.lower().removeprefix(_SET_OPERATOR)
    if name not in _OPERATORS or not isinstance(keys, dict):
        return False
    return any(key.lower() in _FIXING_KEYS and _fixed(key.lower(), _listed(values)) for key, values in keys.items())


def _fixed(key: str, values: list[Any]) -> bool:
    if not values or not all(isinstance(value, str) for value in values):
        return False
    if key == _SOURCE_IP:
        return all(map(_narrow, values))
    if key == "aws:userid":  # "outside the pattern AROLEID:*"
        values = [value.removesuffix(":*") for value in values]
    return not any(mark in value for value in values for mark in ("*", "?", "${"))


def _narrow(text: str) -> bool:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return False
    return network.prefixlen > _NARROWEST_PUBLIC_PREFIX[network.version]


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | dict) else [value]
