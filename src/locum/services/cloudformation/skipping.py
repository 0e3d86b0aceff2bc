"""The resources that a rollback goes on without, those of nested stacks among them.

API Reference, ContinueUpdateRollback, ResourcesToSkip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from locum.services.cloudformation.drafts import STACK, Draft
from locum.services.cloudformation.lookup import events_of, resource_of, resources_of, stack_at
from locum.services.cloudformation.nesting import parts_of
from locum.services.cloudformation.templates import invalid
from locum.services.cloudformation.told_events import is_of_stack
from locum.state import Event, Stack, StackResource, State, put

ROLLING_BACK: Final = "UPDATE_ROLLBACK_IN_PROGRESS"
FAILED: Final = "UPDATE_ROLLBACK_FAILED"
CANCELLED: Final = "Resource update cancelled"
"""The reason of a resource that did not fail itself."""

_DELETED: Final = ("DELETE_IN_PROGRESS", "DELETE_COMPLETE", "DELETE_FAILED")
"""The statuses of a nested stack that may be skipped as a whole."""


def skipped_in(state: State, root: Stack, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The logical ids of the resources with these names, `LOGICAL` or `STACK.LOGICAL`, by the ids of their stacks.

    Raises Fault ValidationError where one of them must not be skipped.
    """
    nested = {it.name: it for it in parts_of(state, root)}
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        stack_name, _, logical = name.rpartition(".")
        stack = nested.get(stack_name) if stack_name else root
        if stack is None:
            raise invalid(f"Stack [{stack_name}] does not exist")
        _check(state, stack, logical)
        found[stack.id] = (*found.get(stack.id, ()), logical)
    return found


def _check(state: State, stack: Stack, logical: str) -> None:
    it = resource_of(state, stack, logical)
    if it is None or it.status == "DELETE_COMPLETE":
        raise invalid(f"Resource [{logical}] does not belong to stack {stack.name}")
    if it.type == STACK and not _is_deleted(state, it):
        raise invalid("Nested stacks could not be skipped")
    failed = it.status == "UPDATE_FAILED" and it.reason != CANCELLED and _phase(state, stack, logical) == ROLLING_BACK
    if stack.status != FAILED or not failed:
        raise invalid("Only the resources failed during UpdateRollback are allowed to be skipped")


def _phase(state: State, stack: Stack, logical: str) -> str:
    """The status that the stack had when a resource got the one that it has."""
    events = iter(events_of(state, stack))
    any(it.logical == logical for it in events)  # what is left is older
    return next((it.status for it in events if is_of_stack(stack, it)), "")


def _is_deleted(state: State, it: StackResource) -> bool:
    """Whether the stack that is this resource is deleted, or was to be."""
    embedded = stack_at(state, it.account, it.region, it.physical)
    return embedded is None or embedded.status in _DELETED


def skip(state: State, draft: Draft) -> None:
    """Tell that the resources that the stack goes on without are done with, in whatever state they are."""
    for logical in draft.stack.retained:
        it = resource_of(state, draft.stack, logical)
        if it is not None and it.status == "UPDATE_FAILED":
            draft.resource(replace(it, status="UPDATE_COMPLETE", reason=""))


def gone_without(state: State, stack: Stack, skipped: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The resources that a stack goes on without: those `skipped` now, and since its rollback began."""
    there = resources_of(state, stack)
    before = (name for name in stack.retained if name in there and there[name].status != "UPDATE_FAILED")
    return (*before, *skipped.get(stack.id, ()))


def noted(state: State, root: Stack, skipped: Mapping[str, tuple[str, ...]]) -> tuple[Event, ...]:
    """The events by which the nested stacks whose rollback failed know what they go on without."""
    failed = [it for it in parts_of(state, root) if it.status == FAILED]
    return tuple(put(replace(it, retained=gone_without(state, it, skipped))) for it in failed)
