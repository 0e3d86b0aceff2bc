"""Operations on stack sets: how they begin, what is told of them, and that they are stopped.

API Reference, CreateStackInstances: "The operation ID also functions as an idempotency token". One operation is under
way for a stack set at a time, unless its managed execution is active: then operations wait for those that they conflict
with, "in request order".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.cloudformation.stack_sets import shapes
from locum.services.cloudformation.stack_sets.access import named
from locum.services.cloudformation.stack_sets.lookup import operation_of, operations_of, results_of
from locum.services.cloudformation.stack_sets.paging import LISTS
from locum.services.cloudformation.stacks import seals_of
from locum.services.cloudformation.templates import invalid
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Event, StackInstance, StackSet, StackSetOperation, StackSetResult, put, remove
from locum.state.stack_sets import QUEUED

AUTOMATIC: Final = "AutoDeployment"
"""The name of the call that nobody makes: accounts join or leave units."""

MOST_KEPT: Final = 200
"""Operations of a set that are remembered. [U] AWS does not publish for how long it keeps them."""

DETECTS: Final = "DETECT_DRIFT"
"""The action of a drift detection, which changes nothing of an instance."""

IMPORT: Final = "ImportStacksToStackSet"
_EXCLUSIVE: Final = (
    ("FailureToleranceCount", "FailureTolerancePercentage"),
    ("MaxConcurrentCount", "MaxConcurrentPercentage"),
)


def _asked(name: str, params: Params) -> str:
    """A digest of what a call asks for."""
    kept = {member: value for member, value in params.items() if member != "OperationId"}
    return hashlib.sha256(json.dumps([name, kept], sort_keys=True, default=str).encode()).hexdigest()


def repeated(ctx: Context, of: StackSet, name: str, params: Params) -> StackSetOperation | None:
    """The operation that this very call began before. Raises Fault where another one has its id."""
    found = operation_of(ctx.state, of, params.get("OperationId", ""))
    if found is not None and seals_of(ctx).open(of.account, of.id, found.request) != _asked(name, params):
        raise Fault("OperationIdAlreadyExistsException", "The specified operation ID already exists.", 409)
    return found


def check_idle(ctx: Context, of: StackSet, *, queues: bool = True) -> None:
    """Check that no operation is under way that another one cannot wait for. Raises Fault.

    `queues`: the call can wait where the managed execution of the set is active.
    """
    if queues and of.managed:
        return
    for it in operations_of(ctx.state, of):
        if it.under_way or it.status == QUEUED:
            message = f"Another Operation on StackSet {of.arn} is in progress: {it.id}"
            raise Fault("OperationInProgressException", message, 409)


def _preferences(params: Params, regions: Sequence[str]) -> dict[str, Any]:
    """The OperationPreferences of a call about `regions`. Raises Fault ValidationError."""
    given: dict[str, Any] = dict(params.get("OperationPreferences") or {})
    for pair in _EXCLUSIVE:
        if given.keys() >= set(pair):
            raise invalid(f"You can specify either {pair[0]} or {pair[1]}, but not both")
    if strange := [region for region in given.get("RegionOrder") or () if region not in regions]:
        raise invalid(f"RegionOrder has regions that the operation is not about: [{', '.join(strange)}]")
    return given


def begun(
    ctx: Context,
    of: StackSet,
    action: str,
    name: str,
    params: Params,
    instances: Iterable[StackInstance],
    *,
    outdates: Iterable[StackInstance] = (),
) -> Outcome:
    """The outcome in which the call `name` begins an operation on `instances` of a stack set. Raises Fault.

    `outdates` are instances that are not up to date any more, whether or not the operation is about them. The call is
    `AUTOMATIC` where nobody makes it.
    """
    chosen = {it.key: it for it in instances}
    made = _operation_of(ctx, of, action, name, params, list(dict.fromkeys(it.place for it in chosen.values())))
    after = {it.key: it for it in chosen.values()}
    after |= {it.key: replace(it, status="OUTDATED") for it in outdates if it.status == "CURRENT"}
    changes = {} if action == DETECTS else {"detailed": "PENDING", "reason": ""}
    for key in chosen:
        after[key] = replace(after[key], operation=made.id, **changes)
        if name == IMPORT:  # whose stack it is, is not known before the account has been entered
            after[key] = replace(after[key], stack="")
    results = [_result(ctx, made, it, number) for number, it in enumerate(chosen.values())]
    kept = put(replace(of, operations=made.order)), put(made), *map(put, results), *map(put, after.values())
    return Outcome({"OperationId": made.id}, (*kept, *_forgotten(ctx, of)))


def _operation_of(
    ctx: Context, of: StackSet, action: str, name: str, params: Params, regions: Sequence[str]
) -> StackSetOperation:
    """A new operation in `regions`. Raises Fault ValidationError."""
    preferences = _preferences(params, regions)
    asked = [region for region in params.get("Regions") or () if region in regions]
    waits = name == AUTOMATIC or any(it.under_way or it.status == QUEUED for it in operations_of(ctx.state, of))
    return StackSetOperation(
        account=of.account,
        region=of.region,
        stack_set=of.id,
        id=params.get("OperationId") or request_id(ctx.entropy),
        order=of.operations + 1,
        action=action,
        status=QUEUED if waits else "RUNNING",
        created=ctx.now,
        regions=tuple(dict.fromkeys([*(preferences.get("RegionOrder") or ()), *asked, *sorted(regions)])),
        preferences=preferences,
        targets=dict(params.get("DeploymentTargets") or {}),
        administration=of.administration,
        execution=of.execution,
        retain=bool(params.get("RetainStacks")),
        request=seals_of(ctx).seal(of.account, of.id, _asked(name, params)),  # which may be of secrets
        automatic=name == AUTOMATIC,
        imports=name == IMPORT,
    )


def _result(ctx: Context, of: StackSetOperation, it: StackInstance, number: int) -> StackSetResult:
    return StackSetResult(
        account=of.account,
        region=of.region,
        stack_set=of.stack_set,
        operation=of.id,
        target=it.target,
        place=it.place,
        order=number,
        token=request_id(ctx.entropy),
        unit=it.unit,
        stack=it.stack.rpartition("/")[2] if of.imports else "",
    )


def _forgotten(ctx: Context, of: StackSet) -> list[Event]:
    """The removal of the oldest operations, where there are too many."""
    gone: list[Event] = []
    for it in operations_of(ctx.state, of)[MOST_KEPT - 1 :]:
        if it.ended:
            gone += [remove(it), *map(remove, results_of(ctx.state, it))]
    return gone


def _operation(ctx: Context, params: Params) -> StackSetOperation:
    """The operation that a call names. Raises Fault OperationNotFoundException."""
    found = operation_of(ctx.state, named(ctx, params), params["OperationId"])
    if found is None:
        raise Fault("OperationNotFoundException", f"Operation {params['OperationId']} not found", 404)
    return found


def describe_stack_set_operation(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStackSetOperation."""
    found = _operation(ctx, params)
    return Outcome({"StackSetOperation": shapes.operation(ctx.state, found)})


