"""Parts of EC2's networks and instances: volumes, endpoints, network ACLs, interfaces, key pairs, flow logs."""

from __future__ import annotations

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
from locum.services.cloudformation.providers.ec2_tags import adopted, filters, retagged, specified, tags_of
from locum.services.cloudformation.providers.steps import (
    Steps,
    changed,
    listed,
    moment,
    refuse_others,
    telling,
    without,
)
from locum.services.cloudformation.providers.table import Call, Change, Listing, Part, Row, Shown, Wait, provider

_SERVICE: Final = "ec2"
_TOKEN: Final = {"ClientToken": "{client_token}"}

# -- volumes ---------------------------------------------------------------------------------------------

_VOLUME: Final = Row(
    _SERVICE,
    Call(
        "CreateVolume",
        _TOKEN,
        "AvailabilityZone AvailabilityZoneId Encrypted Iops KmsKeyId MultiAttachEnabled OutpostArn Size SnapshotId "
        "Throughput VolumeInitializationRate VolumeType",
    ),
    "{c.VolumeId}",
    (Call("DeleteVolume", {"VolumeId": "{id}"}),),
    attributes={"VolumeId": "{id}"},
    tags=tags_of("volume"),
    read=Call("DescribeVolumes", {"VolumeIds": ["{id}"]}),
    ready=Wait("Volumes.0.State", frozenset({"available", "in-use"}), frozenset({"error", "deleting", "deleted"})),
    gone=Wait("Volumes.0.State", frozenset({"deleted", None})),
    shown=Shown(
        at="Volumes.0",
        hides="VolumeInitializationRate",
        told="Tags",
        ended={"State": "deleted"},
        lists=Listing(Call("DescribeVolumes"), "Volumes", "{item.VolumeId}"),
    ),
    settings=(
        Change(Call("ModifyVolume", {"VolumeId": "{id}"}, "Iops MultiAttachEnabled Size Throughput VolumeType")),
        Change(
            Call("ModifyVolumeAttribute", {"VolumeId": "{id}", "AutoEnableIO": {"Value": "{p.AutoEnableIO}"}}),
            "AutoEnableIO",
            defaults={"AutoEnableIO": False},
            at_creation=True,
        ),
    ),
)

_ATTACHMENT: Final = Row(
    _SERVICE,
    Call("AttachVolume", takes="Device EbsCardIndex InstanceId VolumeId"),
    "{p.VolumeId}|{p.InstanceId}",
    (Call("DetachVolume", {"InstanceId": "{p.InstanceId}", "VolumeId": "{p.VolumeId}"}),),
    read=Call("DescribeVolumes", {"VolumeIds": ["{p.VolumeId}"]}),
    exists=frozenset({"VolumeInUse"}),
    ready=Wait("Volumes.0.Attachments.0.State", frozenset({"attached"})),
    gone=Wait("Volumes.0.Attachments.0.State", frozenset({"detached", None})),
    shown=Shown(at="Volumes.0.Attachments", where={"InstanceId": "{p.InstanceId}"}),
)


def _detach(resource: Resource) -> Ending:
    """Detach a volume, if it is still there. The one that is in no instance is `IncorrectState`."""
    try:
        yield from provider(_ATTACHMENT).delete(resource)
    except Fault as fault:
        if fault.code not in ("IncorrectState", "InvalidAttachment.NotFound"):
            raise


# -- endpoints -------------------------------------------------------------------------------------------

_ENDPOINT: Final = Row(
    _SERVICE,
    Call(
        "CreateVpcEndpoint",
        _TOKEN,
        "DnsOptions IpAddressType PolicyDocument PrivateDnsEnabled ResourceConfigurationArn RouteTableIds "
        "SecurityGroupIds ServiceName ServiceNetworkArn ServiceRegion SubnetIds VpcEndpointType VpcId",
    ),
    "{c.VpcEndpoint.VpcEndpointId}",
    (Call("DeleteVpcEndpoints", {"VpcEndpointIds": ["{id}"]}),),
    attributes={
        "Id": "{id}",
        "NetworkInterfaceIds": "{r.VpcEndpoints.0.NetworkInterfaceIds}",
    },
    tags=tags_of("vpc-endpoint"),
    read=Call("DescribeVpcEndpoints", {"VpcEndpointIds": ["{id}"]}),
    ready=Wait("VpcEndpoints.0.State", frozenset({"available", "Available", "pendingAcceptance"})),
    shaped=lambda properties: {"VpcEndpointType": "Gateway", **properties},
    shown=Shown(
        at="VpcEndpoints.0",
        parts=(Part("SecurityGroupIds", path="VpcEndpoints.0.Groups", item="{item.GroupId}"),),
        lists=Listing(Call("DescribeVpcEndpoints"), "VpcEndpoints", "{item.VpcEndpointId}"),
    ),
)
_SETS: Final = ("RouteTableIds", "SecurityGroupIds", "SubnetIds")


