"""DescribeInstances and DescribeInstanceStatus."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final

from locum.core.calls import Ask
from locum.services.ec2.announced import status_events
from locum.services.ec2.filters import Values, check_size, matching, page
from locum.services.ec2.held import held_instances
from locum.services.ec2.instance_filters import FILTERS
from locum.services.ec2.lookup import STATE_CODES, instances, state_of, visible_instances
from locum.services.ec2.shapes import InstanceRow, described, reservations, with_association
from locum.services.verbs import Context, Outcome, Params
from locum.state import Instance

_MIN_RESULTS: Final = 5


_COMMON_FILTERS: Final[Mapping[str, Values[InstanceRow]]] = {
    "availability-zone": lambda s: (s.instance.zone,),
    "instance-state-code": lambda s: (str(STATE_CODES[s.instance.state]),),
    "instance-state-name": lambda s: (s.instance.state,),
}

_STATUS_FILTERS: Final[Mapping[str, Values[InstanceRow]]] = {
    **_COMMON_FILTERS,
    "event.code": lambda s: tuple(each.code for each in s.instance.notices.maintenance),
    "event.description": lambda s: tuple(each.description for each in s.instance.notices.maintenance),
    "event.instance-event-id": lambda s: tuple(each.id for each in s.instance.notices.maintenance),
    "instance-status.reachability": lambda s: (_health(s.instance)[1],),
    "instance-status.status": lambda s: (_health(s.instance)[0],),
    "system-status.reachability": lambda s: (_health(s.instance)[1],),
    "system-status.status": lambda s: (_health(s.instance)[0],),
}


def describe_instances(ctx: Context, params: Params) -> Generator[Ask, Mapping[str, Any], Outcome]:
    """ec2:DescribeInstances. Instances of a reservation are grouped within a page.

    Asks for what the backend has of them.
    """
    rows = _described(ctx, params)
    of_backend = yield from held_instances(ctx, [row.instance for row in rows])
    shapes = [described(row, of_backend.get(row.instance.id, {})) for row in rows]
    chosen = matching(shapes, params.get("Filters"), FILTERS, _tags)
    result = page(chosen, _place, params, _MIN_RESULTS, "InstanceIds")
    return Outcome({"Reservations": reservations(result.items), **result.rest})


def _tags(shape: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in shape["Tags"]}


def _place(shape: Mapping[str, Any]) -> str:
    return _position(shape["LaunchTime"], shape["ReservationId"], shape["AmiLaunchIndex"], shape["InstanceId"])


def describe_instance_status(ctx: Context, params: Params) -> Outcome:
    """ec2:DescribeInstanceStatus: "by default, only running instances are described"."""
    rows = _described(ctx, params)
    if not params.get("IncludeAllInstances"):
        rows = [row for row in rows if row.instance.state == "running"]
    chosen = matching(rows, params.get("Filters"), _STATUS_FILTERS)
    result = page(chosen, _order, params, _MIN_RESULTS, "InstanceIds")
    return result.outcome("InstanceStatuses", lambda row: _status(row.instance))


def _described(ctx: Context, params: Params) -> list[InstanceRow]:
    check_size(params, _MIN_RESULTS, "InstanceIds")
    ids = params.get("InstanceIds")
    return [with_association(ctx, it) for it in (instances(ctx, ids) if ids else visible_instances(ctx))]


def _order(row: InstanceRow) -> str:
    it = row.instance
    return _position(it.launched, it.reservation, it.launch_index, it.id)


def _position(launched: int, reservation: str, index: int, name: str) -> str:
    return f"{launched:012d}/{reservation}/{index:05d}/{name}"


def _health(it: Instance) -> tuple[str, str]:
    """The status and the reachability of a status check."""
    return ("ok", "passed") if it.state == "running" else ("not-applicable", "")


def _status(it: Instance) -> dict[str, Any]:
    summary, reachability = _health(it)
    checks: dict[str, Any] = {"Status": summary}
    if reachability:
        checks["Details"] = [{"Name": "reachability", "Status": reachability}]
    return {
        "AvailabilityZone": it.zone,
        "Events": status_events(it),
        "InstanceId": it.id,
        "InstanceState": state_of(it.state),
        "InstanceStatus": checks,
        "SystemStatus": checks,
    }
