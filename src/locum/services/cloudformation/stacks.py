"""Stacks are created, updated, deleted and protected; what becomes of their resources is `agents.stacks`' to do."""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.asking import Asking, asking
from locum.services.cloudformation.beginnings import begin_update
from locum.services.cloudformation.change_set_trees import check_promise, promise_of, removed
from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.intrinsics import Pseudo
from locum.services.cloudformation.lookup import change_sets_of, existing, resources_of, root_of, stack_named
from locum.services.cloudformation.nesting import check_nesting, is_part, making
from locum.services.cloudformation.outputs import held_exports
from locum.services.cloudformation.parts import (
    HELD,
    NO_UPDATES,
    goes_with_parent,
    is_held,
    taken_back,
    updating,
)
from locum.services.cloudformation.proposals import (
    Proposal,
    TransformFailed,
    kept_template,
    proposed,
    pseudo_of,
    template_of_version,
)
from locum.services.cloudformation.rollback_triggers import rollback_given
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.skipping import FAILED, ROLLING_BACK, gone_without, noted, skip, skipped_in
from locum.services.cloudformation.stack_policies import policy_given, ruling
from locum.services.cloudformation.templates import invalid, is_sent
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import ChangeSet, Stack, StackVersion, put
from locum.state.cloudformation import REVIEW, stack_arn

CREATED: Final = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
UPDATABLE: Final = (*CREATED, "CREATE_FAILED", "UPDATE_FAILED")
MOST_STACKS: Final = 2000
"""Stacks of an account in a region. CloudFormation User Guide, "Understand CloudFormation quotas"."""

_NAME: Final = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")


def seals_of(ctx: Context) -> Seals:
    """The seals of the installation."""
    return Seals(ctx.keyring, ctx.entropy)


def check_stack_name(name: str) -> None:
    """Check the name of a new stack. Raises Fault ValidationError."""
    if not _NAME.fullmatch(name):
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )


def pseudo_for(ctx: Context, name: str, identifier: str, notifications: tuple[str, ...] = ()) -> Pseudo:
    """The pseudo parameters of a stack that is not there yet."""
    arn = stack_arn(ctx.region, ctx.account, name, identifier)
    return Pseudo(ctx.account, ctx.region, name, arn, notification_arns=notifications)


def create_stack(ctx: Context, params: Params) -> Asking:
    """cloudformation:CreateStack."""
    name = params["StackName"]
    check_stack_name(name)
    before, token = stack_named(ctx, name), params.get("ClientRequestToken", "")
    promise = None if is_sent(ctx, params) else _promise(ctx, token, before)
    if before is not None and before.status != REVIEW:
        if token and before.client_token == token:
            return Outcome({"StackId": before.arn})
        raise Fault("AlreadyExistsException", f"Stack [{name}] already exists", 400)
    if before is not None and before.parent and promise is None:  # it is that of the change set of its root
        raise Fault("AlreadyExistsException", f"Stack [{name}] already exists", 400)
    if before is None:
        check_quota(ctx)
    identifier, seals = request_id(ctx.entropy) if before is None else before.id, seals_of(ctx)
    policy = yield from policy_given(ctx, params)
    notifications = tuple(params.get("NotificationARNs") or ())
    pseudo, failed = pseudo_for(ctx, name, identifier, notifications), ""
    try:
        proposal = yield from proposed(ctx, params, pseudo, None, seals, promise)
    except TransformFailed as failure:
        proposal, failed = failure.proposal, failure.message
    check_nesting(ctx, token, proposal.text, {key: list(it) for key, it in proposal.parameters.items()}, seals)
    stack = new_stack(ctx, params, name, identifier, proposal.version(seals, ctx.account, identifier, 1))
    stack = replace(stack, description=proposal.template.description, keeps=keeps_of(params), policy=policy or "")
    obsolete: tuple[Any, ...] = ()
    if before is not None:  # it was under review: its change sets are of no use any more
        stack = replace(stack, created=before.created, events=before.events, told=before.told)
        others = [it for it in change_sets_of(ctx.state, before) if it != promise]
        obsolete = tuple(put(replace(it, execution="OBSOLETE")) for it in others)
    if before is not None and promise is not None:
        stack = replace(stack, parent=before.parent, root=before.root, change_set=promise.arn)
        obsolete += (put(replace(promise, execution="EXECUTE_IN_PROGRESS")),)
    draft = Draft(stack, ctx.now, ctx.entropy)
    draft.status("CREATE_IN_PROGRESS", "User Initiated")
    if failed:
        _end_creation(draft, failed, ctx.now)
    kept = put(kept_template(ctx, identifier, 1, proposal))
    return Outcome({"StackId": stack.arn}, (*draft.events, kept, *obsolete))