def _update_endpoint(resource: Resource, before: Properties) -> Work:
    own, params = resource.properties, dict[str, Any]()
    for name in _SETS:
        had, wanted = listed(before.get(name)), listed(own.get(name))
        params[f"Add{name}"] = [each for each in wanted if each not in had]
        params[f"Remove{name}"] = [each for each in had if each not in wanted]
    for name in ("DnsOptions", "IpAddressType", "PolicyDocument", "PrivateDnsEnabled"):
        if name in own and changed(before, own, name):
            params[name] = own[name]
    if "PolicyDocument" in before and "PolicyDocument" not in own:
        params["ResetPolicy"] = True
    given = {name: value for name, value in params.items() if value != []}
    if given:
        yield Request(_SERVICE, "ModifyVpcEndpoint", {"VpcEndpointId": resource.physical, **given})
    yield from retagged(resource, before)
    return Made(resource.physical, resource.attributes)


def _of_endpoint(_resource: Resource, endpoint: str) -> Steps[Mapping[str, Any]]:
    (told,) = (yield Request(_SERVICE, "DescribeVpcEndpoints", {"VpcEndpointIds": [endpoint]}))["VpcEndpoints"]
    entries = told.get("DnsEntries") or ()
    made = moment(told.get("CreationTimestamp", ""))
    return {
        "CreationTimestamp": made,
        "DnsEntries": [f"{each.get('HostedZoneId', '')}:{each.get('DnsName', '')}" for each in entries],
    }


# -- network ACLs ----------------------------------------------------------------------------------------

_ACL: Final = Row(
    _SERVICE,
    Call("CreateNetworkAcl", _TOKEN, "VpcId"),
    "{c.NetworkAcl.NetworkAclId}",
    (Call("DeleteNetworkAcl", {"NetworkAclId": "{id}"}),),
    attributes={"Id": "{id}"},
    tags=tags_of("network-acl"),
    shown=Shown(
        Call("DescribeNetworkAcls", {"NetworkAclIds": ["{id}"]}),
        "NetworkAcls.0",
        told="Tags",
        lists=Listing(Call("DescribeNetworkAcls"), "NetworkAcls", "{item.NetworkAclId}"),
    ),
)

_ENTRY: Final = {
    "NetworkAclId": "{p.NetworkAclId}",
    "RuleNumber": "{p.RuleNumber}",
    "Egress": "{p.Egress}",
}
_ENTRY_TAKES: Final = "CidrBlock Ipv6CidrBlock IcmpTypeCode=Icmp PortRange Protocol RuleAction"
_ACL_ENTRY: Final = Row(
    _SERVICE,
    Call("CreateNetworkAclEntry", takes=f"NetworkAclId RuleNumber Egress {_ENTRY_TAKES}"),
    "{p.NetworkAclId}",
    (Call("DeleteNetworkAclEntry", _ENTRY),),
    exists=frozenset({"NetworkAclEntryAlreadyExists"}),
    settings=(Change(Call("ReplaceNetworkAclEntry", _ENTRY, _ENTRY_TAKES)),),
    shaped=lambda properties: {"Egress": False, **properties},
)


def _create_entry(resource: Resource) -> Work:
    """An entry, which EC2 has no id for: CloudFormation gives it a name."""
    yield from provider(_ACL_ENTRY).create(resource)
    name = resource.name()
    return Made(name, {"Id": name})


def _associate_acl(resource: Resource) -> Work:
    own = resource.properties
    return (yield from _acl_of_subnet(own["SubnetId"], own["NetworkAclId"]))


def _acl_of_subnet(subnet: str, wanted: str) -> Work:
    """Give a subnet a network ACL in the place of its own."""
    acls = yield Request(_SERVICE, "DescribeNetworkAcls", {"Filters": _of_subnet(subnet)})
    (found,) = [each for acl in acls["NetworkAcls"] for each in acl["Associations"] if each["SubnetId"] == subnet]
    association = str(found["NetworkAclAssociationId"])
    if found["NetworkAclId"] != wanted:
        params = {"AssociationId": association, "NetworkAclId": wanted}
        association = str((yield Request(_SERVICE, "ReplaceNetworkAclAssociation", params))["NewAssociationId"])
    return Made(association, {"AssociationId": association})


def _of_subnet(subnet: str) -> list[dict[str, Any]]:
    return [{"Name": "association.subnet-id", "Values": [subnet]}]


