"""Change sets: what a stack would become, which changes that takes, and making it so."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.asking import Asking, asking, drawn
from locum.services.cloudformation.beginnings import begun
from locum.services.cloudformation.change_details import Changes, changes_of
from locum.services.cloudformation.change_set_parts import change_set_of
from locum.services.cloudformation.change_set_trees import INVALID_STATUS, check_deletable, check_tree, removed
from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.imports import Plan, planned, wanted
from locum.services.cloudformation.imports import existing as existing_resources
from locum.services.cloudformation.lookup import (
    NOT_FOUND,
    change_set_named,
    change_sets_of,
    executed_by,
    existing,
    stack_named,
)
from locum.services.cloudformation.nested_changes import Making, with_nested
from locum.services.cloudformation.proposals import (
    Proposal,
    TransformFailed,
    kept_template,
    parameters_of,
    proposed,
    template_in,
)
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.shown import shown_parameter
from locum.services.cloudformation.stacks import (
    UPDATABLE,
    check_quota,
    check_resource_types,
    check_stack_name,
    new_stack,
    pseudo_for,
    seals_of,
)
from locum.services.cloudformation.templates import invalid
from locum.services.pagination import Pagination
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import ChangeSet, Stack, StackVersion, State, put
from locum.state.cloudformation import REVIEW

_LISTS: Final = Pagination("MaxResults", "NextToken", "NextToken", 100, lambda: invalid("NextToken is not valid"))


def create_change_set(ctx: Context, params: Params) -> Asking:
    """cloudformation:CreateChangeSet."""
    name, kind, seals = params["StackName"], params.get("ChangeSetType", "UPDATE"), seals_of(ctx)
    if kind != "IMPORT" and params.get("ResourcesToImport"):
        raise invalid("ResourcesToImport can only be specified for change sets of type IMPORT.")
    if kind == "IMPORT" and params.get("IncludeNestedStacks"):
        raise invalid("IncludeNestedStacks is not supported for changeSet type: IMPORT.")
    stack = _to_be_changed(ctx, name, kind, params["ChangeSetName"])
    made, new = stack is None, stack
    if stack is None:
        check_quota(ctx)
        identifier = drawn(ctx, "stack", lambda: request_id(ctx.entropy))
        version = StackVersion(template=0)
        new = replace(new_stack(ctx, {}, name, identifier, version), status=REVIEW, templates=0)
    assert new is not None
    named = [it for it in change_sets_of(ctx.state, new) if it.name == params["ChangeSetName"]]
    if any(it.execution in ("AVAILABLE", "UNAVAILABLE") for it in named):
        raise Fault("AlreadyExistsException", f"ChangeSet {params['ChangeSetName']} already exists", 409)
    pseudo = pseudo_for(ctx, new.name, new.id, tuple(params.get("NotificationARNs") or new.notifications))
    before = None if new.status == REVIEW else new
    try:
        proposal = yield from proposed(ctx, params, pseudo, before, seals)
        check_resource_types(ctx, new, proposal)
        changes = changes_of(ctx, new, proposal, seals)
        plan = yield from _plan(ctx, new, params, proposal, changes.plain)
    except TransformFailed as failure:
        proposal, plan, changes = failure.proposal, Plan({}, (), failure.message), Changes([], [])
    it = change_set_of(ctx, new, params, proposal, seals, plan, changes)
    it, beneath = (yield from _with_nested(ctx, new, it, proposal, seals)) if it.nested else (it, ())
    unused = [other for other in named if not other.execution.startswith("EXECUTE_")]
    events: tuple[Any, ...] = (*beneath, put(it), *(event for other in unused for event in removed(ctx, other)))
    if made:
        draft = Draft(new, ctx.now, ctx.entropy)
        draft.status(REVIEW, "User Initiated")
        events = (*draft.events, *events)
    return Outcome({"Id": it.arn, "StackId": new.arn}, events)


def _to_be_changed(ctx: Context, name: str, kind: str, change_set: str) -> Stack | None:
    """The stack that the change set is for; None where it is to create one that is not there. Raises Fault."""
    stack = stack_named(ctx, name)
    if kind == "CREATE" or (kind == "IMPORT" and (stack is None or stack.deleted or stack.status == REVIEW)):
        if stack is None:
            check_stack_name(name)
        elif stack.status != REVIEW or stack.parent:
            raise invalid(
                f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."
            )
        return stack
    if stack is None or stack.deleted:
        raise invalid(f"Stack [{name}] does not exist")
    if stack.status not in UPDATABLE:
        raise invalid(f"Stack:{stack.arn} is in {stack.status} state and can not be updated.")
    return stack


def _with_nested(ctx: Context, stack: Stack, it: ChangeSet, proposal: Proposal, seals: Seals) -> Making:
    """`it` with the change sets of nested stacks."""
    it = replace(it, id=drawn(ctx, "change set", lambda: request_id(ctx.entropy)))
    return (yield from with_nested(ctx, stack, it, proposal, seals))


def _plan(
    ctx: Context, stack: Stack, params: Params, proposal: Proposal, changes: list[dict[str, Any]]
) -> Generator[Ask, Mapping[str, Any], Plan]:
    """The plan of a change set with those changes, of which some may be imports."""
    if params.get("ChangeSetType") == "IMPORT":
        return (yield from planned(ctx, stack, proposal, wanted(ctx, stack, params, proposal, changes), changes))
    if params.get("ImportExistingResources"):
        return (yield from existing_resources(ctx, stack, proposal, changes))
    return Plan({}, tuple(changes))


def describe_change_set(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeChangeSet."""
    stack, it = change_set_named(ctx, params["ChangeSetName"], params.get("StackName"))
    seals = seals_of(ctx)
    values = parameters_of(it.version, seals, it.account, it.stack)
    changes = seals.open(it.account, it.stack, it.valued) if params.get("IncludePropertyValues") else it.changes
    shown: dict[str, Any] = _shown(stack, it) | {
        "NotificationARNs": list(it.notifications),
        "RollbackConfiguration": it.rollback,
        "Capabilities": list(it.version.capabilities),
        "Changes": list(changes),
    }
    optional = {
        "Parameters": [shown_parameter(name, value) for name, value in values.items()],
        "Tags": [{"Key": key, "Value": value} for key, value in it.version.tags.items()],
        "OnStackFailure": it.on_failure,
    }
    return Outcome(shown | {member: value for member, value in optional.items() if value})