def _promise(ctx: Context, token: str, before: Stack | None) -> ChangeSet | None:
    """The change set that says what the stack is to be that is made for another one, with this client token.

    Raises Fault ValidationError where it is for another one than the stack under review.
    """
    made = making(ctx.state, ctx.account, ctx.region, token)
    promise = None if made is None else promise_of(ctx.state, made[0], made[1].logical)
    if promise is not None and (before is None or before.status == REVIEW):
        if before is None:
            raise invalid(f"ChangeSet [{promise.arn}] is out of date")
        check_promise(promise, before)
    return promise


def _end_creation(draft: Draft, reason: str, now: float) -> None:
    """End the creation of a stack of which nothing is made, as its transforms failed."""
    if draft.stack.keeps == "DO_NOTHING":
        draft.status("CREATE_FAILED", reason)
    elif draft.stack.keeps == "DELETE":
        draft.status("DELETE_IN_PROGRESS", f"{reason}. Delete requested by user.")
        draft.status("DELETE_COMPLETE", "", deleted=now)
    else:
        draft.status("ROLLBACK_IN_PROGRESS", f"{reason}. Rollback requested by user.")
        draft.status("ROLLBACK_COMPLETE")


def new_stack(ctx: Context, params: Params, name: str, identifier: str, version: StackVersion) -> Stack:
    """A stack that is to be made of `version`, by the caller or in the role of `params`."""
    minutes = params.get("TimeoutInMinutes", 0)
    return Stack(
        account=ctx.account,
        name=name,
        region=ctx.region,
        id=identifier,
        created=ctx.now,
        status="CREATE_IN_PROGRESS",
        version=version,
        caller=ctx.caller,
        operation=request_id(ctx.entropy),
        deadline=ctx.now + 60 * minutes if minutes else 0.0,
        timeout=minutes,
        role=params.get("RoleARN", ""),
        notifications=tuple(params.get("NotificationARNs") or ()),
        protected=params.get("EnableTerminationProtection", False),
        client_token=params.get("ClientRequestToken", ""),
        rollback=rollback_given(params),
        templates=1,
    )


def is_protected(ctx: Context, stack: Stack) -> bool:
    """Whether a stack must not be deleted: itself, or as a nested one while nothing is under way for its root."""
    root = root_of(ctx.state, stack)
    return stack.protected if root is None else root.protected and not root.status.endswith("_IN_PROGRESS")


def check_quota(ctx: Context) -> None:
    """Check that there is room for another stack. Raises Fault LimitExceededException."""
    there = sum(1 for it in ctx.state.table(Stack, ctx.account).values() if it.region == ctx.region and not it.deleted)
    if there >= MOST_STACKS:
        raise Fault("LimitExceededException", f"Limit for stack has been exceeded: {MOST_STACKS}", 400)


def keeps_of(params: Params) -> str:
    """What a failed operation does. Raises Fault where it is said twice."""
    if "OnFailure" in params and "DisableRollback" in params:
        raise invalid("You can specify either DisableRollback or OnFailure, but not both.")
    failing: str = params.get("OnFailure") or ("DO_NOTHING" if params.get("DisableRollback") else "ROLLBACK")
    return failing


def update_stack(ctx: Context, params: Params) -> Asking:
    """cloudformation:UpdateStack."""
    stack, seals = existing(ctx, params["StackName"]), seals_of(ctx)
    part = updating(ctx, stack, params)
    if part is not None and part[0].status == ROLLING_BACK:
        return taken_back(ctx, stack, params)
    again = part is not None and is_held(ctx.state, stack)
    promise = None if part is None else promise_of(ctx.state, part[0], part[1].logical)
    if again and promise is not None and stack.change_set == promise.arn:  # a restart interrupted who waited for it
        raise invalid(NO_UPDATES)
    if stack.status not in UPDATABLE and not again:
        raise invalid(f"Stack:{stack.arn} is in {stack.status} state and can not be updated.")
    policy = yield from policy_given(ctx, params)
    during = yield from policy_given(ctx, params, "StackPolicyDuringUpdate")
    try:
        proposal = yield from proposed(ctx, params, pseudo_of(stack), stack, seals, promise)
    except TransformFailed as failure:
        if again:
            raise
        return Outcome({"StackId": stack.arn}, _not_begun(ctx, stack, failure.message))
    if promise is None or promise.status == "FAILED":
        check_changes(ctx, stack, proposal, seals, params)
    check_resource_types(ctx, stack, proposal)
    stack = replace(stack, ruling=stack.policy if during is None else during, coming=policy or "")
    stack = replace(stack, part=part is not None)
    events = begin_update(ctx, stack, params, proposal, seals, promise)
    return Outcome({"StackId": stack.arn}, events)


