"""Updates of nested stacks, which are parts of the updates of the stacks around them: they stay or go back together.

Knowledge Center, "Why is my stack stuck in UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": CloudFormation pauses the cleanup of a
nested stack until its siblings are updated, as it is rolled back where one of them fails.
"""

from __future__ import annotations

from typing import Final

from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.lookup import parent_of, resources_of
from locum.services.cloudformation.skipping import CANCELLED, FAILED, ROLLING_BACK, skip
from locum.services.cloudformation.templates import invalid, is_sent
from locum.services.verbs import Context, Outcome, Params
from locum.state import Stack, StackResource, State

HELD: Final = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
"""The status of a nested stack that is updated and waits for the stacks around it."""

NO_UPDATES: Final = "No updates are to be performed."
HOLDING: Final = ("UPDATE_IN_PROGRESS", "UPDATE_FAILED", ROLLING_BACK, FAILED)
"""The statuses of a stack whose update may still go back, with all parts of it."""


def is_held(state: State, stack: Stack) -> bool:
    """Whether a nested stack is updated, and its update may still go back with one around it."""
    while stack.part and stack.status == HELD and (parent := parent_of(state, stack)) is not None:
        if parent.status in HOLDING:
            return True
        stack = parent
    return False


def resource_at_work(ctx: Context, stack: Stack, params: Params, status: str) -> tuple[Stack, StackResource] | None:
    """The stack that makes this call for the nested `stack`, as a resource of its own in `status`; None for others.

    Calls of clients are their own, whoever makes them.
    """
    parent = parent_of(ctx.state, stack) if stack.parent else None
    if parent is None or is_sent(ctx, params):
        return None
    it = next((it for it in resources_of(ctx.state, parent).values() if it.physical == stack.arn), None)
    return (parent, it) if it is not None and it.status == status else None


def updating(ctx: Context, stack: Stack, params: Params) -> tuple[Stack, StackResource] | None:
    """The stack of whose update or rollback this update of `stack` is a part, and its resource that is `stack`.

    Raises Fault where that is over.
    """
    found = resource_at_work(ctx, stack, params, "UPDATE_IN_PROGRESS")
    if found is None:
        return None
    parent, it = found
    if it.operation != parent.operation:  # its update was cancelled meanwhile
        raise Fault("InvalidRequest", CANCELLED, 400)
    return found


def goes_with_parent(ctx: Context, stack: Stack, params: Params) -> bool:
    """Whether a nested stack that cleans up is deleted by the one that it is a resource of."""
    cleaning = stack.status.endswith("_CLEANUP_IN_PROGRESS")
    return cleaning and resource_at_work(ctx, stack, params, "DELETE_IN_PROGRESS") is not None


def taken_back(ctx: Context, stack: Stack, params: Params) -> Outcome:
    """The update of a nested stack goes back with the one that it is a part of. Raises Fault where there is none.

    It becomes what it was (`Stack.before`): what its TemplateURL names is not read, and its stack policy not asked.
    """
    if not stack.part or stack.before is None or stack.status not in (HELD, "UPDATE_FAILED", FAILED):
        raise invalid(NO_UPDATES)
    retained = stack.retained if stack.status == FAILED else ()
    draft = Draft(stack, ctx.now, ctx.entropy)
    draft.status(ROLLING_BACK, operation=request_id(ctx.entropy), caller=ctx.caller, retained=retained)
    skip(ctx.state, draft)
    return Outcome({"StackId": stack.arn}, draft.events)