def _dissociate_acl(resource: Resource) -> Ending:
    """Give the subnet the default network ACL of its VPC again."""
    subnet = resource.properties["SubnetId"]
    answer = yield Request(_SERVICE, "DescribeNetworkAcls", {"Filters": _of_subnet(subnet)})
    for acl in answer["NetworkAcls"]:
        defaults = filters(vpc_id=acl["VpcId"], default="true")
        (default,) = (yield Request(_SERVICE, "DescribeNetworkAcls", {"Filters": defaults}))["NetworkAcls"]
        yield from _acl_of_subnet(subnet, default["NetworkAclId"])


# -- options of DHCP -------------------------------------------------------------------------------------

_DHCP: Final = {
    "DomainName": "domain-name",
    "DomainNameServers": "domain-name-servers",
    "Ipv6AddressPreferredLeaseTime": "ipv6-address-preferred-lease-time",
    "NetbiosNameServers": "netbios-name-servers",
    "NetbiosNodeType": "netbios-node-type",
    "NtpServers": "ntp-servers",
}


def _dhcp_configurations(properties: Properties) -> Properties:
    given = [
        {"Key": key, "Values": [str(value) for value in listed(properties[name])]}
        for name, key in _DHCP.items()
        if name in properties
    ]
    return {**without(properties, _DHCP), "DhcpConfigurations": given}


_DHCP_OPTIONS: Final = Row(
    _SERVICE,
    Call("CreateDhcpOptions", takes="DhcpConfigurations"),
    "{c.DhcpOptions.DhcpOptionsId}",
    (Call("DeleteDhcpOptions", {"DhcpOptionsId": "{id}"}),),
    attributes={"DhcpOptionsId": "{id}"},
    tags=tags_of("dhcp-options"),
    shaped=_dhcp_configurations,
)

_DHCP_OF_VPC: Final = Row(
    _SERVICE,
    Call("AssociateDhcpOptions", takes="DhcpOptionsId VpcId"),
    "{p.DhcpOptionsId}|{p.VpcId}",
    (Call("AssociateDhcpOptions", {"DhcpOptionsId": "default", "VpcId": "{p.VpcId}"}),),
)

# -- key pairs -------------------------------------------------------------------------------------------


def _create_key(resource: Resource) -> Work:
    """A key pair. The private key of one that EC2 makes is kept in Systems Manager, as CloudFormation does.

    CloudFormation User Guide, AWS::EC2::KeyPair: "the private key is saved to an AWS Systems Manager Parameter Store
    parameter ... /ec2/keypair/{key_pair_id}".
    """
    own = resource.properties
    refuse_others(own, ("KeyFormat", "KeyName", "KeyType", "PublicKeyMaterial", "Tags"))
    params = picked(own, "KeyName") | specified(resource, "key-pair", own.get("Tags"))
    if resource.again:  # the private key of the former is lost
        yield from ended(Request(_SERVICE, "DeleteKeyPair", picked(own, "KeyName")))
    if "PublicKeyMaterial" in own:
        params["PublicKeyMaterial"] = str(own["PublicKeyMaterial"]).encode()
        answer = yield Request(_SERVICE, "ImportKeyPair", params)
        return _key(answer)
    answer = yield Request(_SERVICE, "CreateKeyPair", params | picked(own, "KeyType", "KeyFormat"))
    return (yield from or_undone(_kept(answer), _end_key(str(own["KeyName"]), answer["KeyPairId"])))


def _key(answer: Mapping[str, Any]) -> Made:
    return Made(str(answer["KeyName"]), picked(answer, "KeyPairId", "KeyFingerprint"))


def _kept(answer: Mapping[str, Any]) -> Work:
    params = {"Name": _parameter(answer["KeyPairId"]), "Value": answer["KeyMaterial"], "Type": "SecureString"}
    yield Request("ssm", "PutParameter", params)
    return _key(answer)


def _parameter(key: str) -> str:
    return f"/ec2/keypair/{key}"


def _delete_key(resource: Resource) -> Ending:
    imported = "PublicKeyMaterial" in resource.properties
    yield from _end_key(resource.physical, "" if imported else str(resource.attributes.get("KeyPairId", "")))


def _end_key(name: str, key: str) -> Ending:
    yield from ended(Request(_SERVICE, "DeleteKeyPair", {"KeyName": name}))
    if key:
        yield from ended(Request("ssm", "DeleteParameter", {"Name": _parameter(key)}))


# -- flow logs and interfaces ----------------------------------------------------------------------------

_FLOW: Final = (
    "DeliverCrossAccountRole",
    "DeliverLogsPermissionArn",
    "DestinationOptions",
    "LogDestination",
    "LogDestinationType",
    "LogFormat",
    "LogGroupName",
    "MaxAggregationInterval",
    "ResourceType",
    "TagFieldSpecifications",
    "TrafficType",
)


