"""What is told of a deployment: for each resource, and each phase of it, the calls that it takes."""

from __future__ import annotations

from typing import Final, NamedTuple

from locum.agents.plans.rehearsal import Asked
from locum.services.cloudformation.schemas import schema_of

PHASES: Final = ("create", "update", "delete")


class Part(NamedTuple):
    """What a phase of a resource takes: `calls`, and `actions` of which nothing more is known, on all resources.

    `phase` is one of PHASES, or `read`. `notes` say why it may not be all, or not exact.
    """

    logical: str
    kind: str
    phase: str
    calls: tuple[Asked, ...] = ()
    actions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def published(logical: str, kind: str, phase: str, why: str) -> Part:
    """A part by the permissions that the published schema of the type has for its handler."""
    schema = schema_of(kind)
    if schema is None:
        return Part(logical, kind, phase, notes=(f"{why}, and there is no schema of {kind}: nothing is known",))
    actions = tuple(sorted(set(schema.permissions.get(phase, ()))))
    if not actions:
        told = f"{why}, and the published schema names no permissions to {phase} it: nothing is known"
        return Part(logical, kind, phase, notes=(told,))
    told = f"{why}: the permissions of the published schema, on all resources, are less exact"
    return Part(logical, kind, phase, actions=actions, notes=(told,))
