"""The least properties that a resource of a type may have, by its published schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from locum.services.cloudformation.shapes import node_of, resolved

_DEEPEST: Final = 12
_TEXTS: Final = (
    "locum",
    "Locum",
    "locum1234567890",
    "1",
    "1.0",
    "PT1H",
    "10.0.0.0/16",
    "10.0.0.1",
    "locum.example.com",
    "https://locum.example.com/",
    "a@example.com",
    "2026-01-01T00:00:00Z",
    "rate(1 day)",
    "ABCDEFGHIJ",
    "a" * 20,
    "1" * 10,
    "a-" + "0" * 17,
    "*",
    "/locum",
    "/locum/",
    "us-east-1",
    "us-east-1a",
    "000000000000",
    "00000000-0000-0000-0000-000000000000",
    "locum_one",
    "s3://locum-bucket/key",
    "arn:aws:sso:::instance/ssoins-0123456789abcdef",
    "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0123456789abcdef",
)
"""Texts, of which one mostly has the pattern that a property is to have."""


class Minimal:
    """Properties with `known` values, by the ends of the names of properties (`RoleArn`)."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._known = known

    def properties(self, kind: str, also: Iterator[str] | tuple[str, ...] = ()) -> dict[str, Any]:
        """The properties that a resource of the type `kind` has to have, and those of `also`."""
        whole = node_of(kind)
        names = {*whole.get("required", ()), *also, *self._alternatives(whole)}
        return {name: self._value(whole, whole["properties"][name], name, 0) for name in sorted(names)}

    def another(self, kind: str, name: str, value: Any) -> Any:
        """Another value of a property than `value`; the same where there is none."""
        whole = node_of(kind)
        found = self._resolved(whole, whole["properties"][name])
        if isinstance(value, bool):
            return not value
        if "enum" in found:
            return next((item for item in found["enum"] if item != value), value)
        if isinstance(value, int):
            return next(
                (n for n in (value + 1, value - 1) if n >= found.get("minimum", 0) and n <= found.get("maximum", n)),
                value,
            )
        if isinstance(value, str):
            return next((text for text in _TEXTS if text != value and self._fits(found, text)), value)
        return value

    @staticmethod
    def _alternatives(found: Mapping[str, Any]) -> tuple[str, ...]:
        """The properties of the first alternative."""
        for name in ("oneOf", "anyOf"):
            for alternative in found.get(name, ()):
                if alternative.get("required"):
                    return tuple(alternative["required"])
        return ()

    def _resolved(self, whole: Mapping[str, Any], found: Mapping[str, Any]) -> Mapping[str, Any]:
        found = resolved(whole, found)
        for name in ("oneOf", "anyOf"):
            if "type" not in found and found.get(name) and "properties" not in found:
                return self._resolved(whole, found[name][0])
        return found

    def _value(self, whole: Mapping[str, Any], given: Mapping[str, Any], name: str, depth: int) -> Any:
        found = self._resolved(whole, given)
        kind = found.get("type", "object" if "properties" in found else "string")
        kind = kind[0] if isinstance(kind, list) else kind
        if depth > _DEEPEST:
            return {}
        if kind == "array":
            ends = (end for end in self._known if name.lower().endswith(end.lower() + "s"))
            if (end := next(ends, None)) is not None:
                return [self._known[end]] * max(found.get("minItems", 1), 1)
            item = found.get("items", {"type": "string"})
            return [self._value(whole, item, name.removesuffix("s"), depth + 1)] * max(found.get("minItems", 1), 1)
        ends = (end for end in self._known if name.lower().endswith(end.lower()))
        if kind in ("string", "object") and "enum" not in found and (end := next(ends, None)) is not None:
            return self._known[end]
        if kind == "object":
            names = {*found.get("required", ()), *self._alternatives(found)}
            properties = found.get("properties", {})
            return {it: self._value(whole, properties[it], it, depth + 1) for it in sorted(names) if it in properties}
        return self._scalar(found, kind)

    def _scalar(self, found: Mapping[str, Any], kind: str) -> Any:
        for fixed in ("const", "default"):
            if fixed in found:
                return found[fixed]
        if found.get("enum"):
            return found["enum"][0]
        if kind == "boolean":
            return True
        if kind in ("integer", "number"):
            return max(found.get("minimum", 1), min(1, found.get("maximum", 1)))
        return next((text for text in _TEXTS if self._fits(found, text)), "locum")

    @staticmethod
    def _fits(found: Mapping[str, Any], text: str) -> bool:
        if not found.get("minLength", 0) <= len(text) <= found.get("maxLength", len(text)):
            return False
        if found.get("enum") and text not in found["enum"]:
            return False
        try:
            return re.search(found.get("pattern", ""), text) is not None
        except re.error:
            return True
