"""Stacks within stacks: how deep, how many, and none that nests itself for ever.

A stack that is being made for another one is known by its client token, which has the id of that one: it is told what
it is nested in (`Stack.parent`) only once it is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from locum.services.cloudformation.drafts import STACK
from locum.services.cloudformation.lookup import parent_of, resources_of, stack_at, template_of
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.templates import invalid
from locum.services.verbs import Context
from locum.state import Stack, StackResource, State
from locum.state.autoscaling import regional
from locum.state.indexes import NESTED

DEEPEST: Final = 100
"""Stacks around a nested one. [U] AWS does not publish how deep stacks may be nested."""

MOST_RESOURCES: Final = 2500
"""Resources of all stacks that are nested in one. User Guide, "Understand CloudFormation quotas", nested stacks."""

_ID: Final = 36


def check_nesting(ctx: Context, token: str, text: str, parameters: Any, seals: Seals) -> None:
    """Check that a stack may be nested where it is made for, if it is made for another one. Raises Fault.

    One of the same template (`text`) with the same parameters as one around it would nest itself for ever.
    """
    made = making(ctx.state, ctx.account, ctx.region, token)
    around = list(_around(ctx.state, None if made is None else made[0]))
    if not around:
        return
    for outer in around:
        if (text, parameters) == _made_of(ctx.state, outer, seals):
            raise invalid(f"The template nests itself: stack {outer.arn} has it, with the same parameters.")
    if len(around) >= DEEPEST:
        raise invalid(f"Stacks may not be nested more than {DEEPEST} deep.")
    number = sum(len(resources_of(ctx.state, it)) for it in within(ctx.state, around[-1]))
    if number > MOST_RESOURCES:
        raise invalid(f"Stacks that are nested in one another may not have more than {MOST_RESOURCES} resources.")


def _around(state: State, stack: Stack | None) -> Iterator[Stack]:
    """`stack` and those that it is nested in, to the root."""
    while stack is not None:
        yield stack
        if stack.parent:
            stack = parent_of(state, stack)
        else:
            made = making(state, stack.account, stack.region, stack.client_token)
            stack = None if made is None else made[0]


def making(state: State, account: str, region: str, token: str) -> tuple[Stack, StackResource] | None:
    """The stack that makes one with this client token, and the resource of it as which it does."""
    found = state.get(Stack, account, regional(region, token[:_ID]))
    if found is None:
        return None
    resources = resources_of(state, found).values()
    return next(((found, it) for it in resources if it.type == STACK and token == f"{found.id}-{it.token}"[:64]), None)


def within(state: State, root: Stack) -> Iterator[Stack]:
    """A stack and all that are nested in it."""
    left = [root]
    while left:
        stack = left.pop()
        yield stack
        left += [it for it in state.find(NESTED, stack.arn) if isinstance(it, Stack) and not it.deleted]


def parts_of(state: State, root: Stack) -> Iterator[Stack]:
    """The stacks that are resources of one, or of those: others were nested in it once, and retained."""
    left = [root]
    while left:
        for it in resources_of(state, left.pop()).values():
            physical = it.physical if it.type == STACK and it.status != "DELETE_COMPLETE" else ""
            found = stack_at(state, it.account, it.region, physical)
            if found is not None and not found.deleted:
                yield found
                left.append(found)


def is_part(state: State, stack: Stack) -> bool:
    """Whether a stack is a resource of the one that it is nested in, and was not retained when that let go of it."""
    parent = parent_of(state, stack)
    return parent is not None and not parent.deleted and any(it.id == stack.id for it in parts_of(state, parent))


def _made_of(state: State, stack: Stack, seals: Seals) -> tuple[str, Any]:
    """The template and the parameters of a stack."""
    text = template_of(state, stack, stack.version.template).text
    return text, seals.open(stack.account, stack.id, stack.version.parameters)
