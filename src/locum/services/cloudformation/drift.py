"""Drift detection: whether the resources of a stack are what its template says. `agents.stacks.drift` detects it.

CloudFormation User Guide, "Detect unmanaged configuration changes to stacks and resources with drift detection".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.asking import Asking, asking
from locum.services.cloudformation.asked import asked
from locum.services.cloudformation.comparison import PropertyDifference, compared
from locum.services.cloudformation.following import actor_of
from locum.services.cloudformation.lookup import existing, resource_of, resources_of, stack_of
from locum.services.cloudformation.neighbours import Neighbour, unaccounted
from locum.services.cloudformation.proposals import evaluation_of, template_of_version
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.base import Found, Properties, Reading, is_gone
from locum.services.cloudformation.sealing import HIDDEN, Seals
from locum.services.cloudformation.secret_values import hidden, is_hidden, secret_paths
from locum.services.cloudformation.stack_resources import as_given
from locum.services.cloudformation.stacks import seals_of
from locum.services.cloudformation.templates import invalid
from locum.services.pagination import Ordered, Pagination
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import Event, ResourceDrift, Stack, StackDrift, StackResource, State, put, remove
from locum.state.indexes import OF_STACK, scoped

_CHECKABLE: Final = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
"""User Guide, "Considerations when detecting drift"."""

_DRIFTED: Final = ("MODIFIED", "DELETED")
_KEPT: Final = 10
"""Detections of a stack that are kept. API Reference: their number "may vary"."""

_LISTS: Final = Pagination("MaxResults", "NextToken", "NextToken", 100, lambda: invalid("NextToken is not valid"))


def detect_stack_drift(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DetectStackDrift."""
    stack = _checkable(ctx, params["StackName"])
    logicals = tuple(dict.fromkeys(params.get("LogicalResourceIds") or ()))
    there = resources_there(ctx.state, stack)
    for logical in logicals:
        if logical not in there:
            raise invalid(f"Resource {logical} does not exist for stack {stack.name}")
    former = detections_of(ctx.state, stack)
    if any(it.under_way for it in former):
        raise invalid(f"Drift detection is already in progress for stack [{stack.arn}]")
    begun = StackDrift(
        account=ctx.account,
        region=ctx.region,
        stack=stack.id,
        id=request_id(ctx.entropy),
        at=ctx.now,
        caller=ctx.caller,
        logicals=logicals,
    )
    old = former[_KEPT - 1 :]
    return Outcome({"StackDriftDetectionId": begun.id}, (put(begun), *map(remove, old)))


def detect_stack_resource_drift(ctx: Context, params: Params) -> Asking:
    """cloudformation:DetectStackResourceDrift."""
    stack = _checkable(ctx, params["StackName"])
    it = _resource(ctx, stack, params["LogicalResourceId"])
    if not is_readable(it.type):
        raise invalid(f"Drift detection is not supported for resource type {it.type}")
    seals = seals_of(ctx)
    try:
        actor = actor_of(replace(stack, caller=ctx.caller))
        found = yield from asked(actor, stack.region, reading(stack, it, seals))
    except Fault as fault:
        drift = failed(it, fault, ctx.now)
    else:
        drift = told(ctx.state, stack, it, found, seals, ctx.now, secrets_of(ctx.state, stack, seals))
    if drift.status == "UNKNOWN":
        raise Fault("ValidationError", drift.reason, 400)
    after = (*(one for one in drifts_of(ctx.state, stack) if one.logical != it.logical), drift)
    events = (put(drift), put(with_drift(stack, after, ctx.now)))
    return Outcome({"StackResourceDrift": shown_drift(stack, drift, seals)}, events)


