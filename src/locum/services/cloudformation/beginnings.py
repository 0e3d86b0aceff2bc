"""Beginnings of operations by which a stack that is there becomes another version of itself."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from locum.core.identifiers import request_id
from locum.services.cloudformation.change_set_trees import check_promise
from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.parts import HELD
from locum.services.cloudformation.proposals import Proposal, kept_template
from locum.services.cloudformation.rollback_triggers import rollback_given
from locum.services.cloudformation.sealing import Seals
from locum.services.verbs import Context, Params
from locum.state import ChangeSet, Stack, StackVersion, put
from locum.state.cloudformation import REVIEW


def begun(
    ctx: Context,
    stack: Stack,
    params: Params,
    what: str,
    version: StackVersion,
    *,
    keeps: str = "ROLLBACK",
    **more: Any,
) -> Draft:
    """The beginning of an operation by which `stack` becomes `version`, as the caller of `params` says.

    `what` it is: `CREATE`, `UPDATE` or `IMPORT`. `keeps` is what it does where it fails and `params` do not say it.
    """
    kept = stack.before if stack.status in ("UPDATE_FAILED", HELD) else stack.version
    draft = Draft(stack, ctx.now, ctx.entropy)
    draft.status(
        f"{what}_IN_PROGRESS",
        "User Initiated",
        version=version,
        before=None if stack.status == REVIEW else kept,
        templates=version.template,
        operation=request_id(ctx.entropy),
        caller=ctx.caller,
        keeps="DO_NOTHING" if params.get("DisableRollback") else keeps,
        updated=ctx.now,
        deadline=0.0,
        retained=(),
        client_token=params.get("ClientRequestToken", ""),
        watched=0.0,
        **more,
    )
    return draft


def begin_update(
    ctx: Context, stack: Stack, params: Params, proposal: Proposal, seals: Seals, promise: ChangeSet | None = None
) -> tuple[Any, ...]:
    """The events that begin an update of `stack` to `proposal`, which executes the change set `promise`."""
    number = stack.templates + 1
    if promise is not None:
        check_promise(promise, stack)
    version = proposal.version(seals, stack.account, stack.id, number)
    draft = begun(
        ctx,
        stack,
        params,
        "UPDATE",
        version if version.capabilities else replace(version, capabilities=stack.version.capabilities),
        role=params.get("RoleARN", stack.role),
        description=proposal.template.description,
        importing={},
        notifications=tuple(params.get("NotificationARNs") or stack.notifications),
        change_set="" if promise is None else promise.arn,
        rollback=rollback_given(params, stack.rollback),
    )
    executed = () if promise is None else (put(replace(promise, execution="EXECUTE_IN_PROGRESS")),)
    return (*draft.events, put(kept_template(ctx, stack.id, number, proposal)), *executed)
