"""DescribeInstanceAttribute and ModifyInstanceAttribute, for one attribute per call.

EC2 API, ModifyInstanceAttribute: "You can specify only one attribute at a time." "To modify some attributes, the
instance must be stopped": of those here the instance type, the user data, the kernel, the RAM disk and EBS
optimization.
An attribute is given as `Attribute` and `Value`, or by its own member.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.core.instances import ROOT_DEVICE
from locum.services.ec2.elsewhere import carry_out_there
from locum.services.ec2.faults import incorrect_instance_state, invalid_combination, invalid_value, not_stopped
from locum.services.ec2.held import held, held_instances
from locum.services.ec2.launch_checks import decode_user_data, limited_user_data
from locum.services.ec2.lookup import instance
from locum.services.ec2.network import groups_by_id
from locum.services.ec2.options import with_attributes
from locum.services.ec2.shapes import groups
from locum.services.verbs import Context, Outcome, Params
from locum.state import Instance, put

_BEHAVIORS: Final = ("stop", "terminate")

_MEMBERS: Final = {
    "instanceType": "InstanceType",
    "kernel": "Kernel",
    "ramdisk": "Ramdisk",
    "userData": "UserData",
    "disableApiTermination": "DisableApiTermination",
    "instanceInitiatedShutdownBehavior": "InstanceInitiatedShutdownBehavior",
    "sourceDestCheck": "SourceDestCheck",
    "groupSet": "Groups",
    "ebsOptimized": "EbsOptimized",
    "disableApiStop": "DisableApiStop",
    "blockDeviceMapping": "BlockDeviceMappings",
    "sriovNetSupport": "SriovNetSupport",
    "enaSupport": "EnaSupport",
    "enclaveOptions": "EnclaveOptions",
}
_WHEN_STOPPED: Final = frozenset(("instanceType", "userData", "kernel", "ramdisk", "ebsOptimized", "enclaveOptions"))


def describe_instance_attribute(ctx: Context, params: Params) -> Generator[Ask, Mapping[str, Any], Outcome]:
    """ec2:DescribeInstanceAttribute. Asks for the devices of the instance, where it is about them."""
    it = instance(ctx, params["InstanceId"])
    if params["Attribute"] in _OF_DEVICES:
        of_backend = yield from held_instances(ctx, [it])
        return Outcome({"InstanceId": it.id, **_OF_DEVICES[params["Attribute"]](of_backend.get(it.id, {}))})
    read = _READERS.get(params["Attribute"])
    if read is None:
        raise invalid_value(f"Value ({params['Attribute']}) for parameter attribute is invalid. Unknown attribute.")
    return Outcome({"InstanceId": it.id, **read(it)})


def modify_instance_attribute(ctx: Context, params: Params) -> Generator[Ask, Mapping[str, Any], Outcome]:
    """ec2:ModifyInstanceAttribute. Asks for the security groups that it sets."""
    it = instance(ctx, params["InstanceId"])
    name, value = _requested(params)
    if name == "blockDeviceMapping" and not isinstance(value, str):
        # The backend has the devices, an embedded one, too.
        yield held(ctx, "ModifyInstanceAttribute", params)._replace(changes=True)
        return Outcome({}, (put(_with_devices(it, value)),))
    write = _WRITERS.get(name)
    if write is None:
        raise Fault("UnsupportedOperation", f"The attribute '{name}' of an instance cannot be modified here.")
    if it.state == "terminated":
        raise incorrect_instance_state(f"The instance '{it.id}' is not in the 'running' or 'stopped' states.")
    if name in _WHEN_STOPPED and it.state != "stopped":
        raise not_stopped(it.id)
    if name == "groupSet":
        groups_given = yield from groups_by_id(ctx, [value] if isinstance(value, str) else value)
        value = [{"GroupId": group["GroupId"], "GroupName": group["GroupName"]} for group in groups_given]
    after = write(it, value)
    yield from carry_out_there(ctx, "ModifyInstanceAttribute", params, "InstanceId")
    return Outcome({}, (put(after),))


def _with_devices(it: Instance, mappings: Sequence[Mapping[str, Any]]) -> Instance:
    """`it` with what is said of the devices that its launch gave it, for when it is lent to a backend again."""
    given = {each.get("DeviceName"): each for each in it.attributes.get("BlockDeviceMappings") or ()}
    for mapping in mappings:
        if (name := mapping.get("DeviceName")) in given:
            given[name] = {**given[name], "Ebs": {**(given[name].get("Ebs") or {}), **(mapping.get("Ebs") or {})}}
    return with_attributes(it, BlockDeviceMappings=list(given.values())) if given else it


def _requested(params: Params) -> tuple[str, Any]:
    """The attribute and its new value, in the form of its own member. Raises Fault unless there is exactly one."""
    named = [name for name, member in _MEMBERS.items() if params.get(member) is not None]
    attribute = params.get("Attribute")
    if attribute is not None and attribute not in named:
        named.append(attribute)
    if not named:
        raise invalid_combination("No attributes specified.")
    if len(named) > 1:
        raise invalid_combination(f"Fields for multiple attribute types specified: {', '.join(named)}")
    given = params.get(_MEMBERS.get(named[0], ""))
    if given is None:
        return named[0], params.get("Value", "")
    return named[0], given.get("Value") if isinstance(given, Mapping) else given


def _flag(value: Any) -> bool:
    """A boolean, or its text in `Value`. Raises Fault InvalidParameterValue."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise invalid_value(f"Value ({value}) for parameter value is invalid. Expected true or false.")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise invalid_value("Value () for parameter value is invalid. It must not be empty.")
    return value


