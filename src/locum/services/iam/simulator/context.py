"""ContextEntries: the condition keys that a simulated request carries.

IAM API Reference, ContextEntry. The type of a key says how many values it may have and what they must look like;
which operator compares them is the policy's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.core.letter_case import folded
from locum.core.principal import ContextValue
from locum.policy import values
from locum.services.iam.faults import invalid_input

_LIST: Final = "List"

_EXPECTED: Final[dict[str, tuple[Callable[[str], object | None], str]]] = {
    "numeric": (values.number, "expected numeric format"),
    "date": (values.instant, "expected DateTime format"),
    "ip": (values.address, "expected IP address"),
    "binary": (values.binary, "expected base-64 encoded binary format"),
}
"""By type: the reader of a value (None: it cannot be read), and what AWS says then. Any text is a string."""


def entries(given: Iterable[Mapping[str, Any]]) -> dict[str, ContextValue]:
    """The keys (lower-case) with their values; of the list types, tuples. Raises InvalidInput."""
    context: dict[str, ContextValue] = {}
    for entry in given:
        if not entry:
            continue
        name = entry.get("ContextKeyName")
        if not name:
            raise invalid_input("ContextKeyName cannot be null or empty.")
        if folded(name) in context:
            raise invalid_input(f"Duplicate context key: {name}.")
        context[folded(name)] = _value(name, entry.get("ContextKeyType"), entry.get("ContextKeyValues") or ())
    return context


def _value(name: str, kind: str | None, texts: Iterable[str]) -> ContextValue:
    if kind is None:
        raise invalid_input(f"Context key {name} has invalid type null.")
    found = tuple(_scalar(name, kind.removesuffix(_LIST), text) for text in texts)
    if not found:
        raise invalid_input(f"Context values for context key {name} cannot be null or empty.")
    if kind.endswith(_LIST):
        return found
    if len(found) > 1:
        raise invalid_input(f"Context key {kind} expected a single value, but received {len(found)}.")
    return found[0]


def _scalar(name: str, kind: str, text: str) -> str:
    if kind == "boolean":
        # Whatever is not "true" is false, to AWS.
        return "true" if text.lower() == "true" else "false"
    reader = _EXPECTED.get(kind)
    if reader is not None and reader[0](text) is None:
        raise _unreadable(name, reader[1])
    return text


def _unreadable(name: str, expected: str) -> Fault:
    return invalid_input(f"Invalid context value for key {name}: {expected}.")
