"""DescribeFleets, DescribeFleetInstances and DeleteFleets, of fleets of type `instant`."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.actors import on_behalf_of
from locum.core.calls import Ask, ServiceCall
from locum.core.clock import DAY
from locum.core.errors import Fault
from locum.services.asking import Asking
from locum.services.ec2.elsewhere import carry_out_there
from locum.services.ec2.faults import invalid_value, missing_parameter
from locum.services.ec2.filters import Values, matching, page
from locum.services.ec2.held import Answer
from locum.services.ec2.lifecycle import terminated
from locum.services.ec2.lookup import visible
from locum.services.ec2.shapes import tag_list
from locum.services.verbs import Context, Outcome, Params
from locum.state import Event, Fleet, Instance, Removed, put, remove

VISIBLE_AFTER_DELETION: Final = 2 * DAY
"""EC2 User Guide, "EC2 Fleet request states": it is gone two days after its instances were terminated."""
MOST_DELETIONS: Final = 25

FLEET_SERVICE: Final = "ec2fleet.amazonaws.com"
"""Who launches and terminates instances for fleets, with the permissions of its caller."""

_FLEET_ID: Final = re.compile(r"fleet-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MIN_RESULTS: Final = 1
_FILTERS: Final[Mapping[str, Values[Fleet]]] = {
    "activity-status": lambda it: (_activity(it),),
    "excess-capacity-termination-policy": lambda _: ("termination",),
    "fleet-state": lambda it: (it.state,),
    "replace-unhealthy-instances": lambda _: ("false",),
    "type": lambda _: ("instant",),
}


def describe_fleets(ctx: Context, params: Params) -> Outcome:
    """ec2:DescribeFleets.

    "If a fleet is of type instant, you must specify the fleet ID in the request, otherwise the fleet does not appear
    in the response."
    """
    found = [_fleet(ctx, name) for name in dict.fromkeys(params.get("FleetIds") or ())]
    chosen = matching(found, params.get("Filters"), _FILTERS)
    result = page(chosen, lambda it: f"{it.created:012d}/{it.id}", params, _MIN_RESULTS)
    return result.outcome("Fleets", _shape)


def describe_fleet_instances(ctx: Context, params: Params) -> Outcome:
    """ec2:DescribeFleetInstances, which there is not for fleets of type `instant`. Raises Fault."""
    name = _fleet(ctx, params["FleetId"]).id
    text = f"Fleet {name} is instant fleet. Describe fleet instances is not supported by this type of fleet"
    raise Fault("Unsupported", text)


def delete_fleets(ctx: Context, params: Params) -> Asking:
    """ec2:DeleteFleets. The instances are terminated, which the caller has to be allowed."""
    ids = list(dict.fromkeys(params.get("FleetIds") or ()))
    if not ids:
        raise missing_parameter("FleetId")
    if len(ids) > MOST_DELETIONS:
        raise invalid_value(f"You can delete up to {MOST_DELETIONS} fleets of type instant in a single request.")
    if not params.get("TerminateInstances"):
        text = "For instant fleets, you cannot specify NoTerminateInstances."
        raise Fault("UnsupportedOperation", f"{text} A deleted instant fleet with running instances is not supported.")
    done, failed, events = [], [], []
    for name in ids:
        refusal = _not_deletable(ctx, name)
        if refusal is None:
            try:
                events += yield from _deleted(ctx, _fleet(ctx, name))
            except Fault as fault:
                refusal = {"Code": "unexpectedError", "Message": fault.message}
        if refusal is None:
            done.append({"FleetId": name, "CurrentFleetState": "deleted_terminating", "PreviousFleetState": "active"})
        else:
            failed.append({"FleetId": name, "Error": refusal})
    answer = {"SuccessfulFleetDeletions": done, "UnsuccessfulFleetDeletions": failed}
    return Outcome(answer, (*events, *removals_of_deleted(ctx)))


def removals_of_deleted(ctx: Context) -> tuple[Removed, ...]:
    """The events that remove the fleets of the account that were deleted two days ago."""
    return tuple(remove(it) for it in ctx.state.table(Fleet, ctx.account).values() if _is_expired(ctx, it))


def _is_expired(ctx: Context, it: Fleet) -> bool:
    return it.state == "deleted" and ctx.now - it.ended >= VISIBLE_AFTER_DELETION


def _fleet(ctx: Context, name: str) -> Fleet:
    if not _FLEET_ID.fullmatch(name):
        raise Fault("InvalidFleetId.Malformed", f"The fleet ID '{name}' is malformed")
    found = ctx.state.get(Fleet, ctx.account, name)
    if found is None or found.region != ctx.region or _is_expired(ctx, found):
        raise Fault("InvalidFleetId.NotFound", f"The fleet ID '{name}' does not exist")
    return found


def _not_deletable(ctx: Context, name: str) -> dict[str, str] | None:
    """A `DeleteFleetError` for a fleet that is not there, or that was deleted; None for all others."""
    try:
        found = _fleet(ctx, name)
    except Fault as fault:
        code = "fleetIdMalformed" if fault.code.endswith("Malformed") else "fleetIdDoesNotExist"
        return {"Code": code, "Message": fault.message}
    if found.state == "active":
        return None
    return {"Code": "fleetNotInDeletableState", "Message": f"The fleet '{name}' is not in a deletable state"}


def _deleted(ctx: Context, it: Fleet) -> Generator[Ask, Answer, list[Event]]:
    """The events of a fleet's end. Raises Fault where its instances may not be terminated."""
    rows = [ctx.state.get(Instance, ctx.account, name) for name in it.instances]
    living = [row.id for row in rows if row is not None and visible(ctx, row) and row.state != "terminated"]
    events: list[Event] = [put(replace(it, state="deleted", ended=int(ctx.now)))]
    if living:
        call = {"InstanceIds": living}
        caller = on_behalf_of(ctx.caller, FLEET_SERVICE)
        yield Ask(ServiceCall(caller, "ec2", "TerminateInstances", call, ctx.region), decided_only=True)
        events += terminated(ctx, living).events
        yield from carry_out_there(ctx, "TerminateInstances", call, "InstanceIds")
    return events


