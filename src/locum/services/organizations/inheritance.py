"""How management policies add up on the way from the root to an account.

User Guide, "Inheritance operators": "@@assign", "@@append" and "@@remove" set values; the control operator
"@@operators_allowed_for_child_policies" says which of them the policies below may use, there and deeper.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

_ASSIGN: Final = "@@assign"
_APPEND: Final = "@@append"
_REMOVE: Final = "@@remove"
_CONTROL: Final = "@@operators_allowed_for_child_policies"
_ALL: Final = frozenset({_ASSIGN, _APPEND, _REMOVE})

Place = tuple[str, ...]
Limits = dict[Place, frozenset[str]]


def effective(levels: Iterable[Iterable[dict[str, Any]]]) -> dict[str, Any]:
    """The policy that `levels`, root first, come to: plain values, without operators."""
    result: dict[str, Any] = {}
    limits: Limits = {}
    for policies in levels:
        below: Limits = dict(limits)
        for policy in policies:
            _merge(result, policy, (), limits, below)
        limits = below
    return _pruned(result)


def _merge(into: dict[str, Any], policy: dict[str, Any], place: Place, limits: Limits, below: Limits) -> None:
    """Carry out `policy` at `place` under `limits`, those of the levels above; note its own in `below`."""
    _restrict(policy, place, below)
    for name, value in policy.items():
        if name.startswith("@@") or not isinstance(value, dict):
            continue
        here = (*place, name)
        if _ALL & value.keys():
            _restrict(value, here, below)
            _set(into, name, value, _allowed(limits, here))
        else:
            child = into.setdefault(name, {})
            if isinstance(child, dict):
                _merge(child, value, here, limits, below)


def _restrict(policy: dict[str, Any], place: Place, below: Limits) -> None:
    named = policy.get(_CONTROL)
    if isinstance(named, list):
        allowed = _ALL if "@@all" in named else _ALL & {name for name in named if isinstance(name, str)}
        below[place] = below.get(place, _ALL) & allowed


def _allowed(limits: Limits, place: Place) -> frozenset[str]:
    """What the levels above leave: a limit holds where it stands, and for everything under it."""
    allowed = _ALL
    for depth in range(len(place) + 1):
        allowed &= limits.get(place[:depth], _ALL)
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
    """Without the places at which nothing was set."""
    made = {name: _pruned(item) if isinstance(item, dict) else item for name, item in value.items()}
    return {name: item for name, item in made.items() if item != {}}