def _user_data(value: Any) -> bytes:
    return limited_user_data(value) if isinstance(value, bytes) else decode_user_data(value or "")


def _behavior(value: Any) -> str:
    if value not in _BEHAVIORS:
        why = "Expected stop or terminate."
        raise invalid_value(f"Value ({value}) for parameter instanceInitiatedShutdownBehavior is invalid. {why}")
    return str(value)


_WRITERS: Final[Mapping[str, Callable[[Instance, Any], Instance]]] = {
    "instanceType": lambda it, v: replace(it, instance_type=_text(v)),
    "kernel": lambda it, v: with_attributes(it, KernelId=_text(v)),
    "ramdisk": lambda it, v: with_attributes(it, RamdiskId=_text(v)),
    "userData": lambda it, v: replace(it, user_data=_user_data(v)),
    "disableApiTermination": lambda it, v: replace(it, protected=_flag(v)),
    "disableApiStop": lambda it, v: with_attributes(it, DisableApiStop=_flag(v)),
    "instanceInitiatedShutdownBehavior": lambda it, v: with_attributes(
        it, InstanceInitiatedShutdownBehavior=_behavior(v)
    ),
    "sourceDestCheck": lambda it, v: with_attributes(it, SourceDestCheck=_flag(v)),
    "groupSet": lambda it, v: with_attributes(it, Groups=v),
    "ebsOptimized": lambda it, v: with_attributes(it, EbsOptimized=_flag(v)),
}


def _value(value: Any) -> dict[str, Any]:
    """The structure of an attribute's value; empty where it was never set."""
    return {} if value is None or value == "" else {"Value": value}


def _stored(name: str, default: Any = None) -> Callable[[Instance], Any]:
    return lambda it: _value(it.attributes.get(name, default))


_OF_DEVICES: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "rootDeviceName": lambda held: {"RootDeviceName": {"Value": held.get("RootDeviceName") or ROOT_DEVICE}},
    "blockDeviceMapping": lambda held: {"BlockDeviceMappings": list(held.get("BlockDeviceMappings", ()))},
}
"""The attributes that are as the backend has them: the readers of its `Instance`."""
_READERS: Final[Mapping[str, Callable[[Instance], dict[str, Any]]]] = {
    "instanceType": lambda it: {"InstanceType": _value(it.instance_type)},
    "kernel": lambda it: {"KernelId": _stored("KernelId")(it)},
    "ramdisk": lambda it: {"RamdiskId": _stored("RamdiskId")(it)},
    "userData": lambda it: {"UserData": _value(base64.b64encode(it.user_data).decode())},
    "disableApiTermination": lambda it: {"DisableApiTermination": {"Value": it.protected}},
    "disableApiStop": lambda it: {"DisableApiStop": _stored("DisableApiStop", default=False)(it)},
    "instanceInitiatedShutdownBehavior": lambda it: {
        "InstanceInitiatedShutdownBehavior": _stored("InstanceInitiatedShutdownBehavior", "stop")(it)
    },
    "productCodes": lambda _: {"ProductCodes": []},
    "sourceDestCheck": lambda it: {"SourceDestCheck": _stored("SourceDestCheck", default=True)(it)},
    "groupSet": lambda it: {"Groups": groups(it)},
    "ebsOptimized": lambda it: {"EbsOptimized": _stored("EbsOptimized", default=False)(it)},
    "sriovNetSupport": lambda _: {"SriovNetSupport": {}},
    "enaSupport": lambda _: {"EnaSupport": {"Value": True}},
    "enclaveOptions": lambda it: {
        "EnclaveOptions": {"Enabled": bool(it.attributes.get("EnclaveOptions", {}).get("Enabled", False))}
    },
}