def describe_stack_drift_detection_status(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStackDriftDetectionStatus."""
    wanted = params["StackDriftDetectionId"]
    it = _detection(ctx, wanted)
    stack = None if it is None else stack_of(ctx.state, it)
    if it is None or stack is None:
        raise invalid(f"Stack drift detection with id {wanted} does not exist")
    shown: dict[str, Any] = {
        "StackId": stack.arn,
        "StackDriftDetectionId": it.id,
        "DetectionStatus": it.status,
        "Timestamp": it.at,
    }
    optional = {"DetectionStatusReason": it.reason, "StackDriftStatus": it.drift}
    shown |= {member: value for member, value in optional.items() if value}
    return Outcome(shown | ({} if it.under_way else {"DriftedStackResourceCount": it.drifted}))


def _detection(ctx: Context, wanted: str) -> StackDrift | None:
    """The drift detection with this id."""
    found = (it for it in ctx.state.table(StackDrift, ctx.account).values() if it.id == wanted)
    return next((it for it in found if it.region == ctx.region), None)


def _under_way(ctx: Context, params: Params) -> float | None:
    """The time at which a drift detection began that is under way (epoch seconds)."""
    it = _detection(ctx, params["StackDriftDetectionId"])
    return it.at if it is not None and it.under_way else None


def describe_stack_resource_drifts(ctx: Context, params: Params) -> Outcome:
    """cloudformation:DescribeStackResourceDrifts: the resources that were checked."""
    stack, seals = existing(ctx, params["StackName"]), seals_of(ctx)
    wanted = params.get("StackResourceDriftStatusFilters")
    found = [it for it in drifts_of(ctx.state, stack) if not wanted or it.status in wanted]
    page = _LISTS.page(params, Ordered(sorted(found, key=lambda it: it.logical)), lambda it: it.logical)
    return page.outcome("StackResourceDrifts", lambda it: shown_drift(stack, it, seals))


def _checkable(ctx: Context, name: str) -> Stack:
    stack = existing(ctx, name)
    if stack.status not in _CHECKABLE:
        raise invalid(
            f"Drift detection cannot be performed on stack [{stack.arn}] while it is in [{stack.status}] state"
        )
    return stack


def _resource(ctx: Context, stack: Stack, logical: str) -> StackResource:
    found = resource_of(ctx.state, stack, logical)
    if found is None or not is_there(found):
        raise invalid(f"Resource {logical} does not exist for stack {stack.name}")
    return found


# -- checks ----------------------------------------------------------------------------------------------


def is_there(it: StackResource) -> bool:
    """Whether a resource is one of its stack now."""
    return bool(it.physical) and it.status != "DELETE_COMPLETE"


def is_readable(kind: str) -> bool:
    """Whether resources of the type `kind` can be checked."""
    provider = PROVIDERS.get(kind)
    return provider is not None and provider.read is not None


def resources_there(state: State, stack: Stack) -> dict[str, StackResource]:
    """The resources that a stack has now, by their logical ids."""
    return {name: it for name, it in resources_of(state, stack).items() if is_there(it)}


def detections_of(state: State, stack: Stack) -> list[StackDrift]:
    """The detections of a stack, the latest first."""
    found = (it for it in state.find(OF_STACK, scoped(stack.account, stack.key)) if isinstance(it, StackDrift))
    return sorted(found, key=lambda it: (-it.at, it.id))


def drifts_of(state: State, stack: Stack) -> list[ResourceDrift]:
    """What was told of the resources that a stack has now, if they were checked."""
    found = (it for it in state.find(OF_STACK, scoped(stack.account, stack.key)) if isinstance(it, ResourceDrift))
    there = resources_there(state, stack)
    return [it for it in found if it.logical in there and there[it.logical].physical == it.physical]


def reading(stack: Stack, it: StackResource, seals: Seals) -> Reading:
    """The work that reads a resource."""
    read = PROVIDERS[it.type].read
    assert read is not None
    return read(as_given(stack, it, seals.open(stack.account, stack.id, it.properties), seals))


def failed(it: StackResource, fault: Fault, now: float) -> ResourceDrift:
    """What is told of a resource that could not be read: it is gone, or not known."""
    gone = is_gone(fault)
    return _drift(it, "DELETED" if gone else "UNKNOWN", now, reason="" if gone else fault.message)


def secrets_of(state: State, stack: Stack, seals: Seals) -> frozenset[str]:
    """What may be secret in a stack, as `secret_values` names it. It takes a while for large templates."""
    return evaluation_of(state, stack, stack.version, seals).secrets


def told(
    state: State, stack: Stack, it: StackResource, found: Found, seals: Seals, now: float, names: frozenset[str]
) -> ResourceDrift:
    """What is told of a resource that was `found`, in a stack with the secrets `names`."""
    wanted = seals.open(stack.account, stack.id, it.properties)
    comparison = compared(it.type, wanted, found, stack.account)
    others = _neighbours(state, stack, it, seals) if comparison.differences else []
    differences = unaccounted(it.type, it.physical, comparison.differences, others)
    template = template_of_version(state, stack, stack.version)
    definition = template.resources.get(it.logical)
    secret = secret_paths(it.type, {} if definition is None else definition.properties, names)
    shown = {
        "expected": hidden(comparison.expected, secret),
        "actual": hidden(comparison.actual, secret),
        "differences": [_difference(one, secret) for one in differences],
    }
    status = "MODIFIED" if differences else "IN_SYNC"
    return _drift(it, status, now, told=seals.seal(stack.account, stack.id, shown))


def _neighbours(state: State, stack: Stack, it: StackResource, seals: Seals) -> list[Neighbour]:
    others = (other for other in resources_there(state, stack).values() if other.logical != it.logical)
    return [Neighbour(other.type, other.physical, _properties(stack, other, seals)) for other in others]


def _properties(stack: Stack, it: StackResource, seals: Seals) -> Properties:
    found: Properties = seals.open(stack.account, stack.id, it.properties).get("properties", {})
    return found


def _drift(it: StackResource, status: str, now: float, **more: Any) -> ResourceDrift:
    return ResourceDrift(
        account=it.account,
        region=it.region,
        stack=it.stack,
        logical=it.logical,
        type=it.type,
        physical=it.physical,
        status=status,
        at=now,
        **more,
    )


def _difference(it: PropertyDifference, secret: Iterable[tuple[str, ...]]) -> dict[str, str]:
    conceals = is_hidden(it.path, secret)
    values = {"ExpectedValue": it.expected, "ActualValue": it.actual}
    shown = {member: HIDDEN if conceals and value is not None else _text(value) for member, value in values.items()}
    return {"PropertyPath": "/" + "/".join(it.path), **shown, "DifferenceType": it.type}


def _text(value: Any) -> str:
    return "null" if value is None else value if isinstance(value, str) else _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def with_drift(stack: Stack, drifts: Iterable[ResourceDrift], at: float) -> Stack:
    """`stack` with the status that its `drifts` make, of a check begun `at`."""
    return replace(stack, drift=stack_status(drifts), drift_at=max(at, stack.drift_at))


def stack_status(drifts: Iterable[ResourceDrift]) -> str:
    """The StackDriftStatus of a stack with these drifts of its resources."""
    found = {it.status for it in drifts}
    return "DRIFTED" if found & set(_DRIFTED) else "UNKNOWN" if "UNKNOWN" in found else "IN_SYNC"


def detected(state: State, it: StackDrift, stack: Stack) -> tuple[Event, ...]:
    """The events that end a detection, whose checks are done."""
    all_drifts = drifts_of(state, stack)
    mine = [one for one in all_drifts if one.detection == it.id]
    unknown = sorted(one.logical for one in mine if one.status == "UNKNOWN")
    done = replace(
        it,
        status="DETECTION_FAILED" if unknown else "DETECTION_COMPLETE",
        reason=f"Failed to detect drift on resources [{', '.join(unknown)}]" if unknown else "",
        drift=stack_status(mine),
        drifted=sum(one.status in _DRIFTED for one in mine),
    )
    return (put(done), put(with_drift(stack, all_drifts, it.at)))


# -- what is told ----------------------------------------------------------------------------------------


def shown_drift(stack: Stack, it: ResourceDrift, seals: Seals) -> dict[str, Any]:
    """`StackResourceDrift`."""
    shown: dict[str, Any] = {
        "StackId": stack.arn,
        "LogicalResourceId": it.logical,
        "PhysicalResourceId": it.physical,
        "ResourceType": it.type,
        "StackResourceDriftStatus": it.status,
        "Timestamp": it.at,
    }
    if it.reason:
        shown["DriftStatusReason"] = it.reason
    if it.told:
        kept = seals.open(it.account, it.stack, it.told)
        shown["ExpectedProperties"] = _compact(kept["expected"])
        shown["ActualProperties"] = _compact(kept["actual"])
        shown["PropertyDifferences"] = kept["differences"]
    return shown


def stack_drift(stack: Stack) -> dict[str, Any]:
    """The DriftInformation of a stack."""
    if not stack.drift:
        return {"StackDriftStatus": "NOT_CHECKED"}
    return {"StackDriftStatus": stack.drift, "LastCheckTimestamp": stack.drift_at}


def resource_drift(state: State, it: StackResource) -> dict[str, Any]:
    """The DriftInformation of a resource."""
    found = state.get(ResourceDrift, it.account, it.key)
    if found is None or found.physical != it.physical or not is_there(it):
        return {"StackResourceDriftStatus": "NOT_CHECKED"}
    return {"StackResourceDriftStatus": found.status, "LastCheckTimestamp": found.at}


OPERATIONS: Final[dict[str, Operation]] = {
    "DescribeStackDriftDetectionStatus": reads(describe_stack_drift_detection_status)._replace(pending=_under_way),
    "DescribeStackResourceDrifts": reads(describe_stack_resource_drifts),
    "DetectStackDrift": writes(detect_stack_drift),
    "DetectStackResourceDrift": asks_and_writes(asking(detect_stack_resource_drift)),
}
