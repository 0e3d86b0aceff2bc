"""A change set as a value: what a proposal takes of a stack, and whether there is anything that it changes."""

from __future__ import annotations

from typing import Final

from locum.core.identifiers import request_id
from locum.services.cloudformation.change_details import Changes
from locum.services.cloudformation.imports import Plan, with_values
from locum.services.cloudformation.proposals import Proposal, parameters_of, template_in
from locum.services.cloudformation.rollback_triggers import rollback_given
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.stacks import CREATED
from locum.services.verbs import Context, Params
from locum.state import ChangeSet, Stack, StackTemplate

NO_CHANGES: Final = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
_REVIEW: Final = (
    "Verify that resources and their properties defined in the template match the intended configuration of the "
    "resource import to avoid unexpected changes."
)


def change_set_of(
    ctx: Context, stack: Stack, params: Params, proposal: Proposal, seals: Seals, plan: Plan, changes: Changes
) -> ChangeSet:
    """The change set that `proposal` takes; one that fails, for a reason, has no changes."""
    number, reason = stack.templates + 1, plan.reason
    if not (reason or plan.changes) and stack.status in CREATED and not _outputs_change(ctx, stack, proposal, seals):
        reason = NO_CHANGES
    return ChangeSet(
        account=ctx.account,
        region=ctx.region,
        stack=stack.id,
        id=request_id(ctx.entropy),
        name=params["ChangeSetName"],
        change_type=params.get("ChangeSetType", "UPDATE"),
        created=ctx.now,
        status="FAILED" if reason else "CREATE_COMPLETE",
        execution="UNAVAILABLE" if reason else "AVAILABLE",
        reason=reason or (_REVIEW if plan.importing else ""),
        version=proposal.version(seals, ctx.account, stack.id, number),
        text=proposal.text,
        processed=proposal.processed,
        caller=ctx.caller,
        description=params.get("Description", ""),
        role=params.get("RoleARN", stack.role),
        keeps=params.get("OnStackFailure") or "ROLLBACK",
        notifications=tuple(params.get("NotificationARNs") or stack.notifications),
        changes=plan.changes,
        valued=seals.seal(ctx.account, stack.id, with_values(plan, changes.valued)),
        on_failure=params.get("OnStackFailure", ""),
        rollback=rollback_given(params, stack.rollback),
        importing=plan.importing,
        nested=params.get("IncludeNestedStacks", False),
    )


def _outputs_change(ctx: Context, stack: Stack, proposal: Proposal, seals: Seals) -> bool:
    kept = ctx.state.get(StackTemplate, stack.account, f"{stack.key}/{stack.version.template}")
    if kept is None:
        return True
    before = template_in(kept.effective)
    if before.outputs != proposal.template.outputs or stack.version.tags != proposal.tags:
        return True
    values = parameters_of(stack.version, seals, stack.account, stack.id)
    others = {name for name, it in proposal.parameters.items() if name not in values or values[name] != it}
    outputs = [it for it in proposal.template.outputs.values() if proposal.evaluation.exists(it)]
    return any(others & proposal.evaluation.mentions(it) for it in outputs)
