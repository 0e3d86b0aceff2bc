"""RequestSpotInstances, DescribeSpotInstanceRequests and CancelSpotInstanceRequests.

EC2 User Guide, "Spot request status": the codes and the states that go with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.services.asking import Asking
from locum.services.ec2.faults import idempotency_mismatch, missing_parameter
from locum.services.ec2.filters import Values, matching, page
from locum.services.ec2.idempotency import check_token, digest_of
from locum.services.ec2.instance_filters import at
from locum.services.ec2.launch import events_of, launched
from locum.services.ec2.lookup import removals_of_expired, visible_instances
from locum.services.ec2.profiles import profile_shape
from locum.services.ec2.shapes import InstanceRow, groups, tag_list, with_association
from locum.services.ec2.spot_options import REQUEST, check_end, request_of
from locum.services.ec2.tagging import specified_tags
from locum.services.verbs import Context, Outcome, Params
from locum.state import Instance, put

_KIND: Final = "spot-instances-request"
_REQUEST_ID: Final = re.compile(r"sir-[0-9a-z]{8}")
_MIN_RESULTS: Final = 5
_SHOWN: Final = ("ImageId", "KeyName", "SubnetId", "KernelId", "RamdiskId", "BlockDeviceMappings", "NetworkInterfaces")
_MESSAGES: Final = {
    "fulfilled": "Your spot request is fulfilled.",
    "instance-stopped-by-user": "The instance was stopped by its user.",
    "instance-stopped-no-capacity": "There is no longer sufficient Spot capacity available for the instance.",
    "instance-terminated-by-user": "Spot Instance terminated due to user-initiated termination.",
    "instance-terminated-no-capacity": "There is no longer sufficient Spot capacity available for the instance.",
    "marked-for-stop": "The Spot Instance is marked for stopping.",
    "marked-for-termination": "The Spot Instance is marked for termination.",
    "request-canceled-and-instance-running": "Your Spot request is canceled, but your instance is still running.",
}
_INTERRUPTED: Final = "Server.SpotInstance"
"""The beginning of the state reasons of interrupted instances (`announced`)."""
_MARKS: Final = {"": "fulfilled", "terminate": "marked-for-termination"}


def request_spot_instances(ctx: Context, params: Params) -> Asking:
    """ec2:RequestSpotInstances. The permission to pass the profile's role was checked before."""
    specification = params.get("LaunchSpecification")
    if not specification:
        raise missing_parameter("LaunchSpecification")
    if params.get("ValidFrom", 0) > ctx.now:
        raise Fault("UnsupportedOperation", "A Spot request is fulfilled at once here: ValidFrom must not be later.")
    given = _given(ctx, params)
    earlier = _requested_with(ctx, given)
    if earlier:
        return Outcome(_answer(earlier))
    number = params.get("InstanceCount", 1)
    token = f"{REQUEST}/{given['ClientToken']}" if "ClientToken" in given else ""  # repeated at a backend of instances
    launch = {**specification, "MinCount": number, "MaxCount": number, "ClientToken": token}
    rows = yield from launched(ctx, {**launch, "InstanceMarketOptions": _market(params)})
    rows = [row._replace(instance=replace(_with(row.instance, given), client_token="")) for row in rows]
    return Outcome(_answer(rows), (*removals_of_expired(ctx), *events_of(rows)))


def request_spot_fleet(ctx: Context, params: Params) -> Outcome:
    """ec2:RequestSpotFleet, which is refused: its instances would be the backend's alone. Raises Fault."""
    text = "Spot Fleets are not launched here: CreateFleet of type instant and RequestSpotInstances are."
    raise Fault("UnsupportedOperation", text)


def describe_spot_instance_requests(ctx: Context, params: Params) -> Outcome:
    """ec2:DescribeSpotInstanceRequests."""
    found = [with_association(ctx, it) for it in _chosen(ctx, params)]
    shapes = matching(map(_shape, found), params.get("Filters"), _FILTERS, _tags_of)
    result = page(shapes, lambda it: str(it["SpotInstanceRequestId"]), params, _MIN_RESULTS, "SpotInstanceRequestIds")
    return result.outcome("SpotInstanceRequests", dict)