def _shown(stack: Stack, it: ChangeSet) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "StackId": stack.arn,
        "StackName": stack.name,
        "ChangeSetId": it.arn,
        "ChangeSetName": it.name,
        "ExecutionStatus": it.execution,
        "Status": it.status,
        "CreationTime": it.created,
        "IncludeNestedStacks": it.nested,
    }
    if it.parent:
        shown |= {"ParentChangeSetId": it.parent, "RootChangeSetId": it.root}
    if it.reason:
        shown["StatusReason"] = it.reason
    return shown | ({"Description": it.description} if it.description else {})


def list_change_sets(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListChangeSets."""
    stack = existing(ctx, params["StackName"])
    found = [it for it in change_sets_of(ctx.state, stack) if it.execution != "EXECUTE_COMPLETE"]
    page = _LISTS.page(params, found, lambda it: it.id)
    return page.outcome("Summaries", lambda it: _shown(stack, it))


def delete_change_set(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DeleteChangeSet: of a stack that is there, also where the change set is not.

    The AWS CDK, `cleanupOldChangeset`: "The delete request is successful as long as the stack exists".
    """
    try:
        _, it = change_set_named(ctx, params["ChangeSetName"], params.get("StackName"))
    except Fault as fault:
        if fault.code != NOT_FOUND or params.get("StackName") is None:
            raise
        return Outcome({})
    check_deletable(ctx.state, it)
    return Outcome({}, removed(ctx, it))


def execute_change_set(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ExecuteChangeSet."""
    stack, it = change_set_named(ctx, params["ChangeSetName"], params.get("StackName"))
    if it.execution != "AVAILABLE":
        raise Fault(
            INVALID_STATUS,
            f"ChangeSet [{it.arn}] cannot be executed in its current status of [{it.status}]",
            400,
        )
    if stack.status != REVIEW and stack.status not in UPDATABLE:
        raise invalid(f"Stack:{stack.arn} is in {stack.status} state and can not be updated.")
    if it.version.template != stack.templates + 1:
        raise Fault(INVALID_STATUS, f"ChangeSet [{it.arn}] is out of date", 400)
    check_tree(ctx.state, it)
    executed = replace(it, execution="EXECUTE_IN_PROGRESS")
    others = [other for other in change_sets_of(ctx.state, stack) if other.id != it.id]
    gone = (event for other in others for event in removed(ctx, other))
    return Outcome({}, (*_begun(ctx, stack, it, params), put(executed), *gone))


def _begun(ctx: Context, stack: Stack, it: ChangeSet, params: Params) -> tuple[Any, ...]:
    """The events by which a stack begins to become what a change set says."""
    kept = kept_template(ctx, stack.id, it.version.template, it)
    draft = begun(
        ctx,
        stack,
        params,
        _begins(it, creates=stack.status == REVIEW),
        it.version,
        keeps=it.keeps,
        role=it.role,
        description=template_in(kept.effective).description,
        notifications=it.notifications,
        change_set=it.arn,
        ruling=stack.policy,
        coming="",
        rollback=it.rollback,
        importing=it.importing,
        part=False,
    )
    return (*draft.events, put(kept))


def _begins(it: ChangeSet, *, creates: bool) -> str:
    """What the execution of a change set is."""
    return "IMPORT" if it.change_type == "IMPORT" else "CREATE" if creates else "UPDATE"


def executed_events(state: State, stack: Stack) -> tuple[Any, ...]:
    """The events that end the execution of a change set, where `stack` is done with one."""
    it = None if stack.status.endswith("_IN_PROGRESS") else executed_by(state, stack)
    if it is None or it.execution != "EXECUTE_IN_PROGRESS":
        return ()
    done = stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
    return (put(replace(it, execution="EXECUTE_COMPLETE" if done else "EXECUTE_FAILED")),)


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateChangeSet": asks_and_writes(asking(create_change_set))._replace(rehearsed=True),
    "DeleteChangeSet": writes(delete_change_set),
    "DescribeChangeSet": reads(describe_change_set),
    "ExecuteChangeSet": writes(execute_change_set)._replace(rehearsed=True),
    "ListChangeSets": reads(list_change_sets),
}