def _under_way(ctx: Context, params: Params) -> float | None:
    """The time at which an operation that is under way was asked for (epoch seconds)."""
    it = _operation(ctx, params)
    return it.created if it.under_way else None


def list_stack_set_operations(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListStackSetOperations, newest first."""
    found = operations_of(ctx.state, named(ctx, params))
    page = LISTS.page(params, found, lambda it: f"{10**9 - it.order:010d}")
    return page.outcome("Summaries", shapes.operation_summary)


def list_stack_set_operation_results(ctx: Context, params: Params) -> Outcome:
    """cloudformation:ListStackSetOperationResults."""
    found = results_of(ctx.state, _operation(ctx, params))
    filters: Sequence[Mapping[str, str]] = params.get("Filters") or ()
    wanted = {it.get("Values") for it in filters}
    shown = [it for it in found if not wanted or it.status in wanted]
    return LISTS.page(params, shown, lambda it: f"{it.target}/{it.place}").outcome("Summaries", shapes.result)


def stop_stack_set_operation(ctx: Context, params: Params) -> Outcome:
    """cloudformation:StopStackSetOperation: what has begun is finished, and nothing else begins."""
    found = _operation(ctx, params)
    if found.status not in ("RUNNING", QUEUED):
        raise Fault(
            "InvalidOperationException", f"Operation {found.id} is in {found.status} state and cannot be stopped", 400
        )
    return Outcome({}, (put(replace(found, status="STOPPING")),))


OPERATIONS: Final[dict[str, Operation]] = {
    "DescribeStackSetOperation": reads(describe_stack_set_operation)._replace(pending=_under_way),
    "ListStackSetOperationResults": reads(list_stack_set_operation_results),
    "ListStackSetOperations": reads(list_stack_set_operations),
    "StopStackSetOperation": writes(stop_stack_set_operation),
}