def _activity(it: Fleet) -> str:
    return "error" if it.errors else "fulfilled"


def _shape(it: Fleet) -> dict[str, Any]:
    """A `FleetData`."""
    given = it.given
    on_demand, spot = (_fulfilled(it, lifecycle) for lifecycle in ("on-demand", "spot"))
    shape = {
        "FleetId": it.id,
        "FleetState": it.state,
        "ActivityStatus": _activity(it),
        "CreateTime": it.created,
        "ClientToken": it.client_token,
        "Type": "instant",
        "ExcessCapacityTerminationPolicy": "termination",
        "ReplaceUnhealthyInstances": False,
        "TerminateInstancesWithExpiration": False,
        "FulfilledCapacity": on_demand + spot,
        "FulfilledOnDemandCapacity": on_demand,
        "TargetCapacitySpecification": {
            "OnDemandTargetCapacity": 0,
            "SpotTargetCapacity": 0,
            "DefaultTargetCapacityType": "on-demand",
            **given["TargetCapacitySpecification"],
        },
        "OnDemandOptions": {"AllocationStrategy": "lowest-price", **given.get("OnDemandOptions", {})},
        "SpotOptions": {"AllocationStrategy": "lowest-price", **given.get("SpotOptions", {})},
        "LaunchTemplateConfigs": list(given["LaunchTemplateConfigs"]),
        "Instances": list(it.launches),
        "Errors": list(it.errors),
        "Tags": tag_list(it.tags),
    }
    return shape | ({"Context": given["Context"]} if given.get("Context") else {})


def _fulfilled(it: Fleet, lifecycle: str) -> float:
    of_kind = [launch for launch in it.launches if launch["Lifecycle"] == lifecycle]
    return sum(len(each["InstanceIds"]) * _weight(each["LaunchTemplateAndOverrides"]) for each in of_kind)


def _weight(pool: Mapping[str, Any]) -> float:
    return float(pool["Overrides"].get("WeightedCapacity") or 1)
