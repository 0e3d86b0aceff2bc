"""Drift of stack sets: an operation detects the drift of each stack, in its account.

CloudFormation User Guide, "Performing drift detection on CloudFormation StackSets": "Changes made through
CloudFormation to a stack directly, rather than at the stack set level, aren't considered drift."
"""

from __future__ import annotations

from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.drift import drifts_of, shown_drift
from locum.services.cloudformation.stack_sets.access import named, operated
from locum.services.cloudformation.stack_sets.lookup import instance_of, instances_of, operation_of, results_of
from locum.services.cloudformation.stack_sets.operations import DETECTS, begun, check_idle, repeated
from locum.services.cloudformation.stack_sets.paging import LISTS
from locum.services.cloudformation.stacks import seals_of
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Stack, StackSetResult
from locum.state.autoscaling import regional

_NAME: Final = "DetectStackSetDrift"
_SHOWN: Final = (
    "StackId",
    "LogicalResourceId",
    "PhysicalResourceId",
    "ResourceType",
    "PropertyDifferences",
    "StackResourceDriftStatus",
    "Timestamp",
)
"""The members of StackResourceDrift that a StackInstanceResourceDriftsSummary has."""


def detect_stack_set_drift(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DetectStackSetDrift."""
    of = operated(ctx, params)
    if (again := repeated(ctx, of, _NAME, params)) is not None:
        return Outcome({"OperationId": again.id})
    check_idle(ctx, of)
    return begun(ctx, of, DETECTS, _NAME, params, instances_of(ctx.state, of))


def list_stack_instance_resource_drifts(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListStackInstanceResourceDrifts: what the operation found, while no later one has."""
    of, wanted = named(ctx, params), params.get("StackInstanceResourceDriftStatuses")
    account, region = params["StackInstanceAccount"], params["StackInstanceRegion"]
    if instance_of(ctx.state, of, account, region) is None:
        told = f"Stack instance for stack set {of.full_name}, account {account} and region {region} not found"
        raise Fault("StackInstanceNotFoundException", told, 404)
    operation = operation_of(ctx.state, of, params["OperationId"])
    if operation is None or operation.action != DETECTS:
        raise Fault("OperationNotFoundException", f"Operation {params['OperationId']} not found", 404)
    results = results_of(ctx.state, operation)
    found = [one for it in results if (it.target, it.place) == (account, region) for one in _drifts(ctx, it)]
    shown = [it for it in found if not wanted or it["StackResourceDriftStatus"] in wanted]
    return LISTS.page(params, shown, lambda it: it["LogicalResourceId"]).outcome("Summaries", lambda it: it)


def _drifts(ctx: Context, it: StackSetResult) -> list[dict[str, Any]]:
    """What the detection of a result found of the resources of its stack."""
    stack = ctx.state.get(Stack, it.target, regional(it.place, it.stack)) if it.detection else None
    if stack is None:
        return []
    drifts = [one for one in drifts_of(ctx.state, stack) if one.detection == it.detection]
    shown = [shown_drift(stack, one, seals_of(ctx)) for one in drifts]
    return [{member: one[member] for member in _SHOWN if member in one} for one in shown]


OPERATIONS: Final[dict[str, Operation]] = {
    "DetectStackSetDrift": writes(detect_stack_set_drift),
    "ListStackInstanceResourceDrifts": reads(list_stack_instance_resource_drifts),
}
