"""The published schemas of resource types, which cfn-lint has: what is required, read-only, and fixed at creation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from locum.services.cloudformation.libraries import published_schemas

_REGION: Final = "us-east-1"
_ROOT: Final = "/properties/"

Path = tuple[str, ...]


class Schema(NamedTuple):
    """The schema of a type. Paths are of properties (`*`: of every item of a list). `attributes` are Fn::GetAtt's.

    `permissions` are those of its handlers (`create`, `read`, `update`, `delete`, `list`), and of `tagging`.
    """

    properties: frozenset[str]
    required: frozenset[str]
    fixed: tuple[Path, ...]
    read_only: tuple[Path, ...]
    write_only: tuple[Path, ...]
    identifier: tuple[Path, ...]
    attributes: frozenset[str]
    permissions: Mapping[str, tuple[str, ...]]
    tagging: Mapping[str, Any] = {}


def _schema(kind: str) -> Any:
    """The schema of cfn-lint's, which keeps them; None where there is none. It takes seconds the first time."""
    schemas = published_schemas()
    try:
        return schemas.manager.get_resource_schema(_REGION, kind)
    except schemas.absent:
        return None


def published(kind: str) -> Mapping[str, Any] | None:
    """The published schema of the resource type `kind`; None where there is none."""
    whole = _schema(kind)
    return None if whole is None else whole.schema


@lru_cache(maxsize=512)
def schema_of(kind: str) -> Schema | None:
    """The parts of the schema of `kind` that say how a resource is made; None where there is none."""
    whole = _schema(kind)
    if whole is None:
        return None
    found: Mapping[str, Any] = whole.schema
    handlers = {**found.get("handlers", {}), "tagging": found.get("tagging") or {}}
    return Schema(
        properties=frozenset(found.get("properties", {})),
        required=frozenset(found.get("required", ())),
        fixed=tuple(_paths(found, "createOnlyProperties")),
        read_only=tuple(_paths(found, "readOnlyProperties")),
        write_only=tuple(_paths(found, "writeOnlyProperties")),
        identifier=tuple(_paths(found, "primaryIdentifier")),
        attributes=frozenset(map(str, whole.get_atts)),
        permissions={name: tuple(handler.get("permissions", ())) for name, handler in handlers.items()},
        tagging=found.get("tagging", {}),
    )


@lru_cache(maxsize=1)
def published_types() -> tuple[str, ...]:
    """The names of all resource types of AWS's that have a published schema."""
    types = published_schemas().manager.get_resource_types(_REGION)
    return tuple(sorted(kind for kind in types if _is_real(kind)))


def _is_real(kind: str) -> bool:
    """Whether a type is one of the registry's: neither one of a transform nor a placeholder."""
    return kind.startswith(("AWS::", "Alexa::")) and not kind.startswith("AWS::Serverless::")


def _paths(schema: Mapping[str, Any], member: str) -> Iterator[Path]:
    for path in schema.get(member, ()):
        yield tuple(path.removeprefix(_ROOT).split("/"))


def values_at(properties: Any, path: Path) -> Any:
    """The value at `path`; None where there is none, a list of them below an item of a list."""
    if not path:
        return properties
    head, rest = path[0], path[1:]
    if head == "*":
        return [values_at(item, rest) for item in properties] if isinstance(properties, list) else None
    return values_at(properties[head], rest) if isinstance(properties, Mapping) and head in properties else None
