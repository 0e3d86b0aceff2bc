"""Change sets of nested stacks: they belong to that of the root, with which they are executed and deleted.

User Guide, "Change sets for nested stacks". What such a change set says of a template is what its stack gets, whatever
is at the TemplateURL when it is executed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from locum.core.errors import Fault
from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.lookup import change_sets_of, executed_by, stack_of
from locum.services.cloudformation.templates import invalid
from locum.services.verbs import Context
from locum.state import ChangeSet, Event, Stack, State, remove
from locum.state.cloudformation import REVIEW
from locum.state.indexes import NESTED_CHANGE_SETS

INVALID_STATUS: Final = "InvalidChangeSetStatus"
_EXECUTING: Final = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
_TOKEN: Final = 12
"""Characters at the end of the name of a nested stack, which are the token of its resource."""


def beneath(state: State, it: ChangeSet) -> list[ChangeSet]:
    """The change sets of the nested stacks of which `it` is the parent, in the order of their logical ids."""
    found = [one for one in state.find(NESTED_CHANGE_SETS, it.arn) if isinstance(one, ChangeSet)]
    return sorted(found, key=lambda one: one.logical)


def change_set_at(state: State, account: str, arn: str) -> ChangeSet | None:
    """The change set with that ARN; None where there is none."""
    return next((it for it in state.table(ChangeSet, account).values() if it.arn == arn), None)


def removed(ctx: Context, it: ChangeSet) -> tuple[Event, ...]:
    """The events by which a change set goes, with those beneath it and the stacks that were to be created by these.

    API Reference, DeleteChangeSet.
    """
    events: list[Event] = []
    for child in beneath(ctx.state, it):
        events += removed(ctx, child)
        stack = stack_of(ctx.state, child)
        if stack is not None and stack.status == REVIEW and len(change_sets_of(ctx.state, stack)) == 1:
            draft = Draft(stack, ctx.now, ctx.entropy)
            draft.status("DELETE_COMPLETE", "", deleted=ctx.now, ending=ctx.now)
            events += draft.events
    return (*events, remove(it))


def check_deletable(state: State, it: ChangeSet) -> None:
    """Check that a change set may be deleted: by itself only one that belongs to none, or to one that is gone.

    Raises Fault InvalidChangeSetStatus.
    """
    parent = change_set_at(state, it.account, it.parent) if it.parent else None
    if parent is not None and parent.execution in ("AVAILABLE", "UNAVAILABLE", "EXECUTE_IN_PROGRESS"):
        raise Fault(INVALID_STATUS, f"ChangeSet [{it.arn}] can only be deleted from the root change set.", 400)


def check_tree(state: State, it: ChangeSet) -> None:
    """Check that the stacks beneath a change set are still those that it was made for. Raises Fault."""
    found = beneath(state, it)
    if missing := set(_named(it)) - {one.arn for one in found}:
        raise Fault("ChangeSetNotFound", f"ChangeSet [{min(missing)}] does not exist", 404)
    for one in found:
        stack = stack_of(state, one)
        if stack is None or stack.deleted or one.version.template != stack.templates + 1:
            raise Fault(INVALID_STATUS, f"ChangeSet [{one.arn}] is out of date", 400)
        check_tree(state, one)


def _named(it: ChangeSet) -> Iterator[str]:
    """The ARNs of the change sets that the changes of one name."""
    for change in it.changes:
        if "ChangeSetId" in change["ResourceChange"]:
            yield change["ResourceChange"]["ChangeSetId"]


def promise_of(state: State, parent: Stack, logical: str) -> ChangeSet | None:
    """The change set that says what a nested stack becomes: one beneath that which its `parent` executes.

    None where that does not include it. Raises Fault where it is not there any more.
    """
    executed = executed_by(state, parent) if parent.status in _EXECUTING else None
    if executed is None or not executed.nested:
        return None
    found = next((it for it in beneath(state, executed) if it.logical == logical), None)
    told = [it["ResourceChange"] for it in executed.changes]
    if found is None and any(it["LogicalResourceId"] == logical and "ChangeSetId" in it for it in told):
        raise invalid(f"The change set of nested stack {logical} does not exist any more.")
    return found


def check_promise(promise: ChangeSet, stack: Stack) -> None:
    """Check that a change set is of `stack` as it is now. Raises Fault ValidationError."""
    if promise.stack != stack.id or promise.version.template != stack.templates + 1:
        raise invalid(f"ChangeSet [{promise.arn}] is out of date")


def promised_token(state: State, parent: Stack, logical: str) -> str:
    """The token of the resource whose stack is under review, of which it has its name; empty where there is none."""
    try:
        promise = promise_of(state, parent, logical)
    except Fault:
        return ""
    stack = None if promise is None else stack_of(state, promise)
    return "" if stack is None or stack.status != REVIEW else stack.name[-_TOKEN:]