def _not_begun(ctx: Context, stack: Stack, reason: str) -> tuple[Any, ...]:
    """The events of an update that changes nothing, as its transforms failed."""
    draft = Draft(stack, ctx.now, ctx.entropy)
    draft.status("UPDATE_IN_PROGRESS", "User Initiated", updated=ctx.now)
    draft.status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
    draft.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    draft.status("UPDATE_ROLLBACK_COMPLETE")
    return draft.events


def check_changes(ctx: Context, stack: Stack, proposal: Proposal, seals: Seals, params: Params) -> None:
    """Check that an update changes something. Raises Fault ValidationError.

    What transforms make of a template is taken for a change, and so are values that every update reads again.
    """
    version = proposal.version(seals, stack.account, stack.id, stack.version.template)
    parameters = seals.open(stack.account, stack.id, stack.version.parameters)
    same = (
        not proposal.processed
        and not proposal.rereads
        and template_of_version(ctx.state, stack, stack.version).source == proposal.template.source
        and parameters == seals.open(stack.account, stack.id, version.parameters)
        and version.tags == stack.version.tags
        and stack.status in (*CREATED, HELD)
        and params.get("RoleARN", stack.role) == stack.role
        and tuple(params.get("NotificationARNs") or stack.notifications) == stack.notifications
        and not params.keys() & {"StackPolicyBody", "StackPolicyURL"}
        and rollback_given(params, stack.rollback) == stack.rollback
    )
    if same:
        raise invalid(NO_UPDATES)


def check_resource_types(ctx: Context, stack: Stack, proposal: Proposal) -> None:
    """Check that an update changes no resource's type. Raises Fault ValidationError."""
    wanted = proposal.template.resources
    there = resources_of(ctx.state, stack).values()
    changed = [it.logical for it in there if it.logical in wanted and wanted[it.logical].type != it.type]
    if changed:
        raise invalid(
            "Update of resource type is not permitted. "
            f"The new template modifies resource type of the following resources: [{', '.join(changed)}]"
        )


