"""Finding stacks, and what belongs to them, in the state."""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.services.cloudformation.templates import invalid
from locum.services.verbs import Context
from locum.state import ChangeSet, Stack, StackDrift, StackEvent, StackResource, StackTemplate, State
from locum.state.autoscaling import regional
from locum.state.indexes import OF_STACK, STACK_NAME, scoped

OfStack = ChangeSet | StackDrift | StackEvent | StackResource

NOT_FOUND: Final = "ChangeSetNotFound"
"""The code for a change set that is not there."""


def stack_named(ctx: Context, name: str) -> Stack | None:
    """The stack with this name, or this ARN: by its ARN a deleted one is found, too."""
    if name.startswith("arn:"):
        found = stack_at(ctx.state, ctx.account, ctx.region, name)
        return found if found is not None and found.arn == name else None
    return ctx.state.first(Stack, STACK_NAME, scoped(ctx.account, regional(ctx.region, name)))


def stack_at(state: State, account: str, region: str, arn: str) -> Stack | None:
    """The stack with that ARN, one of an account and a region; None where there is none."""
    return state.get(Stack, account, regional(region, arn.rpartition("/")[2]))


def stack_of(state: State, it: OfStack) -> Stack | None:
    """The stack that something belongs to, unless it is forgotten."""
    return state.get(Stack, it.account, regional(it.region, it.stack))


def parent_of(state: State, stack: Stack) -> Stack | None:
    """The stack that `stack` is nested in, if it is in one."""
    return stack_at(state, stack.account, stack.region, stack.parent)


def root_of(state: State, stack: Stack) -> Stack | None:
    """The root of a nested stack, unless that is deleted: a stack that was retained outlives it."""
    root = stack_at(state, stack.account, stack.region, stack.root)
    return None if root is None or root.deleted else root


def executed_by(state: State, stack: Stack) -> ChangeSet | None:
    """The change set that a stack executes, or was the last to; None where it is none, or forgotten."""
    if not stack.change_set:
        return None
    key = regional(stack.region, stack.id, stack.change_set.rpartition("/")[2])
    return state.get(ChangeSet, stack.account, key)


def existing(ctx: Context, name: str) -> Stack:
    """The stack with this name or ARN, which is not deleted. Raises Fault ValidationError."""
    found = stack_named(ctx, name)
    if found is None or found.deleted:
        raise invalid(f"Stack [{name}] does not exist")
    return found


def described(ctx: Context, name: str, absent: str = "Stack with id {} does not exist") -> Stack:
    """The stack with this name, or one, deleted perhaps, with this ARN. Raises Fault ValidationError, `absent`."""
    found = stack_named(ctx, name)
    if found is None:
        raise invalid(absent.format(name))
    return found


def template_of(state: State, stack: Stack, number: int) -> StackTemplate:
    """The template of `stack` with this number."""
    if number == 0:  # it is under review: nothing was made of it yet
        return StackTemplate(account=stack.account, region=stack.region, stack=stack.id, number=0, text="{}")
    found = state.get(StackTemplate, stack.account, regional(stack.region, stack.id, str(number)))
    assert found is not None
    return found


def resources_of(state: State, stack: Stack) -> dict[str, StackResource]:
    """The resources of `stack` by their logical ids, in the order of their creation."""
    found = [it for it in state.find(OF_STACK, scoped(stack.account, stack.key)) if isinstance(it, StackResource)]
    return {it.logical: it for it in sorted(found, key=lambda it: (it.order, it.logical))}


def resource_of(state: State, stack: Stack, logical: str) -> StackResource | None:
    """The resource of `stack` with this logical id."""
    return state.get(StackResource, stack.account, regional(stack.region, stack.id, logical))


def events_of(state: State, stack: Stack) -> list[StackEvent]:
    """The events of `stack`, newest first."""
    found = [it for it in state.find(OF_STACK, scoped(stack.account, stack.key)) if isinstance(it, StackEvent)]
    return sorted(found, key=lambda it: it.order, reverse=True)


def change_sets_of(state: State, stack: Stack) -> list[ChangeSet]:
    """The change sets of `stack`, oldest first."""
    found = [it for it in state.find(OF_STACK, scoped(stack.account, stack.key)) if isinstance(it, ChangeSet)]
    return sorted(found, key=lambda it: (it.created, it.id))


def change_set_named(ctx: Context, name: str, stack_name: str | None) -> tuple[Stack, ChangeSet]:
    """The change set with this ARN, or with this name of the named stack: of several, the last that was created.

    Raises Fault NOT_FOUND, ValidationError.
    """
    if stack_name is None and not name.startswith("arn:"):
        raise invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
    stacks = ctx.state.table(Stack, ctx.account).values() if stack_name is None else [stack_named(ctx, stack_name)]
    for stack in stacks:
        if stack is None or stack.region != ctx.region:
            continue
        for found in reversed(change_sets_of(ctx.state, stack)):
            if name in (found.arn, found.name):
                return stack, found
    if stack_name is not None and stacks == [None]:
        raise invalid(f"Stack [{stack_name}] does not exist")
    raise Fault(NOT_FOUND, f"ChangeSet [{name}] does not exist", 404)
