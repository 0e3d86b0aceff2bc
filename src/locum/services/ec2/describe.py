"""DescribeInstances and DescribeInstanceStatus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.clock import iso8601
from locum.services.ec2.addresses import private_name
from locum.services.ec2.filters import Values, matching, page
from locum.services.ec2.lookup import STATE_CODES, every, instances, state_of
from locum.services.ec2.shapes import Seen, groups, reservations, seen
from locum.services.verbs import Context, Outcome, Params
from locum.state import Instance

_LEAST_RESULTS: Final = 5


def _given(name: str) -> Values[Seen]:
    """An attribute that Describe gives back as it was given."""
    return lambda s: (s.instance.attributes[name],) if name in s.instance.attributes else ()


def _alive(values: Values[Seen]) -> Values[Seen]:
    """What an instance no longer has once it is terminated."""
    return lambda s: () if s.instance.state == "terminated" else values(s)


_BOTH: Final[Mapping[str, Values[Seen]]] = {
    "availability-zone": lambda s: (s.instance.zone,),
    "instance-state-code": lambda s: (str(STATE_CODES[s.instance.state]),),
    "instance-state-name": lambda s: (s.instance.state,),
}

_FILTERS: Final[Mapping[str, Values[Seen]]] = {
    **_BOTH,
    "architecture": lambda _: ("x86_64",),
    "client-token": lambda s: (s.instance.client_token,),
    "dns-name": lambda _: ("",),
    "hypervisor": lambda _: ("xen",),
    "iam-instance-profile.arn": lambda s: (s.bond.profile_arn,) if s.bond else (),
    "iam-instance-profile.id": lambda s: (s.bond.profile_id,) if s.bond else (),
    "iam-instance-profile.name": lambda s: (s.bond.profile_arn.rsplit("/", 1)[-1],) if s.bond else (),
    "image-id": _given("ImageId"),
    "instance-id": lambda s: (s.instance.id,),
    "instance-type": lambda s: (s.instance.instance_type,),
    "instance.group-id": lambda s: (g["GroupId"] for g in groups(s.instance) if "GroupId" in g),
    "instance.group-name": lambda s: (g["GroupName"] for g in groups(s.instance) if "GroupName" in g),
    "kernel-id": _given("KernelId"),
    "key-name": _given("KeyName"),
    "launch-index": lambda s: (str(s.instance.launch_index),),
    "launch-time": lambda s: (iso8601(s.instance.launched).replace("Z", ".000Z"),),
    "metadata-options.http-endpoint": lambda s: (s.instance.metadata.endpoint,),
    "metadata-options.http-protocol-ipv6": lambda s: (s.instance.metadata.protocol_ipv6,),
    "metadata-options.http-put-response-hop-limit": lambda s: (str(s.instance.metadata.hop_limit),),
    "metadata-options.http-tokens": lambda s: (s.instance.metadata.tokens,),
    "metadata-options.instance-metadata-tags": lambda s: (s.instance.metadata.instance_tags,),
    "metadata-options.state": lambda _: ("applied",),
    "network-interface.mac-address": _alive(lambda s: (s.instance.mac,)),
    "network-interface.addresses.private-ip-address": _alive(lambda s: (s.instance.private_ip,)),
    "network-interface.private-dns-name": _alive(lambda s: (_name(s.instance),)),
    "network-interface.subnet-id": _given("SubnetId"),
    "owner-id": lambda s: (s.instance.account,),
    "private-dns-name": _alive(lambda s: (_name(s.instance),)),
    "private-ip-address": _alive(lambda s: (s.instance.private_ip,)),
    "ramdisk-id": _given("RamdiskId"),
    "reservation-id": lambda s: (s.instance.reservation,),
    "root-device-name": lambda _: ("/dev/xvda",),
    "root-device-type": lambda _: ("ebs",),
    "subnet-id": _given("SubnetId"),
    "tag-key": lambda s: s.instance.tags,
    "tag-value": lambda s: s.instance.tags.values(),
    "tenancy": lambda s: (s.instance.attributes.get("Placement", {}).get("Tenancy", "default"),),
    "virtualization-type": lambda _: ("hvm",),
}

_STATUS_FILTERS: Final[Mapping[str, Values[Seen]]] = {
    **_BOTH,
    "instance-status.reachability": lambda s: (_health(s.instance)[1],),
    "instance-status.status": lambda s: (_health(s.instance)[0],),
    "system-status.reachability": lambda s: (_health(s.instance)[1],),
    "system-status.status": lambda s: (_health(s.instance)[0],),
}


def describe_instances(ctx: Context, params: Params) -> Outcome:
    """ec2:DescribeInstances. Instances of one reservation stay together as far as they are on one page."""
    rows = _named(ctx, params)
    chosen = matching(rows, params.get("Filters"), _FILTERS, lambda s: s.instance.tags)
    shown = page(chosen, _order, params, _LEAST_RESULTS, "InstanceIds")
    return Outcome({"Reservations": reservations(shown.items), **shown.rest})


def describe_instance_status(ctx: Context, params: Params) -> Outcome:
    """ec2:DescribeInstanceStatus: "by default, only running instances are described"."""
    rows = _named(ctx, params)
    if not params.get("IncludeAllInstances"):
        rows = [row for row in rows if row.instance.state == "running"]
    chosen = matching(rows, params.get("Filters"), _STATUS_FILTERS)
    shown = page(chosen, _order, params, _LEAST_RESULTS, "InstanceIds")
    return shown.outcome("InstanceStatuses", lambda row: _status(row.instance))


def _named(ctx: Context, params: Params) -> list[Seen]:
    ids = params.get("InstanceIds")
    return [seen(ctx, it) for it in (instances(ctx, ids) if ids else every(ctx))]


def _order(row: Seen) -> str:
    it = row.instance
    return f"{it.launched:012d}/{it.reservation}/{it.launch_index:05d}/{it.id}"


def _name(it: Instance) -> str:
    return private_name(it.private_ip, it.region)


def _health(it: Instance) -> tuple[str, str]:
    """The summary of a status check and its reachability."""
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