def cancel_spot_instance_requests(ctx: Context, params: Params) -> Outcome:
    """ec2:CancelSpotInstanceRequests. The instances keep running."""
    if not params.get("SpotInstanceRequestIds"):
        raise missing_parameter("SpotInstanceRequestId")
    cancelled = [_with(it, {"Cancelled": True}) for it in _chosen(ctx, params)]
    shapes = [{"SpotInstanceRequestId": _name(it), "State": "cancelled"} for it in cancelled]
    return Outcome({"CancelledSpotInstanceRequests": shapes}, tuple(put(it) for it in cancelled))


def _market(params: Params) -> dict[str, Any]:
    """The `InstanceMarketOptions` of a launch for a request."""
    members = {
        "SpotInstanceType": params.get("Type"),
        "MaxPrice": params.get("SpotPrice"),
        "BlockDurationMinutes": params.get("BlockDurationMinutes"),
        "InstanceInterruptionBehavior": params.get("InstanceInterruptionBehavior"),
    }
    return {"MarketType": "spot", "SpotOptions": {name: value for name, value in members.items() if value is not None}}


def _given(ctx: Context, params: Params) -> dict[str, Any]:
    """The members of the requests that are no options of their instances; the client token with its digest."""
    token = params.get("ClientToken", "")
    check_token(token)
    check_end(ctx, params.get("ValidUntil"))
    members = {
        "ValidUntil": params.get("ValidUntil"),
        "LaunchGroup": params.get("LaunchGroup"),
        "AvailabilityZoneGroup": params.get("AvailabilityZoneGroup"),
        "Tags": specified_tags(params, _KIND),
        "ClientToken": token,
        "Digest": digest_of(params) if token else "",
    }
    return {name: value for name, value in members.items() if value}


def _requested_with(ctx: Context, given: Mapping[str, Any]) -> list[InstanceRow]:
    """The instances that an earlier request with the client token was fulfilled with. Raises Fault."""
    token = given.get("ClientToken")
    if not token:
        return []
    found = [it for it in _all(ctx) if request_of(it).get("ClientToken") == token]
    if any(request_of(it)["Digest"] != given["Digest"] for it in found):
        raise idempotency_mismatch()
    return [with_association(ctx, it) for it in sorted(found, key=lambda it: it.launch_index)]


def _name(it: Instance) -> str:
    return str(request_of(it)["SpotInstanceRequestId"])


def _all(ctx: Context) -> Iterator[Instance]:
    """The instances that have a request."""
    return (it for it in visible_instances(ctx) if request_of(it))


def _chosen(ctx: Context, params: Params) -> list[Instance]:
    """The instances of the requests that are named, all where none is. Raises Fault."""
    by_id = {_name(it): it for it in _all(ctx)}
    wanted = list(dict.fromkeys(params.get("SpotInstanceRequestIds") or by_id))
    for name in wanted:
        if not _REQUEST_ID.fullmatch(name):
            raise Fault("InvalidSpotInstanceRequestID.Malformed", f'Invalid id: "{name}" (expecting "sir-...")')
        if name not in by_id:
            text = f"The spot instance request ID '{name}' does not exist"
            raise Fault("InvalidSpotInstanceRequestID.NotFound", text)
    return [by_id[name] for name in wanted]


def _with(it: Instance, members: Mapping[str, Any]) -> Instance:
    """`it` with further members of its request."""
    return replace(it, attributes={**it.attributes, REQUEST: {**request_of(it), **members}})


def _answer(rows: Iterable[InstanceRow]) -> dict[str, Any]:
    return {"SpotInstanceRequests": [_shape(row) for row in rows]}


def _shape(row: InstanceRow) -> dict[str, Any]:
    """A `SpotInstanceRequest`."""
    it, request = row.instance, request_of(row.instance)
    state, code = _state(it)
    members = ("AvailabilityZoneGroup", "LaunchGroup", "SpotPrice", "ValidUntil")
    return {
        "SpotInstanceRequestId": _name(it),
        "CreateTime": request["CreateTime"],
        "InstanceId": it.id,
        "InstanceInterruptionBehavior": request["InstanceInterruptionBehavior"],
        "LaunchSpecification": _specification(row),
        "LaunchedAvailabilityZone": it.zone,
        "ProductDescription": "Linux/UNIX",
        "State": state,
        "Status": {"Code": code, "Message": _MESSAGES[code], "UpdateTime": it.state_changed},
        "Tags": tag_list(request.get("Tags", {})),
        "Type": request["Type"],
        **{name: request[name] for name in members if name in request},
    }


