"""Resources of EC2 that run: instances and launch templates."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
    or_undone,
    picked,
)
from locum.services.cloudformation.providers.ec2_tags import filters, retagged, specified, tags_of
from locum.services.cloudformation.providers.reading import readable
from locum.services.cloudformation.providers.steps import (
    Steps,
    changed,
    gone,
    listed,
    refuse_others,
    truth,
    until,
    without,
)
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Part, Row, Shown, provider

_LAUNCH: Final = (
    "AdditionalInfo",
    "BlockDeviceMappings",
    "CpuOptions",
    "CreditSpecification",
    "DisableApiTermination",
    "EbsOptimized",
    "ElasticInferenceAccelerators",
    "EnclaveOptions",
    "HibernationOptions",
    "ImageId",
    "InstanceInitiatedShutdownBehavior",
    "InstanceType",
    "Ipv6AddressCount",
    "Ipv6Addresses",
    "KernelId",
    "KeyName",
    "LaunchTemplate",
    "LicenseSpecifications",
    "MetadataOptions",
    "PrivateDnsNameOptions",
    "PrivateIpAddress",
    "RamdiskId",
    "SecurityGroupIds",
    "SecurityGroups",
    "SubnetId",
    "UserData",
)
"""Properties of an instance that RunInstances has under their names."""

_PLACEMENT: Final = {
    "AvailabilityZone": "AvailabilityZone",
    "Affinity": "Affinity",
    "HostId": "HostId",
    "HostResourceGroupArn": "HostResourceGroupArn",
    "Tenancy": "Tenancy",
    "GroupName": "PlacementGroupName",
}
_OTHERS: Final = (
    "ElasticGpuSpecifications",
    "IamInstanceProfile",
    "Monitoring",
    "NetworkInterfaces",
    "PropagateTagsToVolumeOnCreation",
    "SourceDestCheck",
    "SsmAssociations",
    "Tags",
    "Volumes",
)
_WHEN_STOPPED: Final = {
    "InstanceType": "InstanceType",
    "EbsOptimized": "EbsOptimized",
    "KernelId": "Kernel",
    "RamdiskId": "Ramdisk",
    "UserData": "UserData",
}
"""Properties that a stopped instance alone can change, and the attributes of ModifyInstanceAttribute."""
_ANY_TIME: Final = {
    "DisableApiTermination": ("DisableApiTermination", False),
    "InstanceInitiatedShutdownBehavior": ("InstanceInitiatedShutdownBehavior", "stop"),
    "SourceDestCheck": ("SourceDestCheck", True),
}
"""The same for others, with the value of a property that is not there."""


def _create_instance(resource: Resource) -> Work:
    refuse_others(resource.properties, (*_LAUNCH, *_PLACEMENT.values(), *_OTHERS))
    answer = yield Request("ec2", "RunInstances", _launch(resource))
    instance = str(answer["Instances"][0]["InstanceId"])
    return (yield from or_undone(_started(resource, instance), _terminate(instance)))


def _launch(resource: Resource) -> dict[str, Any]:
    own = resource.properties
    launch: dict[str, Any] = {
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": resource.client_token,
        **picked(own, *_LAUNCH),
    }
    if placement := picked(own, **_PLACEMENT):
        launch["Placement"] = placement
    if truth(own.get("Monitoring")):
        launch["Monitoring"] = {"Enabled": True}
    if own.get("IamInstanceProfile"):
        launch["IamInstanceProfile"] = {"Name": own["IamInstanceProfile"]}
    launch |= picked(own, ElasticGpuSpecification="ElasticGpuSpecifications")
    if "NetworkInterfaces" in own:
        launch["NetworkInterfaces"] = [_interface(each) for each in listed(own["NetworkInterfaces"])]
    if "BlockDeviceMappings" in own:
        launch["BlockDeviceMappings"] = [_device(each) for each in listed(own["BlockDeviceMappings"])]
    tags = specified(resource, "instance", own.get("Tags")).get("TagSpecifications", [])
    if truth(own.get("PropagateTagsToVolumeOnCreation")) and tags:
        tags = [*tags, {**tags[0], "ResourceType": "volume"}]
    return {**launch, "TagSpecifications": tags} if tags else launch


def _interface(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"Groups" if name == "GroupSet" else name: value for name, value in given.items()}


def _device(given: Mapping[str, Any]) -> dict[str, Any]:
    """A device: `NoDevice` is an empty object in a template, and an empty text in the API."""
    return {name: "" if name == "NoDevice" else value for name, value in given.items()}


def _started(resource: Resource, instance: str) -> Work:
    """What follows the launch, and the instance when it is running."""
    yield from _in_state(instance, "running")
    own = resource.properties
    if "SourceDestCheck" in own and not truth(own["SourceDestCheck"]):
        yield _attribute(instance, "SourceDestCheck", value=False)
    for volume in listed(own.get("Volumes")):
        yield _attach(instance, volume)
    for association in listed(own.get("SsmAssociations")):
        yield _associate(instance, association)
    return (yield from _read_instance(instance))


def _associate(instance: str, association: Mapping[str, Any]) -> Request:
    given = listed(association.get("AssociationParameters"))
    params = {"Name": association["DocumentName"], "InstanceId": instance}
    return Request(
        "ssm", "CreateAssociation", params | ({"Parameters": {p["Key"]: p["Value"] for p in given}} if given else {})
    )


def _attach(instance: str, volume: Mapping[str, Any]) -> Request:
    params = {"InstanceId": instance, "VolumeId": volume["VolumeId"], "Device": volume["Device"]}
    return Request("ec2", "AttachVolume", params)


def _in_state(instance: str, wanted: str) -> Steps[Mapping[str, Any]]:
    def ready(answer: Mapping[str, Any]) -> bool:
        state = _only(answer)["State"]["Name"]
        if state in ("shutting-down", "terminated") and wanted != "terminated":
            raise Fault("NotStabilized", f"Instance {instance} failed to stabilize. Current state: {state}.")
        return bool(state == wanted)

    return (yield from until(_describe(instance), ready))


def _describe(instance: str) -> Request:
    return Request("ec2", "DescribeInstances", {"InstanceIds": [instance]})


def _only(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = answer["Reservations"][0]["Instances"][0]
    return found


def _read_instance(instance: str) -> Work:
    told = _only((yield _describe(instance)))
    attributes = {
        "InstanceId": instance,
        "AvailabilityZone": told.get("Placement", {}).get("AvailabilityZone", ""),
        "PrivateIp": told.get("PrivateIpAddress", ""),
        "PrivateDnsName": told.get("PrivateDnsName", ""),
        "PublicIp": told.get("PublicIpAddress", ""),
        "PublicDnsName": told.get("PublicDnsName", ""),
        "VpcId": told.get("VpcId", ""),
        "State": {"Code": str(told["State"]["Code"]), "Name": told["State"]["Name"]},
    }
    return Made(instance, attributes)


def _attribute(instance: str, member: str, *, value: Any) -> Request:
    return Request("ec2", "ModifyInstanceAttribute", {"InstanceId": instance, member: {"Value": value}})


def _update_instance(resource: Resource, before: Properties) -> Work:
    own, instance = resource.properties, resource.physical
    for name, (member, default) in _ANY_TIME.items():
        if changed(before, own, name):
            yield _attribute(instance, member, value=own.get(name, default))
    if changed(before, own, "SecurityGroupIds"):
        yield Request("ec2", "ModifyInstanceAttribute", {"InstanceId": instance, "Groups": own["SecurityGroupIds"]})
    yield from _update_devices(instance, before, own)
    if changed(before, own, "Monitoring"):
        operation = "MonitorInstances" if truth(own.get("Monitoring")) else "UnmonitorInstances"
        yield Request("ec2", operation, {"InstanceIds": [instance]})
    if changed(before, own, "IamInstanceProfile"):
        yield from _exchange_profile(instance, own.get("IamInstanceProfile"))
    yield from _update_options(instance, before, own)
    yield from retagged(resource, before)
    yield from _change_stopped(instance, before, own)
    return (yield from _read_instance(instance))


def _update_options(instance: str, before: Properties, own: Properties) -> Ending:
    if changed(before, own, "MetadataOptions"):
        options = own.get("MetadataOptions") or {"HttpTokens": "optional", "HttpEndpoint": "enabled"}
        yield Request("ec2", "ModifyInstanceMetadataOptions", {"InstanceId": instance, **options})
    if changed(before, own, "CreditSpecification"):
        given = own.get("CreditSpecification") or {}
        each = {"InstanceId": instance, "CpuCredits": given.get("CPUCredits", "standard")}
        yield Request("ec2", "ModifyInstanceCreditSpecification", {"InstanceCreditSpecifications": [each]})
    if changed(before, own, "SsmAssociations"):
        had = listed(before.get("SsmAssociations"))
        for association in listed(own.get("SsmAssociations")):
            if association not in had:
                yield _associate(instance, association)
        named = [each["DocumentName"] for each in listed(own.get("SsmAssociations"))]
        for name in (each["DocumentName"] for each in had):
            if name not in named:
                yield from ended(Request("ssm", "DeleteAssociation", {"Name": name, "InstanceId": instance}))


def _update_devices(instance: str, before: Properties, own: Properties) -> Ending:
    """Attach and detach `Volumes`. Of the devices of the launch, what can change is whether they end with it."""
    had, wanted = listed(before.get("Volumes")), listed(own.get("Volumes"))
    for volume in had:
        if volume not in wanted:
            yield Request("ec2", "DetachVolume", {"InstanceId": instance, "VolumeId": volume["VolumeId"]})
    for volume in wanted:
        if volume not in had:
            yield _attach(instance, volume)
    if changed(before, own, "BlockDeviceMappings"):
        _require_same_devices(before, own)
        flags = [
            {"DeviceName": each["DeviceName"], "Ebs": picked(each.get("Ebs") or {}, "DeleteOnTermination")}
            for each in listed(own.get("BlockDeviceMappings"))
            if "DeleteOnTermination" in (each.get("Ebs") or {})
        ]
        if flags:
            params = {"InstanceId": instance, "BlockDeviceMappings": flags}
            yield Request("ec2", "ModifyInstanceAttribute", params)


def _require_same_devices(before: Properties, own: Properties) -> None:
    """Refuse another change of the devices of a launch than whether they end with the instance."""

    def fixed(properties: Properties) -> list[dict[str, Any]]:
        devices = listed(properties.get("BlockDeviceMappings"))
        return [{**each, "Ebs": without(each.get("Ebs") or {}, ("DeleteOnTermination",))} for each in devices]

    if fixed(before) != fixed(own):
        raise Fault("NotUpdatable", "Property BlockDeviceMappings cannot be updated")


def _exchange_profile(instance: str, name: str | None) -> Ending:
    found = yield Request("ec2", "DescribeIamInstanceProfileAssociations", {"Filters": filters(instance_id=instance)})
    held = [a for a in found["IamInstanceProfileAssociations"] if a["State"] in ("associating", "associated")]
    profile = {"Name": name}
    if name and held:
        params = {"AssociationId": held[0]["AssociationId"], "IamInstanceProfile": profile}
        yield Request("ec2", "ReplaceIamInstanceProfileAssociation", params)
    elif name:
        yield Request("ec2", "AssociateIamInstanceProfile", {"InstanceId": instance, "IamInstanceProfile": profile})
    elif held:
        yield Request("ec2", "DisassociateIamInstanceProfile", {"AssociationId": held[0]["AssociationId"]})


def _change_stopped(instance: str, before: Properties, own: Properties) -> Ending:
    """Change what a stopped instance alone can, and start it again if it was running."""
    names = [name for name in _WHEN_STOPPED if changed(before, own, name)]
    moved = changed(before, own, "Affinity", "HostId", "Tenancy")
    options = changed(before, own, "PrivateDnsNameOptions")
    if not (names or moved or options):
        return
    if _only((yield _describe(instance)))["State"]["Name"] != "running":
        return (yield from _write_stopped(instance, names, own, moved=moved, options=options))
    yield Request("ec2", "StopInstances", {"InstanceIds": [instance]})
    yield from _in_state(instance, "stopped")
    try:
        yield from _write_stopped(instance, names, own, moved=moved, options=options)
    except Fault:
        yield from _start(instance)
        raise
    yield from _start(instance)


def _start(instance: str) -> Ending:
    yield Request("ec2", "StartInstances", {"InstanceIds": [instance]})
    yield from _in_state(instance, "running")


def _write_stopped(instance: str, names: list[str], own: Properties, *, moved: bool, options: bool) -> Ending:
    for name in names:
        value = _user_data(own.get(name)) if name == "UserData" else own.get(name, _DEFAULTS.get(name))
        yield _attribute(instance, _WHEN_STOPPED[name], value=value)
    if moved:
        place = picked(own, "Affinity", "HostId", "Tenancy")
        yield Request("ec2", "ModifyInstancePlacement", {"InstanceId": instance, **place})
    if options:
        given = own.get("PrivateDnsNameOptions") or {}
        params = picked(given, "EnableResourceNameDnsARecord", "EnableResourceNameDnsAAAARecord")
        params |= picked(given, PrivateDnsHostnameType="HostnameType")
        yield Request("ec2", "ModifyPrivateDnsNameOptions", {"InstanceId": instance, **params})


_DEFAULTS: Final[Mapping[str, Any]] = {"InstanceType": "m1.small", "EbsOptimized": False}


def _user_data(text: Any) -> bytes:
    try:
        return base64.b64decode(str(text or ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Fault("InvalidRequest", "Invalid BASE64 encoding of user data.") from error


def _delete_instance(resource: Resource) -> Ending:
    yield from _terminate(resource.physical)


def _terminate(instance: str) -> Ending:
    yield from ended(Request("ec2", "TerminateInstances", {"InstanceIds": [instance]}))
    yield from gone(
        _describe(instance),
        lambda told: not told["Reservations"] or _only(told)["State"]["Name"] == "terminated",
    )


def _template_tags(properties: Properties) -> Properties:
    """Properties of a launch template whose tags are like those of other types: a list of Key and Value."""
    given = [each for each in listed(properties.get("TagSpecifications")) if each["ResourceType"] == "launch-template"]
    tags = [tag for each in given for tag in each.get("Tags") or ()]
    return {**properties, "TagSpecifications": tags} if tags else without(properties, ("TagSpecifications",))


_LAUNCH_TEMPLATE: Final = Row(
    "ec2",
    Call("CreateLaunchTemplate", {"ClientToken": "{client_token}"}, "LaunchTemplateData VersionDescription"),
    "{c.LaunchTemplate.LaunchTemplateId|r.LaunchTemplates.0.LaunchTemplateId}",
    (Call("DeleteLaunchTemplate", {"LaunchTemplateId": "{id}"}),),
    attributes={
        "LaunchTemplateId": "{id}",
        "LaunchTemplateName": "{r.LaunchTemplates.0.LaunchTemplateName}",
        "LatestVersionNumber": "{r.LaunchTemplates.0.LatestVersionNumber}",
        "DefaultVersionNumber": "{r.LaunchTemplates.0.DefaultVersionNumber}",
    },
    name=Name("LaunchTemplateName", 128),
    tags=tags_of("launch-template")._replace(property="TagSpecifications"),
    read=Call("DescribeLaunchTemplates", {"LaunchTemplateNames": ["{attr.LaunchTemplateName|name}"]}),
    exists=frozenset({"InvalidLaunchTemplateName.AlreadyExistsException"}),
    settings=(
        Change(
            Call("CreateLaunchTemplateVersion", {"LaunchTemplateId": "{id}"}, "LaunchTemplateData VersionDescription")
        ),
    ),
    shaped=_template_tags,
    shown=Shown(
        Call("DescribeLaunchTemplateVersions", {"LaunchTemplateId": "{id}", "Versions": ["$Latest"]}),
        "LaunchTemplateVersions.0",
        hides="TagSpecifications",
        lists=Listing(Call("DescribeLaunchTemplates"), "LaunchTemplates", "{item.LaunchTemplateId}"),
    ),
)

_SHOWN: Final = Shown(
    Call("DescribeInstances", {"InstanceIds": ["{id}"]}),
    "Reservations.0.Instances.0",
    members={
        "AvailabilityZone": "{it.Placement.AvailabilityZone}",
        "IamInstanceProfile": "{it.IamInstanceProfile.Arn}",
        "Tenancy": "{it.Placement.Tenancy}",
    },
    parts=(Part("SecurityGroupIds", path="Reservations.0.Instances.0.SecurityGroups", item="{item.GroupId}"),),
    hides="BlockDeviceMappings EbsOptimized LaunchTemplate Monitoring NetworkInterfaces SecurityGroups Volumes",
    told="Tags",
    ended={"State.Name": "terminated"},
    lists=Listing(Call("DescribeInstances"), "Reservations", "{item.Instances.0.InstanceId}"),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::EC2::Instance": readable(
        Provider(_create_instance, _delete_instance, _update_instance, frozenset({"AdditionalInfo"})), "ec2", _SHOWN
    ),
    "AWS::EC2::LaunchTemplate": provider(_LAUNCH_TEMPLATE),
}
