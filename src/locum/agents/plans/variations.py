"""Changes of a resource that an update may make: each property is added, made another, and removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from locum.agents.plans.marks import OTHER
from locum.services.cloudformation.changes import difference
from locum.services.cloudformation.providers.steps import without
from locum.services.cloudformation.schemas import schema_of

Properties = Mapping[str, Any]


def variations(kind: str, properties: Properties) -> Iterator[tuple[Properties, Properties]]:
    """Pairs of properties before and after an update that takes no other resource.

    A failed update is taken back: each pair is there both ways.
    """
    schema = schema_of(kind)
    required = frozenset[str]() if schema is None else schema.required
    for name, value in properties.items():
        others = [{**properties, name: other(value)}]
        if name not in required:
            others.append(without(properties, [name]))
        for before in others:
            if before != properties and not difference(kind, before, properties).fixed:
                yield before, properties
                yield properties, before


def other(value: Any) -> Any:
    """Another value of the same form."""
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
            return {name: other(item) for name, item in value.items()}
        case list() | tuple():
            return [other(item) for item in value]
    return value
