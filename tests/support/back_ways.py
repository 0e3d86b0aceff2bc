"""The back way to what the embedded backend keeps: its models are searched for a text, and hold another value after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from moto.backends import get_backend

from locum.backends.moto.handlers import module_of
from support.holdings import ACCOUNT

_DEPTH: Final = 9
Keep = Callable[[Any], None]
EVERYONE: Final = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
UNREADABLE: Final[tuple[Any, ...]] = (
    [],
    [{}],
    {"Statement": []},
    {"Statement": {}},
    {"Statement": [EVERYONE, {"Effect": "Allow"}]},
    {"Statement": [{**EVERYONE, "Effect": "Deny", "Condition": {"Bool": {"a": {}}}}]},
    {"Statement": "x"},
    "no policy",
    "[]",
    7,
)
"""Values in place of a policy that nobody can read."""


def places(service: str, mark: str) -> list[Keep]:
    """The functions that put a value where moto's models of `service` have a policy with the text `mark` in it.

    A policy is a text, octets or a map with statements.
    """
    name = module_of(service)
    assert name is not None
    backends: Any = get_backend(name)
    found: list[Keep] = []
    for models in dict(backends[ACCOUNT]).values():
        found += _within(models, mark, set(), 0)
    return found


def _within(value: Any, mark: str, seen: set[int], depth: int) -> Iterator[Keep]:
    if id(value) in seen or depth > _DEPTH:
        return
    seen.add(id(value))
    for key, inner, keep in _parts(value):
        if _is_policy(inner, mark):
            yield keep
        elif key != "backends" and not isinstance(inner, (str, bytes, int, float, type)):
            yield from _within(inner, mark, seen, depth + 1)


def _parts(value: Any) -> Iterator[tuple[Any, Any, Keep]]:
    if isinstance(value, dict):
        yield from ((key, value[key], lambda new, key=key: value.__setitem__(key, new)) for key in list(value))
    elif isinstance(value, list):
        yield from ((at, one, lambda new, at=at: value.__setitem__(at, new)) for at, one in enumerate(value))
    elif hasattr(value, "__dict__") and type(value).__module__.startswith("moto."):
        held = vars(value)
        yield from ((key, held[key], lambda new, key=key: held.__setitem__(key, new)) for key in list(held))


def _is_policy(value: Any, mark: str) -> bool:
    if getattr(value, "sid", None) == mark:  # of an event bus each statement is kept on its own
        return True
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return mark in value and "Statement" in value
    return isinstance(value, dict) and "Statement" in value and mark in repr(value)
