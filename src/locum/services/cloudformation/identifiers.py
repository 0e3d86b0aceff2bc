"""The identifiers of resources: the properties that the schema of a type names, and the physical ids that they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from locum.services.cloudformation.schemas import schema_of

Identifier = Mapping[str, str]


def identifying(kind: str) -> tuple[str, ...]:
    """The names of the properties that identify a resource of type `kind`."""
    schema = schema_of(kind)
    return tuple(path[-1] for path in schema.identifier) if schema else ()


def physical_ids(kind: str, identifier: Identifier) -> Iterator[str]:
    """The physical ids that a resource with this identifier may have, the likeliest first."""
    values = [identifier[name] for name in identifying(kind)]
    found = ["|".join(values), *reversed(values)]
    found += [value.replace("/", ":").rpartition(":")[2] for value in values if value.startswith("arn:")]
    yield from dict.fromkeys(found)


def is_same(one: str, other: str) -> bool:
    """Whether two physical ids are the same; those of queues are URLs, whose hosts may be several."""
    return one == other or ("://" in one and "://" in other and urlsplit(one).path == urlsplit(other).path)
