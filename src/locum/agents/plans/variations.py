"""Changes of a resource that an update may make: each property is added, made another, and removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from locum.agents.plans.marks import OTHER
from locum.services.cloudformation.changes import difference
from locum.services.cloudformation.providers.base import Properties
from locum.services.cloudformation.providers.steps import without
from locum.services.cloudformation.schemas import Path, schema_of


def variations(
    kind: str, properties: Properties, in_place: frozenset[str] = frozenset()
) -> Iterator[tuple[Properties, Properties]]:
    """Pairs of properties before and after an update that takes no other resource, nor those of `in_place`.

    A failed update is taken back: each pair is there both ways.
    """
    schema = schema_of(kind)
    required = frozenset[str]() if schema is None else schema.required
    fixed = () if schema is None else schema.fixed
    for name, value in properties.items():
        kept = frozenset(path[1:] for path in fixed if path[0] == name)
        others = [] if () in kept else [{**properties, name: other(value, kept)}]
        if name not in required:
            others.append(without(properties, [name]))
        for before in others:
            if before != properties and not difference(kind, before, properties).fixed - in_place:
                yield before, properties
                yield properties, before


def other(value: Any, kept: frozenset[Path] = frozenset()) -> Any:
    """Another value of the same form, but for what is at the paths that are `kept`."""
    if () in kept:
        return value
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            if value.lower() in ("true", "false"):
                return "false" if value.lower() == "true" else "true"
            return str(int(value) + 1) if value.isdecimal() else f"{value}{OTHER}"
        case Mapping():
            return {name: other(item, _below(kept, str(name))) for name, item in value.items()}
        case list() | tuple():
            return [other(item, _below(kept, "*")) for item in value]
    return value


def _below(kept: frozenset[Path], name: str) -> frozenset[Path]:
    return frozenset(path[1:] for path in kept if path[:1] == (name,))
