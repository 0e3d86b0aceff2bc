"""Options of an instance that EC2 keeps and shows, and that nothing here acts on: monitoring, credits, placement.

Each is a member of `Instance` in the answer of DescribeInstances, stored under its name in `Instance.attributes`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.services.ec2.faults import bad_value, invalid_value, no_instances_specified, not_stopped
from locum.services.ec2.filters import Values, matching, page
from locum.services.ec2.lookup import instance, instances, visible_instances
from locum.services.verbs import Context, Outcome, Params
from locum.state import Instance, put

_BURSTABLE: Final = re.compile(r"t(2|3|3a|4g)\.")
_MIN_RESULTS: Final = 5

_DNS_NAME_OPTIONS: Final = {
    "PrivateDnsHostnameType": "HostnameType",
    "EnableResourceNameDnsARecord": "EnableResourceNameDnsARecord",
    "EnableResourceNameDnsAAAARecord": "EnableResourceNameDnsAAAARecord",
}

_NO_CREDITS: Final = {
    "Code": "InstanceCreditSpecification.NotSupported",
    "Message": "The credit option can be modified for burstable performance instances alone.",
}
_CREDIT_FILTERS: Final[Mapping[str, Values[Instance]]] = {"instance-id": lambda it: (it.id,)}


def with_attributes(it: Instance, **attributes: Any) -> Instance:
    """`it` with these attributes in place of those that it has."""
    return replace(it, attributes={**it.attributes, **attributes})


def monitor_instances(ctx: Context, params: Params) -> Outcome:
    """ec2:MonitorInstances."""
    return _monitoring(ctx, params, enabled=True)


def unmonitor_instances(ctx: Context, params: Params) -> Outcome:
    """ec2:UnmonitorInstances."""
    return _monitoring(ctx, params, enabled=False)


def _monitoring(ctx: Context, params: Params, *, enabled: bool) -> Outcome:
    ids = params.get("InstanceIds") or ()
    if not ids:
        raise no_instances_specified()
    found = instances(ctx, ids)
    state = {"State": "pending" if enabled else "disabling"}
    events = tuple(put(with_attributes(it, Monitoring={"Enabled": enabled})) for it in found)
    return Outcome({"InstanceMonitorings": [{"InstanceId": it.id, "Monitoring": state} for it in found]}, events)


def describe_instance_credit_specifications(ctx: Context, params: Params) -> Outcome:
    """ec2:DescribeInstanceCreditSpecifications, of burstable performance instances.

    "If you do not specify an instance ID, Amazon EC2 returns burstable performance instances with the unlimited credit
    option" and those that had it before: here all of them.
    """
    ids = params.get("InstanceIds")
    rows = instances(ctx, ids) if ids else list(visible_instances(ctx))
    others = [it.id for it in rows if not _BURSTABLE.match(it.instance_type)]
    if ids and others:
        raise bad_value(", ".join(others), "instanceId", "It is not a burstable performance instance.")
    burstable = [it for it in rows if it.id not in others and it.state != "terminated"]
    chosen = matching(burstable, params.get("Filters"), _CREDIT_FILTERS)
    result = page(chosen, lambda it: it.id, params, _MIN_RESULTS, "InstanceIds")
    return result.outcome("InstanceCreditSpecifications", lambda it: {"InstanceId": it.id, "CpuCredits": _credits(it)})


def modify_instance_credit_specification(ctx: Context, params: Params) -> Outcome:
    """ec2:ModifyInstanceCreditSpecification. Instances that cannot be modified are told apart, and no others suffer."""
    done, failed, events = [], [], []
    for each in params.get("InstanceCreditSpecifications") or ():
        it, wanted = instance(ctx, each.get("InstanceId", "")), each.get("CpuCredits", "")
        if wanted not in ("standard", "unlimited"):
            raise bad_value(wanted, "cpuCredits", "Expected standard or unlimited.")
        if not _BURSTABLE.match(it.instance_type):
            failed.append({"InstanceId": it.id, "Error": _NO_CREDITS})
            continue
        done.append({"InstanceId": it.id})
        events.append(put(with_attributes(it, CreditSpecification={"CpuCredits": wanted})))
    answer = {"SuccessfulInstanceCreditSpecifications": done, "UnsuccessfulInstanceCreditSpecifications": failed}
    return Outcome(answer, tuple(events))


def _credits(it: Instance) -> str:
    """EC2 User Guide, "Unlimited mode concepts": T2 instances are launched as standard, all others as unlimited."""
    default = "standard" if it.instance_type.startswith("t2.") else "unlimited"
    return str((it.attributes.get("CreditSpecification") or {}).get("CpuCredits") or default)


def modify_instance_maintenance_options(ctx: Context, params: Params) -> Outcome:
    """ec2:ModifyInstanceMaintenanceOptions."""
    it = instance(ctx, params["InstanceId"])
    given = {name: params[name] for name in ("AutoRecovery", "RebootMigration") if params.get(name)}
    for name, value in given.items():
        if value not in ("disabled", "default"):
            raise bad_value(value, name[0].lower() + name[1:], "Expected disabled or default.")
    options = {**(it.attributes.get("MaintenanceOptions") or {}), **given}
    return Outcome({"InstanceId": it.id, **given}, (put(with_attributes(it, MaintenanceOptions=options)),))


def modify_private_dns_name_options(ctx: Context, params: Params) -> Outcome:
    """ec2:ModifyPrivateDnsNameOptions. "The instance must be stopped" to change the type of its host name."""
    it = instance(ctx, params["InstanceId"])
    given = {name: params[member] for member, name in _DNS_NAME_OPTIONS.items() if params.get(member) is not None}
    if "HostnameType" in given and it.state != "stopped":
        raise not_stopped(it.id)
    options = {**(it.attributes.get("PrivateDnsNameOptions") or {}), **given}
    return Outcome({"Return": True}, (put(with_attributes(it, PrivateDnsNameOptions=options)),))


def modify_instance_placement(ctx: Context, params: Params) -> Outcome:
    """ec2:ModifyInstancePlacement, of a stopped instance."""
    it = instance(ctx, params["InstanceId"])
    if it.state != "stopped":
        raise not_stopped(it.id)
    members = ("Affinity", "GroupId", "GroupName", "HostId", "HostResourceGroupArn", "PartitionNumber", "Tenancy")
    given = {name: params[name] for name in members if params.get(name) is not None}
    placement = {**(it.attributes.get("Placement") or {}), **given}
    return Outcome({"Return": True}, (put(with_attributes(it, Placement=placement)),))


def modify_instance_cpu_options(ctx: Context, params: Params) -> Outcome:
    """ec2:ModifyInstanceCpuOptions, of a stopped instance."""
    it = instance(ctx, params["InstanceId"])
    if it.state != "stopped":
        raise not_stopped(it.id)
    given = {name: params[name] for name in ("CoreCount", "ThreadsPerCore") if params.get(name) is not None}
    options = {**(it.attributes.get("CpuOptions") or {}), **given}
    return Outcome({"InstanceId": it.id, **given}, (put(with_attributes(it, CpuOptions=options)),))


def modify_instance_capacity_reservation_attributes(ctx: Context, params: Params) -> Outcome:
    """ec2:ModifyInstanceCapacityReservationAttributes, of a stopped instance."""
    it = instance(ctx, params["InstanceId"])
    if it.state != "stopped":
        raise not_stopped(it.id)
    given = dict(params.get("CapacityReservationSpecification") or {})
    return Outcome({"Return": True}, (put(with_attributes(it, CapacityReservationSpecification=given)),))


_RESET: Final = {"kernel": "KernelId", "ramdisk": "RamdiskId", "sourceDestCheck": "SourceDestCheck"}


def reset_instance_attribute(ctx: Context, params: Params) -> Outcome:
    """ec2:ResetInstanceAttribute: "you can reset the kernel, ramdisk and sourceDestCheck" of an instance."""
    it, name = instance(ctx, params["InstanceId"]), params.get("Attribute", "")
    if name not in _RESET:
        raise invalid_value(f"Value ({name}) for parameter attribute is invalid. It cannot be reset.")
    if name != "sourceDestCheck" and it.state != "stopped":
        raise not_stopped(it.id)
    kept = {member: value for member, value in it.attributes.items() if member != _RESET[name]}
    return Outcome({}, (put(replace(it, attributes=kept)),))


def shown_options(it: Instance) -> dict[str, Any]:
    """The members of an `Instance` for its options, with the defaults of EC2."""
    given = it.attributes
    dns = {"HostnameType": "ip-name", "EnableResourceNameDnsARecord": False, "EnableResourceNameDnsAAAARecord": False}
    return {
        "CapacityReservationSpecification": given.get("CapacityReservationSpecification")
        or {"CapacityReservationPreference": "open"},
        "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 1, **_numbers(given.get("CpuOptions"))},
        "EnclaveOptions": {"Enabled": bool((given.get("EnclaveOptions") or {}).get("Enabled"))},
        "HibernationOptions": {"Configured": bool((given.get("HibernationOptions") or {}).get("Configured"))},
        "MaintenanceOptions": {"AutoRecovery": "default", **(given.get("MaintenanceOptions") or {})},
        "Monitoring": {"State": "enabled" if (given.get("Monitoring") or {}).get("Enabled") else "disabled"},
        "PrivateDnsNameOptions": {**dns, **(given.get("PrivateDnsNameOptions") or {})},
    }


def _numbers(options: Mapping[str, Any] | None) -> dict[str, int]:
    return {name: value for name, value in (options or {}).items() if name in ("CoreCount", "ThreadsPerCore")}
