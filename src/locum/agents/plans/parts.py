"""What is told of a deployment: for each resource, and each phase of it, the calls that it takes."""

from __future__ import annotations

from typing import Final, NamedTuple

from locum.agents.plans.rehearsal import PlannedCall
from locum.services.cloudformation.schemas import schema_of

PHASES: Final = ("create", "update", "delete")


class Action(NamedTuple):
    """An action of which no call is known, on a resource: an ARN, with marks perhaps, or `*` where none is known."""

    name: str
    resource: str = "*"


class Part(NamedTuple):
    """What a phase of a resource takes: `calls`, and `actions` of which nothing more is known.

    `phase` is one of PHASES, or `read`. `notes` say why it may not be all, or not exact. `known`: it takes no more,
    also where it is nothing.
    """

    logical: str
    kind: str
    phase: str
    calls: tuple[PlannedCall, ...] = ()
    actions: tuple[Action, ...] = ()
    notes: tuple[str, ...] = ()
    known: bool = False


def published(logical: str, kind: str, phase: str, why: str) -> Part:
    """A part by the permissions that the published schema of the type has for its handler."""
    schema = schema_of(kind)
    if schema is None:
        return Part(logical, kind, phase, notes=(f"{why}, and there is no schema of {kind}: nothing is known",))
    if phase == "update" and "create" in schema.permissions and phase not in schema.permissions:
        return Part(logical, kind, phase, known=True)  # every change takes another resource
    actions = tuple(Action(name) for name in sorted(set(schema.permissions.get(phase, ()))))
    if not actions:
        told = f"{why}, and the published schema names no permissions to {phase} it: nothing is known"
        return Part(logical, kind, phase, notes=(told,))
    told = f"{why}: the permissions of the published schema, on all resources, are less exact"
    return Part(logical, kind, phase, actions=actions, notes=(told,))