def _specification(row: InstanceRow) -> dict[str, Any]:
    """The `LaunchSpecification`, without user data."""
    it, given = row.instance, row.instance.attributes
    placement = {name: given["Placement"][name] for name in ("GroupName", "Tenancy") if given["Placement"].get(name)}
    shape: dict[str, Any] = {
        **{name: given[name] for name in _SHOWN if name in given},
        "EbsOptimized": bool(given.get("EbsOptimized", False)),
        "InstanceType": it.instance_type,
        "Monitoring": {"Enabled": bool((given.get("Monitoring") or {}).get("Enabled", False))},
        "Placement": {**placement, "AvailabilityZone": it.zone},
        "SecurityGroups": groups(it),
    }
    if row.association is not None:
        profile = profile_shape(row.association)["Arn"]
        shape["IamInstanceProfile"] = {"Arn": profile, "Name": profile.rpartition("/")[2]}
    return shape


def _state(it: Instance) -> tuple[str, str]:
    """State and status code of the request, which follow from its instance."""
    cancelled = "cancelled" if request_of(it).get("Cancelled") else ""
    cause = "no-capacity" if it.state_reason.startswith(_INTERRUPTED) else "by-user"
    if it.state == "terminated":
        return cancelled or "closed", f"instance-terminated-{cause}"
    if it.state == "stopped":
        return cancelled or ("disabled" if cause == "by-user" else "open"), f"instance-stopped-{cause}"
    if cancelled:
        return cancelled, "request-canceled-and-instance-running"
    return "active", _MARKS.get(it.notices.interruption, "marked-for-stop")


def _tags_of(shape: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in shape["Tags"]}


_DEVICES: Final = "LaunchSpecification.BlockDeviceMappings"
_PATHS: Final = {
    "availability-zone-group": "AvailabilityZoneGroup",
    "create-time": "CreateTime",
    "fault-code": "Fault.Code",
    "fault-message": "Fault.Message",
    "instance-id": "InstanceId",
    "launch-group": "LaunchGroup",
    "launch.block-device-mapping.delete-on-termination": f"{_DEVICES}.Ebs.DeleteOnTermination",
    "launch.block-device-mapping.device-name": f"{_DEVICES}.DeviceName",
    "launch.block-device-mapping.snapshot-id": f"{_DEVICES}.Ebs.SnapshotId",
    "launch.block-device-mapping.volume-size": f"{_DEVICES}.Ebs.VolumeSize",
    "launch.block-device-mapping.volume-type": f"{_DEVICES}.Ebs.VolumeType",
    "launch.group-id": "LaunchSpecification.SecurityGroups.GroupId",
    "launch.group-name": "LaunchSpecification.SecurityGroups.GroupName",
    "launch.image-id": "LaunchSpecification.ImageId",
    "launch.instance-type": "LaunchSpecification.InstanceType",
    "launch.kernel-id": "LaunchSpecification.KernelId",
    "launch.key-name": "LaunchSpecification.KeyName",
    "launch.monitoring-enabled": "LaunchSpecification.Monitoring.Enabled",
    "launch.ramdisk-id": "LaunchSpecification.RamdiskId",
    "launched-availability-zone": "LaunchedAvailabilityZone",
    "launched-availability-zone-id": "LaunchedAvailabilityZoneId",
    "network-interface.delete-on-termination": "LaunchSpecification.NetworkInterfaces.DeleteOnTermination",
    "network-interface.description": "LaunchSpecification.NetworkInterfaces.Description",
    "network-interface.device-index": "LaunchSpecification.NetworkInterfaces.DeviceIndex",
    "network-interface.group-id": "LaunchSpecification.NetworkInterfaces.Groups",
    "network-interface.network-interface-id": "LaunchSpecification.NetworkInterfaces.NetworkInterfaceId",
    "network-interface.subnet-id": "LaunchSpecification.NetworkInterfaces.SubnetId",
    "product-description": "ProductDescription",
    "spot-instance-request-id": "SpotInstanceRequestId",
    "spot-price": "SpotPrice",
    "state": "State",
    "status-code": "Status.Code",
    "status-message": "Status.Message",
    "tag-key": "Tags.Key",
    "type": "Type",
    "valid-from": "ValidFrom",
    "valid-until": "ValidUntil",
}
_FILTERS: Final[Mapping[str, Values[Mapping[str, Any]]]] = {name: at(path) for name, path in _PATHS.items()}
