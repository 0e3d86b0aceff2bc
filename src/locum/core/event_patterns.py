"""Event patterns: which events rules of EventBridge and the filters of event source mappings let pass.

EventBridge User Guide, "Creating event patterns" and "Comparison operators for use in event patterns"; Lambda Developer
Guide, "Filter rule syntax". A pattern is a JSON object: what it names must be in the event, with one of the values or
comparisons in its list. What the event has beside that does not matter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_address, ip_network
from operator import eq, ge, gt, le, lt
from typing import Any, Final

Pattern = Mapping[str, Any]

_OR: Final = "$or"
_MOST_DEEP: Final = 64
"""Levels of a pattern. [U] AWS does not document how many it takes."""
_COMPARE: Final = {"<": lt, "<=": le, "=": eq, ">=": ge, ">": gt}
_IGNORING_CASE: Final = "equals-ignore-case"


@lru_cache(1024)
def event_pattern(text: str) -> Pattern:
    """Parse a pattern. Raises ValueError, which says what is wrong, where `text` is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("JSON is not valid") from error
    if not isinstance(found, dict):
        raise ValueError("Filter is not an object")
    _check(found, _MOST_DEEP)
    return found


def matches(pattern: Pattern, event: object) -> bool:
    """Whether `event`, a JSON value, matches `pattern`. In an array one of its elements must."""
    if isinstance(event, list):
        return any(matches(pattern, element) for element in _elements(event))
    fields = event if isinstance(event, dict) else {}
    return all(_field_matches(name, wanted, fields) for name, wanted in pattern.items())


def _field_matches(name: str, wanted: Any, fields: dict[str, Any]) -> bool:
    if name == _OR and isinstance(wanted, list):
        return any(matches(alternative, fields) for alternative in wanted)
    if isinstance(wanted, dict):
        return matches(wanted, fields.get(name))
    values = list(_leaves(fields[name])) if name in fields else []
    return any(_one_matches(rule, values) for rule in wanted)


def _elements(value: Any) -> Iterator[Any]:
    """`value`, or all that is in it where it is an array, and in arrays in that, however deep."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting += reversed(found)
        else:
            yield found


def _leaves(value: Any) -> Iterator[Any]:
    """The values that comparisons are with: those in an array one by one, and no objects."""
    return (element for element in _elements(value) if not isinstance(element, dict))


def _one_matches(rule: Any, values: list[Any]) -> bool:
    if not isinstance(rule, dict):
        return any(_same(rule, value) for value in values)
    ((name, operand),) = rule.items()
    if name == "exists":
        return bool(values) is operand
    return any(_OPERATORS[name](operand, value) for value in values)


def _same(wanted: Any, value: Any) -> bool:
    return wanted == value and isinstance(wanted, bool) == isinstance(value, bool)


def _numeric(operand: list[Any], value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return all(_COMPARE[name](value, bound) for name, bound in zip(operand[::2], operand[1::2], strict=True))


def _text(compare: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    """The comparison of texts with one or several operands, which may be told to ignore case."""

    def run(operand: Any, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        if isinstance(operand, dict):
            return compare(value.lower(), operand[_IGNORING_CASE].lower())
        return any(compare(value, one) for one in (operand if isinstance(operand, list) else [operand]))

    return run


def _wildcard(value: str, operand: str) -> bool:
    """Whether `*` in `operand` may stand for what is between its other parts, each found as early as it can be.

    A regular expression would try all ways to do so: a pattern of many parts would never end.
    """
    first, *others = _parts(operand)
    if not others:
        return value == first
    *middle, last = others
    at = len(first)
    if not value.startswith(first):
        return False
    for part in middle:
        found = value.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(value) - at >= len(last) and value.endswith(last)


def _parts(operand: str) -> list[str]:
    """The texts before, between and behind the wildcards; a character behind a backslash is itself."""
    parts = [""]
    for piece in re.findall(r"\\.|\*|[^\\*]+", operand, re.DOTALL):
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += piece.removeprefix("\\")
    return parts


def _cidr(operand: str, value: Any) -> bool:
    try:
        return isinstance(value, str) and ip_address(value) in ip_network(operand, strict=False)
    except ValueError:
        return False


def _anything_but(operand: Any, value: Any) -> bool:
    if isinstance(operand, dict):
        ((name, inner),) = operand.items()
        return not _OPERATORS[name](inner, value)
    return not any(_same(one, value) for one in (operand if isinstance(operand, list) else [operand]))


_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "prefix": _text(str.startswith),
    "suffix": _text(str.endswith),
    _IGNORING_CASE: _text(lambda value, operand: value.lower() == operand.lower()),
    "wildcard": _text(_wildcard),
    "numeric": _numeric,
    "cidr": _cidr,
    "anything-but": _anything_but,
}


# -- what is a pattern ------------------------------------------------------------------------------------------


def _check(pattern: dict[str, Any], depth: int) -> None:
    if not pattern:
        raise ValueError("Empty objects are not allowed")
    if not depth:
        raise ValueError("The pattern has too many levels")
    for name, wanted in pattern.items():
        if isinstance(wanted, dict):
            _check(wanted, depth - 1)
        elif not isinstance(wanted, list):
            raise ValueError(f'"{name}" must be an object or an array')
        elif not wanted:
            raise ValueError("Empty arrays are not allowed")
        elif name == _OR and all(isinstance(alternative, dict) for alternative in wanted):
            for alternative in wanted:
                _check(alternative, depth - 1)
        else:
            for rule in wanted:
                _check_rule(rule)


def _check_rule(rule: Any) -> None:
    if isinstance(rule, list):
        raise ValueError("Match value must be String, number, true, false, or null")
    if not isinstance(rule, dict):
        return
    if len(rule) != 1:
        raise ValueError("Only one key allowed in match expression")
    ((name, operand),) = rule.items()
    if name not in _OPERATORS and name != "exists":
        raise ValueError(f"Unrecognized match type {name}")
    if not _is_operand(name, operand):
        raise ValueError(f"Value of {name} is not valid")


def _is_operand(name: str, operand: Any) -> bool:
    if name == "exists":
        return isinstance(operand, bool)
    if name == "numeric":
        return _is_range(operand)
    if name == "anything-but":
        return _is_excluded(operand)
    if name in ("prefix", "suffix") and isinstance(operand, dict):
        return list(operand) == [_IGNORING_CASE] and isinstance(operand[_IGNORING_CASE], str)
    return isinstance(operand, str)


def _is_range(operand: Any) -> bool:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        return False
    numbers = all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in operand[1::2])
    return numbers and all(isinstance(name, str) and name in _COMPARE for name in operand[::2])


def _is_excluded(operand: Any) -> bool:
    if isinstance(operand, dict):
        if len(operand) != 1:
            return False
        ((name, inner),) = operand.items()
        texts = inner if isinstance(inner, list) else [inner]
        named = name in ("prefix", "suffix", _IGNORING_CASE, "wildcard")
        return named and bool(texts) and all(isinstance(text, str) for text in texts)
    return bool(operand) if isinstance(operand, list) else operand is not None
