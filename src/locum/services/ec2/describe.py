"""DescribeInstances and DescribeInstanceStatus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.clock import iso8601
from locum.services.ec2.addresses import private_name
from locum.services.ec2.filters import Values, matching, page
from locum.services.ec2.lookup import STATE_CODES, instances, state_of, visible_instances
from locum.services.ec2.shapes import InstanceRow, groups, reservations, with_association
from locum.services.verbs import Context, Outcome, Params
from locum.state import Instance

_MIN_RESULTS: Final = 5


def _attribute(name: str) -> Values[InstanceRow]:
    """The filter values of an attribute that was given at launch."""
    return lambda s: (s.instance.attributes[name],) if name in s.instance.attributes else ()


def _unless_terminated(values: Values[InstanceRow]) -> Values[InstanceRow]:
    """Filter values that a terminated instance does not have."""
    return lambda s: () if s.instance.state == "terminated" else values(s)


_COMMON_FILTERS: Final[Mapping[str, Values[InstanceRow]]] = {
    "availability-zone": lambda s: (s.instance.zone,),
    "instance-state-code": lambda s: (str(STATE_CODES[s.instance.state]),),
    "instance-state-name": lambda s: (s.instance.state,),
}

_FILTERS: Final[Mapping[str, Values[InstanceRow]]] = {
    **_COMMON_FILTERS,
    "architecture": lambda _: ("x86_64",),
    "client-token": lambda s: (s.instance.client_token,),
    "dns-name": lambda _: ("",),
    "hypervisor": lambda _: ("xen",),
    "iam-instance-profile.arn": lambda s: (s.association.profile_arn,) if s.association else (),
    "iam-instance-profile.id": lambda s: (s.association.profile_id,) if s.association else (),
    "iam-instance-profile.name": lambda s: (s.association.profile_arn.rsplit("/", 1)[-1],) if s.association else (),
    "image-id": _attribute("ImageId"),
    "instance-id": lambda s: (s.instance.id,),
    "instance-type": lambda s: (s.instance.instance_type,),
    "instance.group-id": lambda s: (g["GroupId"] for g in groups(s.instance) if "GroupId" in g),
    "instance.group-name": lambda s: (g["GroupName"] for g in groups(s.instance) if "GroupName" in g),
    "kernel-id": _attribute("KernelId"),
    "key-name": _attribute("KeyName"),
    "launch-index": lambda s: (str(s.instance.launch_index),),
    "launch-time": lambda s: (iso8601(s.instance.launched).replace("Z", ".000Z"),),
    "metadata-options.http-endpoint": lambda s: (s.instance.metadata.endpoint,),
    "metadata-options.http-protocol-ipv6": lambda s: (s.instance.metadata.protocol_ipv6,),
    "metadata-options.http-put-response-hop-limit": lambda s: (str(s.instance.metadata.hop_limit),),
    "metadata-options.http-tokens": lambda s: (s.instance.metadata.tokens,),
    "metadata-options.instance-metadata-tags": lambda s: (s.instance.metadata.instance_tags,),
    "metadata-options.state": lambda _: ("applied",),
    "network-interface.mac-address": _unless_terminated(lambda s: (s.instance.mac,)),
    "network-interface.addresses.private-ip-address": _unless_terminated(lambda s: (s.instance.private_ip,)),
    "network-interface.private-dns-name": _unless_terminated(lambda s: (_name(s.instance),)),
    "network-interface.subnet-id": _attribute("SubnetId"),
    "owner-id": lambda s: (s.instance.account,),
    "private-dns-name": _unless_terminated(lambda s: (_name(s.instance),)),
    "private-ip-address": _unless_terminated(lambda s: (s.instance.private_ip,)),
    "ramdisk-id": _attribute("RamdiskId"),
    "reservation-id": lambda s: (s.instance.reservation,),
    "root-device-name": lambda _: ("/dev/xvda",),
    "root-device-type": lambda _: ("ebs",),
    "subnet-id": _attribute("SubnetId"),
    "tag-key": lambda s: s.instance.tags,
    "tag-value": lambda s: s.instance.tags.values(),
    "tenancy": lambda s: (s.instance.attributes.get("Placement", {}).get("Tenancy", "default"),),
    "virtualization-type": lambda _: ("hvm",),
}

_STATUS_FILTERS: Final[Mapping[str, Values[InstanceRow]]] = {
    **_COMMON_FILTERS,
    "instance-status.reachability": lambda s: (_health(s.instance)[1],),
    "instance-status.status": lambda s: (_health(s.instance)[0],),
    "system-status.reachability": lambda s: (_health(s.instance)[1],),
    "system-status.status": lambda s: (_health(s.instance)[0],),
}


def describe_instances(ctx: Context, params: Params) -> Outcome:
    """ec2:DescribeInstances. Instances of a reservation are grouped within a page."""
    rows = _described(ctx, params)
    chosen = matching(rows, params.get("Filters"), _FILTERS, lambda s: s.instance.tags)
    result = page(chosen, _order, params, _MIN_RESULTS, "InstanceIds")
    return Outcome({"Reservations": reservations(result.items), **result.rest})


def describe_instance_status(ctx: Context, params: Params) -> Outcome:
    """ec2:DescribeInstanceStatus: "by default, only running instances are described"."""
    rows = _described(ctx, params)
    if not params.get("IncludeAllInstances"):
        rows = [row for row in rows if row.instance.state == "running"]
    chosen = matching(rows, params.get("Filters"), _STATUS_FILTERS)
    result = page(chosen, _order, params, _MIN_RESULTS, "InstanceIds")
    return result.outcome("InstanceStatuses", lambda row: _status(row.instance))


def _described(ctx: Context, params: Params) -> list[InstanceRow]:
    ids = params.get("InstanceIds")
    return [with_association(ctx, it) for it in (instances(ctx, ids) if ids else visible_instances(ctx))]


def _order(row: InstanceRow) -> str:
    it = row.instance
    return f"{it.launched:012d}/{it.reservation}/{it.launch_index:05d}/{it.id}"


def _name(it: Instance) -> str:
    return private_name(it.private_ip, it.region)


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
        "Events": [],
        "InstanceId": it.id,
        "InstanceState": state_of(it.state),
        "InstanceStatus": checks,
        "SystemStatus": checks,
    }
