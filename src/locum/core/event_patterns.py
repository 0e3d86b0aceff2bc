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
_PARTS: Final = re.compile(r"\\.|\*|[^\\*]+|\\", re.DOTALL)


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
    """Whether `value` is `operand`, in which `*` is any text, and a backslash makes a character stand for itself.

    The texts between are looked for one after the other, each where it is first: no choice is ever taken back, as a
    regular expression would, for hours where a pattern asks for it.
    """
    first, *others = _literals(operand)
    if not others:
        return value == first
    *middle, last = others
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for text in middle:
        found = value.find(text, at, end)
        if found < 0:
            return False
        at = found + len(text)
    return True


def _literals(operand: str) -> list[str]:
    """The texts before, between and after the wildcards of `operand`."""
    found = [""]
    for part in _PARTS.findall(operand):
        if part == "*":
            found.append("")
        else:
            found[-1] += part[1:] if len(part) > 1 and part[0] == "\\" else part
    return found


def _cidr(operand: str, value: Any) -> bool:
    try:
        return ip_address(value) in ip_network(operand, strict=False)
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
