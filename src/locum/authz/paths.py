"""Paths into the parsed input of a call, by which the catalogue refers to members.

    path        = alternative *( "|" alternative )      the first that has a value, or all that have one
    alternative = literal / [ "." ] step *( "." step )  a leading dot: inside the current item of a `for`
    step        = member [ "{}" / "{=}" ] [ "[]" ]      {} each key of a map, {=} each value; [] each element
    literal     = "'" text "'"

`Delete.Objects[].Key` is the key of every object to be deleted, `RequestItems{}` the names of the tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

UNKNOWN_VALUE: Final = "\0"
"""A value that is not known and equals no value of a policy. It is not empty: ForAllValues ignores the empty string."""

_STEP: Final = re.compile(r"[\w-]+(\{=?\})?(\[\])?")

Getter = Callable[[Mapping[str, Any], Any], list[Any]]
"""(parameters, current item) -> the values at the path, none of them None."""


def compile_path(text: str, *, complete: bool = False, every: bool = False) -> Getter:
    """Compile the path `text`. Raises ValueError where it is not a path.

    `complete`: an element of a list or map without the rest of the path has UNKNOWN_VALUE for a value, not none, so
    that values of some elements are never taken for those of all. `every`: the values are those of all alternatives,
    not of the first that has one; a literal is used where no other has a value.
    """
    texts = text.split("|")
    getters = [_alternative(part, complete) for part in texts]
    if len(getters) == 1:
        return getters[0]
    given = [getter for getter, part in zip(getters, texts, strict=True) if not _is_literal(part)] if every else []

    def values(params: Mapping[str, Any], item: Any) -> list[Any]:
        found = [value for getter in given for value in getter(params, item)]
        return found or _first(getters, params, item)

    return values if len(given) > 1 else lambda params, item: _first(getters, params, item)


def _first(getters: Iterable[Getter], params: Mapping[str, Any], item: Any) -> list[Any]:
    for getter in getters:
        found = getter(params, item)
        if found:
            return found
    return []


def _is_literal(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] == "'"


def scalar(value: Any) -> str:
    """A value as text, for a condition key or an ARN: booleans are `true` and `false`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _alternative(text: str, complete: bool) -> Getter:
    if _is_literal(text):
        constant = [text[1:-1]]
        return lambda params, item: constant
    relative = text.startswith(".")
    steps = text.removeprefix(".").split(".")
    if not all(re.fullmatch(_STEP, step) for step in steps):
        raise ValueError(f"not a path: {text!r}")
    if not relative and len(steps) == 1 and steps[0][-1] not in "]}":
        return _member(steps[0])
    inside = [complete and any(before[-1] in "]}" for before in steps[:at]) for at in range(len(steps))]
    walkers = [_walker(step, UNKNOWN_VALUE if within else None) for step, within in zip(steps, inside, strict=True)]

    def walk(params: Mapping[str, Any], item: Any) -> list[Any]:
        values: Iterable[Any] = (item if relative else params,)
        for walker in walkers:
            values = walker(values)
        return list(values)

    return walk


def _member(name: str) -> Getter:
    def member(params: Mapping[str, Any], item: Any) -> list[Any]:
        value = params.get(name)
        return [] if value is None else [value]

    return member


def _walker(step: str, missing: str | None) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """The function that takes one step from each of some values; `missing`, if any, is there where a value has none."""
    each = step.endswith("[]")
    rest = step.removesuffix("[]")
    values_of, keys_of = rest.endswith("{=}"), rest.endswith("{}")
    name = rest.partition("{")[0]

    def walk(values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            found = value.get(name) if isinstance(value, Mapping) else None
            if found is None:
                if missing is not None:
                    yield missing
                continue
            inner: Iterable[Any] = found.keys() if keys_of else found.values() if values_of else (found,)
            for element in inner:
                yield from element if each else (element,)

    return walk
