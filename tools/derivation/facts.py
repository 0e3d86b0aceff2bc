"""What is known of a type before anything is derived: its schema, and the nouns that name its resources."""

from __future__ import annotations

from typing import NamedTuple

from derivation.tagging import tags_property_of
from locum.services.cloudformation.schemas import Schema


class Facts(NamedTuple):
    """What is known of a type."""

    kind: str
    schema: Schema
    nouns: tuple[str, ...]

    @property
    def read_only(self) -> frozenset[str]:
        """The properties that the service tells and nobody gives."""
        return frozenset(path[0] for path in self.schema.read_only if len(path) == 1)

    @property
    def given(self) -> frozenset[str]:
        """The properties that a template gives, but for tags."""
        return self.schema.properties - self.read_only - {self.tags}

    @property
    def tags(self) -> str:
        """The property that has the tags; empty where there is none."""
        return tags_property_of(self.schema)

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The properties that identify a resource, which Ref gives, separated by `|`."""
        return tuple(path[0] for path in self.schema.identifier)