def delete_stack(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DeleteStack. A stack that is not there is deleted; one whose exports are in use stays."""
    stack = stack_named(ctx, params["StackName"])
    if stack is None or stack.deleted:
        return Outcome({})
    if is_protected(ctx, stack):
        raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    if stack.status == "DELETE_IN_PROGRESS":
        return Outcome({})
    changing = stack.status.startswith(("UPDATE", "IMPORT")) and stack.status.endswith("IN_PROGRESS")
    if changing and not goes_with_parent(ctx, stack, params):
        raise invalid(f"Stack [{stack.arn}] cannot be deleted while in status {stack.status}")
    retained = tuple(params.get("RetainResources") or ())
    if retained and stack.status != "DELETE_FAILED":
        raise invalid(
            f"Invalid operation on stack [{stack.arn}]. When you delete a stack, specify which resources to retain "
            "only when the stack is in the DELETE_FAILED state."
        )
    if params.get("DeletionMode") == "FORCE_DELETE_STACK" and stack.status != "DELETE_FAILED":
        raise invalid(
            f"Invalid operation on stack [{stack.arn}]. You can activate DeletionMode FORCE_DELETE_STACK in a delete "
            "stack operation only when the stack is in the DELETE_FAILED state."
        )
    there = {it.logical: it.status for it in resources_of(ctx.state, stack).values()}
    if any(there.get(name, "DELETE_COMPLETE") == "DELETE_COMPLETE" for name in retained):
        raise invalid(
            "The specified resources to retain must be in a valid state. Do not specify resources that are in the "
            "DELETE_COMPLETE state."
        )
    if params.get("DeletionMode") == "FORCE_DELETE_STACK":  # what could not be deleted stays
        retained = tuple({*retained, *(name for name, status in there.items() if status == "DELETE_FAILED")})
    draft = Draft(stack, ctx.now, ctx.entropy)
    role = params.get("RoleARN", stack.role)
    token, operation = params.get("ClientRequestToken", ""), request_id(ctx.entropy)
    if held := held_exports(ctx.state, stack, stack.exports):
        draft.status("DELETE_IN_PROGRESS", "User Initiated", client_token=token)
        draft.status(stack.status, held)
        return Outcome({}, draft.events)
    changes = {"operation": operation, "caller": ctx.caller, "role": role, "retained": retained, "client_token": token}
    if stack.status == REVIEW:
        draft.status("DELETE_COMPLETE", "", deleted=ctx.now, ending=ctx.now, **changes)
    else:
        draft.status("DELETE_IN_PROGRESS", "User Initiated", ending=ctx.now, **changes)
    unused = [it for it in change_sets_of(ctx.state, stack) if not it.execution.startswith("EXECUTE_")]
    return Outcome({}, (*draft.events, *(event for it in unused for event in removed(ctx, it))))


def cancel_update_stack(ctx: Context, params: Params) -> Outcome:
    """cloudformation:CancelUpdateStack."""
    stack = existing(ctx, params["StackName"])
    if stack.status != "UPDATE_IN_PROGRESS":
        raise invalid(f"CancelUpdateStack cannot be called from current stack status {stack.status}")
    draft = Draft(stack, ctx.now, ctx.entropy)
    draft.status("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated", operation=request_id(ctx.entropy))
    return Outcome({}, draft.events)


def continue_update_rollback(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ContinueUpdateRollback."""
    stack = existing(ctx, params["StackName"])
    if is_part(ctx.state, stack):
        raise invalid("RollbackUpdatedStack cannot be invoked on child stacks")
    if stack.status != FAILED:
        raise invalid(f"Stack:{stack.arn} is in {stack.status} state and can not continue update rollback.")
    skipped = skipped_in(ctx.state, stack, params.get("ResourcesToSkip") or ())
    draft = Draft(stack, ctx.now, ctx.entropy)
    draft.status(
        ROLLING_BACK,
        "User Initiated",
        operation=request_id(ctx.entropy),
        retained=gone_without(ctx.state, stack, skipped),
        caller=ctx.caller,
        role=params.get("RoleARN", stack.role),
        client_token=params.get("ClientRequestToken", ""),
    )
    skip(ctx.state, draft)
    return Outcome({}, (*draft.events, *noted(ctx.state, stack, skipped)))


def rollback_stack(ctx: Context, params: Params) -> Outcome:
    """cloudformation:RollbackStack: what failed and was kept as it is goes back after all."""
    stack = existing(ctx, params["StackName"])
    back = {"CREATE_FAILED": "ROLLBACK_IN_PROGRESS", "UPDATE_FAILED": "UPDATE_ROLLBACK_IN_PROGRESS"}.get(stack.status)
    if back is None:
        raise invalid(f"Stack:{stack.arn} is in {stack.status} state and can not be rolled back.")
    draft = Draft(stack, ctx.now, ctx.entropy)
    draft.status(
        back,
        "User Initiated",
        ending=ctx.now if back == "ROLLBACK_IN_PROGRESS" else 0.0,
        operation=request_id(ctx.entropy),
        caller=ctx.caller,
        role=params.get("RoleARN", stack.role),
        client_token=params.get("ClientRequestToken", ""),
    )
    return Outcome({"StackId": stack.arn}, draft.events)


def update_termination_protection(ctx: Context, params: Params) -> Outcome:
    """cloudformation:UpdateTerminationProtection. A nested stack has that of its root."""
    stack = existing(ctx, params["StackName"])
    if root_of(ctx.state, stack) is not None:
        raise invalid(f"Cannot update termination protection of nested stack [{stack.name}]: update that of its root.")
    return Outcome({"StackId": stack.arn}, (put(replace(stack, protected=params["EnableTerminationProtection"])),))


def set_stack_policy(ctx: Context, params: Params) -> Asking:
    """cloudformation:SetStackPolicy. An update under way is still subject to the policy with which it began."""
    stack = existing(ctx, params["StackName"])
    policy = yield from policy_given(ctx, params)
    if policy is None:
        raise invalid("You must specify either StackPolicyBody or StackPolicyURL")
    return Outcome({}, (put(replace(stack, policy=policy, coming="")),))


def get_stack_policy(ctx: Context, params: Params) -> Outcome:
    """cloudformation:GetStackPolicy. While an update is under way, it is the one that the update is subject to."""
    stack = existing(ctx, params["StackName"])
    policy = ruling(stack) or stack.policy
    return Outcome({"StackPolicyBody": policy} if policy else {})


OPERATIONS: Final[dict[str, Operation]] = {
    "CancelUpdateStack": writes(cancel_update_stack),
    "ContinueUpdateRollback": writes(continue_update_rollback),
    "CreateStack": asks_and_writes(asking(create_stack))._replace(rehearsed=True),
    "DeleteStack": writes(delete_stack),
    "GetStackPolicy": reads(get_stack_policy),
    "RollbackStack": writes(rollback_stack),
    "SetStackPolicy": asks_and_writes(asking(set_stack_policy)),
    "UpdateStack": asks_and_writes(asking(update_stack))._replace(rehearsed=True),
    "UpdateTerminationProtection": writes(update_termination_protection),
}