def _create_flow_log(resource: Resource) -> Work:
    own = resource.properties
    refuse_others(own, (*_FLOW, "ResourceId", "Tags"))
    params = {"ClientToken": resource.client_token, "ResourceIds": [own["ResourceId"]], **picked(own, *_FLOW)}
    params |= specified(resource, "vpc-flow-log", own.get("Tags"))
    answer = yield Request(_SERVICE, "CreateFlowLogs", params)
    for failed in answer.get("Unsuccessful") or ():
        raise Fault(failed["Error"]["Code"], failed["Error"]["Message"])
    made = str(answer["FlowLogIds"][0])
    return Made(made, {"Id": made})


def _update_flow_log(resource: Resource, before: Properties) -> Work:
    yield from retagged(resource, before)
    return Made(resource.physical, resource.attributes)


def _delete_flow_log(resource: Resource) -> Ending:
    yield from ended(Request(_SERVICE, "DeleteFlowLogs", {"FlowLogIds": [resource.physical]}))


_MODIFY_INTERFACE: Final = Call("ModifyNetworkInterfaceAttribute", {"NetworkInterfaceId": "{id}"})
_INTERFACE: Final = Row(
    _SERVICE,
    Call(
        "CreateNetworkInterface",
        _TOKEN,
        "ConnectionTrackingSpecification Description EnablePrimaryIpv6 Groups=GroupSet InterfaceType Ipv4PrefixCount "
        "Ipv4Prefixes Ipv6AddressCount Ipv6Addresses Ipv6PrefixCount Ipv6Prefixes PrivateIpAddress PrivateIpAddresses "
        "SecondaryPrivateIpAddressCount SubnetId",
    ),
    "{c.NetworkInterface.NetworkInterfaceId}",
    (Call("DeleteNetworkInterface", {"NetworkInterfaceId": "{id}"}),),
    attributes={
        "Id": "{id}",
        "PrimaryPrivateIpAddress": "{r.NetworkInterfaces.0.PrivateIpAddress}",
        "VpcId": "{r.NetworkInterfaces.0.VpcId}",
    },
    tags=tags_of("network-interface"),
    read=Call("DescribeNetworkInterfaces", {"NetworkInterfaceIds": ["{id}"]}),
    settings=(
        Change(
            _MODIFY_INTERFACE._replace(given={**_MODIFY_INTERFACE.given, "Description": {"Value": "{p.Description}"}}),
            "Description",
            defaults={"Description": ""},
        ),
        Change(_MODIFY_INTERFACE._replace(takes="Groups=GroupSet")),
        Change(
            _MODIFY_INTERFACE._replace(
                given={**_MODIFY_INTERFACE.given, "SourceDestCheck": {"Value": "{p.SourceDestCheck}"}}
            ),
            "SourceDestCheck",
            defaults={"SourceDestCheck": True},
            at_creation=True,
        ),
    ),
    shown=Shown(
        at="NetworkInterfaces.0",
        parts=(Part("GroupSet", path="NetworkInterfaces.0.Groups", item="{item.GroupId}"),),
        lists=Listing(Call("DescribeNetworkInterfaces"), "NetworkInterfaces", "{item.NetworkInterfaceId}"),
    ),
)


def _of_interface(_resource: Resource, interface: str) -> Steps[Mapping[str, Any]]:
    named = {"NetworkInterfaceIds": [interface]}
    (told,) = (yield Request(_SERVICE, "DescribeNetworkInterfaces", named))["NetworkInterfaces"]
    others = [each for each in told.get("PrivateIpAddresses") or () if not each.get("Primary")]
    return {"SecondaryPrivateIpAddresses": [each["PrivateIpAddress"] for each in others]}


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::EC2::DHCPOptions": adopted(provider(_DHCP_OPTIONS), "DescribeDhcpOptions", "DhcpOptions"),
    "AWS::EC2::FlowLog": Provider(_create_flow_log, _delete_flow_log, _update_flow_log),
    "AWS::EC2::KeyPair": Provider(_create_key, _delete_key),
    "AWS::EC2::NetworkAcl": adopted(provider(_ACL), "DescribeNetworkAcls", "NetworkAcl", vpc_id="VpcId"),
    "AWS::EC2::NetworkAclEntry": provider(_ACL_ENTRY)._replace(create=_create_entry),
    "AWS::EC2::NetworkInterface": telling(provider(_INTERFACE), _of_interface),
    "AWS::EC2::SubnetNetworkAclAssociation": Provider(_associate_acl, _dissociate_acl),
    "AWS::EC2::VPCDHCPOptionsAssociation": provider(_DHCP_OF_VPC),
    "AWS::EC2::VPCEndpoint": telling(
        provider(_ENDPOINT)._replace(update=_update_endpoint, immutable=frozenset()), _of_endpoint
    ),
    "AWS::EC2::Volume": provider(_VOLUME),
    "AWS::EC2::VolumeAttachment": provider(_ATTACHMENT)._replace(delete=_detach),
}
