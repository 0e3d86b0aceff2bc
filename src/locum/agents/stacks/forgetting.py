"""Deleted stacks are forgotten after a while, with everything that belongs to them.

CloudFormation API Reference, ListStacks: "Summary information for stacks that have been deleted is kept for 90 days".
"""

from __future__ import annotations

from typing import Final

from locum.core.clock import DAY
from locum.services.verbs import Outcome
from locum.state import Stack, State, remove
from locum.state.indexes import OF_STACK, scoped

KEPT: Final = 90 * DAY


def forgotten_at(stack: Stack) -> float | None:
    """When a stack is forgotten (epoch seconds); None for one that is there."""
    return stack.deleted + KEPT if stack.deleted else None


def forgotten(state: State, stack: Stack) -> Outcome:
    """The outcome in which a stack is forgotten, unless it is gone."""
    if state.get(Stack, stack.account, stack.key) is None:
        return Outcome({})
    parts = state.find(OF_STACK, scoped(stack.account, stack.key))
    return Outcome({}, (remove(stack), *map(remove, parts)))
