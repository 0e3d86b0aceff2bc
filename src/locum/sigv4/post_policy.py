"""POST policies: what the signer of an S3 form lets its bearer upload.

S3 API Reference, "POST Policy": a JSON document, Base64-encoded in the form, with an expiration and conditions on the
form's fields. "Each form field that you specify in a form (except x-amz-signature, file, policy, and field names that
have an x-ignore- prefix) must appear in the list of conditions." The bucket of the request counts as a field.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from locum.core.errors import Fault

_NOT_COVERED: Final = frozenset({"policy", "file", "x-amz-signature", "signature", "awsaccesskeyid"})
_IGNORED: Final = "x-ignore-"
_RANGE: Final = "content-length-range"
_LISTED: Final = "content-type"
_EXPIRATION: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z", re.ASCII)
_DOLLAR: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\\$")
"""An escaped dollar sign, which S3 allows in a policy and JSON does not."""


class Subject(NamedTuple):
    """The form that is checked: its fields by lower-case name, with the bucket among them, and the file's size."""

    fields: Mapping[str, str]
    size: int


def check(encoded: str, subject: Subject, now: float) -> None:
    """Hold a form against its policy. The signature must have been verified.

    Raises Fault: InvalidPolicyDocument, AccessDenied where the policy has expired, a condition fails or a field has no
    condition; EntityTooSmall and EntityTooLarge.
    """
    policy = _document(encoded)
    conditions = policy.get("conditions")
    ends = _expiration(policy)
    if conditions is None:
        raise _invalid("Policy missing conditions.")
    if not isinstance(conditions, list):
        raise _invalid("Invalid 'conditions' value: must be a List.")
    if now >= ends:
        raise _violation("Policy expired.")
    covered = {name for condition in conditions for name in _check(condition, subject)}
    for name in subject.fields:
        if name not in covered and name not in _NOT_COVERED and not name.startswith(_IGNORED):
            raise _violation(f"Extra input fields: {name}")


def _document(encoded: str) -> dict[str, Any]:
    try:
        text = b64decode("".join(encoded.split()), validate=True).decode("utf-8")
        policy = json.loads(_DOLLAR.sub(r"\1$", text))
    except (binascii.Error, ValueError, RecursionError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(policy, dict):
        raise _invalid("Invalid JSON.")
    return policy


def _expiration(policy: Mapping[str, Any]) -> float:
    """The expiration in epoch seconds, "in ISO8601 GMT date format"."""
    text = policy.get("expiration")
    if text is None:
        raise _invalid("Policy missing expiration.")
    try:
        if not isinstance(text, str) or not _EXPIRATION.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise _invalid(f"Invalid 'expiration' value: '{str(text)[:100]}'") from None


def _check(condition: Any, subject: Subject) -> tuple[str, ...]:
    """Check one condition; the names of the fields that it covers. Raises Fault where it fails."""
    if isinstance(condition, dict):
        if len(condition) != 1:
            raise _invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
        ((name, value),) = condition.items()
        if not isinstance(value, str):
            raise _invalid("Invalid Simple-Condition: value must be a string.")
        return _matched("eq", f"${name}", value, subject)
    if not isinstance(condition, list):
        raise _invalid("Invalid condition test: must be a List or Object.")
    if not condition:
        raise _invalid("Invalid Condition: missing operation identifier.")
    operator, *arguments = condition
    known = operator.lower() if isinstance(operator, str) else ""
    if known == _RANGE:
        return _in_range(arguments, subject.size)
    if known not in _OPERATORS:
        raise _invalid(f"Invalid Condition: unknown operation '{str(operator)[:100]}'.")
    if len(arguments) != 2 or not all(isinstance(argument, str) for argument in arguments):
        raise _invalid(f"Invalid {operator}: wrong number of arguments.")
    return _matched(operator, arguments[0], arguments[1], subject)


def _matched(operator: str, field: str, value: str, subject: Subject) -> tuple[str, ...]:
    name = field.removeprefix("$").lower()
    if not field.startswith("$") or not _OPERATORS[operator.lower()](name, subject.fields.get(name, ""), value):
        written = json.dumps([operator, field, value], ensure_ascii=False)
        raise _violation(f"Policy Condition failed: {written}")
    return (name,)


def _starts_with(name: str, value: str, prefix: str) -> bool:
    """Whether the field starts with `prefix`.

    "Content-Types values for a starts-with condition that include commas are interpreted as lists. Each value in the
    list must meet the condition for the whole condition to pass."
    """
    values = [part.strip() for part in value.split(",")] if name == _LISTED else [value]
    return all(part.startswith(prefix) for part in values)


_OPERATORS: Final[Mapping[str, Callable[[str, str, str], bool]]] = {
    "eq": lambda _name, value, wanted: value == wanted,
    "starts-with": _starts_with,
}


def _in_range(arguments: list[Any], size: int) -> tuple[str, ...]:
    if len(arguments) != 2:
        raise _invalid(f"Invalid {_RANGE}: wrong number of arguments.")
    least, most = (_size(argument) for argument in arguments)
    if size < least:
        raise Fault(
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
            members={"ProposedSize": str(size), "MinSizeAllowed": str(least)},
        )
    if size > most:
        raise Fault(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            members={"ProposedSize": str(size), "MaxSizeAllowed": str(most)},
        )
    return ()


def _size(argument: Any) -> int:
    text = str(argument) if isinstance(argument, int | str) and not isinstance(argument, bool) else ""
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise _invalid(f"Invalid {_RANGE}: sizes must be integers that are not negative.")
    return int(text)


def _invalid(detail: str) -> Fault:
    return Fault("InvalidPolicyDocument", f"Invalid Policy: {detail}", 400)


def _violation(detail: str) -> Fault:
    return Fault("AccessDenied", f"Invalid according to Policy: {detail}", 403)
