"""Inheritance of management policies from the root to an account.

User Guide, "Inheritance operators": "@@assign", "@@append" and "@@remove" set values; the control operator
"@@operators_allowed_for_child_policies" restricts those that policies below may use at that path and under it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

_ASSIGN: Final = "@@assign"
_APPEND: Final = "@@append"
_REMOVE: Final = "@@remove"
_CONTROL: Final = "@@operators_allowed_for_child_policies"
_ALL: Final = frozenset({_ASSIGN, _APPEND, _REMOVE})

Path = tuple[str, ...]
Limits = dict[Path, frozenset[str]]


def effective(levels: Iterable[Iterable[dict[str, Any]]]) -> dict[str, Any]:
    """The effective policy of `levels`, root first: plain values, without operators."""
    result: dict[str, Any] = {}
    limits: Limits = {}
    for policies in levels:
        below: Limits = dict(limits)
        for policy in policies:
            _merge(result, policy, (), limits, below)
        limits = below
    return _pruned(result)


def _merge(into: dict[str, Any], policy: dict[str, Any], path: Path, limits: Limits, below: Limits) -> None:
    """Merge `policy` at `path` under `limits`, those of the levels above; its own limits are added to `below`."""
    _restrict(policy, path, below)
    for name, value in policy.items():
        if name.startswith("@@") or not isinstance(value, dict):
            continue
        here = (*path, name)
        if _ALL & value.keys():
            _restrict(value, here, below)
            _set(into, name, value, _allowed(limits, here))
        else:
            child = into.setdefault(name, {})
            if isinstance(child, dict):
                _merge(child, value, here, limits, below)


def _restrict(policy: dict[str, Any], path: Path, below: Limits) -> None:
    named = policy.get(_CONTROL)
    if isinstance(named, list):
        allowed = _ALL if "@@all" in named else _ALL & {name for name in named if isinstance(name, str)}
        below[path] = below.get(path, _ALL) & allowed


def _allowed(limits: Limits, path: Path) -> frozenset[str]:
    """The operators that the levels above allow: a limit applies to its path and everything under it."""
    allowed = _ALL
    for depth in range(len(path) + 1):
        allowed &= limits.get(path[:depth], _ALL)
    return allowed


def _set(into: dict[str, Any], name: str, operators: dict[str, Any], allowed: frozenset[str]) -> None:
    for operator in (_ASSIGN, _APPEND, _REMOVE):
        if operator not in operators or operator not in allowed:
            continue
        value, present = operators[operator], into.get(name, [])
        if operator == _ASSIGN:
            into[name] = value
        elif operator == _APPEND:
            into[name] = [*_list(present), *(item for item in _list(value) if item not in _list(present))]
        else:
            into[name] = [item for item in _list(present) if item not in _list(value)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _pruned(value: dict[str, Any]) -> dict[str, Any]:
    """`value` without empty objects."""
    made = {name: _pruned(item) if isinstance(item, dict) else item for name, item in value.items()}
    return {name: item for name, item in made.items() if item != {}}
