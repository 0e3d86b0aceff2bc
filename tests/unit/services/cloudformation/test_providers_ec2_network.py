"""Providers of EC2's networks, security groups, volumes and the like."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Resource
from support.inprocess import InProcess
from support.remaking import Remaking, own

KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC8fPrkfhWJrHyXmwfOAFWQI9RAVhcpGnEzwTpF4cxM test"


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Remaking:
    return Remaking(plane)


@pytest.fixture(scope="module")
def ec2(plane: InProcess) -> Any:
    return plane.client("ec2")


@pytest.fixture(scope="module")
def vpc(making: Remaking) -> Resource:
    return making.create("AWS::EC2::VPC", "Net", CidrBlock="10.7.0.0/16")


@pytest.fixture(scope="module")
def subnet(making: Remaking, vpc: Resource) -> Resource:
    return making.create("AWS::EC2::Subnet", "Sub", VpcId=vpc.physical, CidrBlock="10.7.1.0/24")


def attribute_of(ec2: Any, vpc: str, name: str) -> bool:
    answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name[0].lower() + name[1:])
    return bool(answer[name]["Value"])


def test_a_vpc_has_its_dns_and_tags(making: Remaking, ec2: Any) -> None:
    kind = "AWS::EC2::VPC"
    tags = [{"Key": "Name", "Value": "net"}, {"Key": "old", "Value": "x"}]
    made = making.create(kind, CidrBlock="10.0.0.0/16", EnableDnsHostnames="true", Tags=tags)
    (seen,) = ec2.describe_vpcs(VpcIds=[made.physical])["Vpcs"]
    assert own(seen["Tags"]) == {"Name": "net", "old": "x"}
    assert attribute_of(ec2, made.physical, "EnableDnsHostnames")
    assert made.attributes["CidrBlock"] == "10.0.0.0/16"
    assert made.attributes["DefaultSecurityGroup"].startswith("sg-")
    assert made.attributes["DefaultNetworkAcl"].startswith("acl-")
    assert made.attributes["CidrBlockAssociations"] == [seen["CidrBlockAssociationSet"][0]["AssociationId"]]
    assert making.again(made).physical == made.physical
    tags = [{"Key": "Name", "Value": "other"}]
    making.update(made, CidrBlock="10.0.0.0/16", EnableDnsSupport=False, Tags=tags)
    (seen,) = ec2.describe_vpcs(VpcIds=[made.physical])["Vpcs"]
    assert own(seen["Tags"]) == {"Name": "other"}
    assert not attribute_of(ec2, made.physical, "EnableDnsHostnames")
    assert not attribute_of(ec2, made.physical, "EnableDnsSupport")
    making.delete(made)
    making.delete(made)
    assert made.physical not in [each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"]]


def test_a_subnet_has_the_settings_of_its_launches(making: Remaking, ec2: Any, vpc: Resource) -> None:
    given = {"VpcId": vpc.physical, "CidrBlock": "10.7.2.0/24", "AvailabilityZone": "us-east-1b"}
    made = making.create("AWS::EC2::Subnet", **given, MapPublicIpOnLaunch="true", Tags=[{"Key": "a", "Value": "b"}])
    (seen,) = ec2.describe_subnets(SubnetIds=[made.physical])["Subnets"]
    assert (seen["MapPublicIpOnLaunch"], own(seen["Tags"])) == (True, {"a": "b"})
    assert made.attributes["AvailabilityZone"] == "us-east-1b"
    assert made.attributes["NetworkAclAssociationId"].startswith("aclassoc-")
    assert making.again(made).physical == made.physical
    making.update(made, **given)
    (seen,) = ec2.describe_subnets(SubnetIds=[made.physical])["Subnets"]
    assert (seen["MapPublicIpOnLaunch"], own(seen["Tags"])) == (False, {})
    making.delete(made)
    making.delete(made)
    assert ec2.describe_subnets(Filters=[{"Name": "subnet-id", "Values": [made.physical]}])["Subnets"] == []


def test_a_public_subnet_has_a_table_with_a_route_to_its_gateway(
    making: Remaking, ec2: Any, vpc: Resource, subnet: Resource
) -> None:
    gateway = making.create("AWS::EC2::InternetGateway", "Igw")
    assert making.again(gateway).physical == gateway.physical
    attached = {"VpcId": vpc.physical, "InternetGatewayId": gateway.physical}
    attachment = making.create("AWS::EC2::VPCGatewayAttachment", **attached)
    assert attachment.physical == f"IGW|{vpc.physical}" == making.again(attachment).physical
    table = making.create("AWS::EC2::RouteTable", VpcId=vpc.physical)
    assert making.again(table).physical == table.physical
    to = {"RouteTableId": table.physical, "DestinationCidrBlock": "0.0.0.0/0"}
    route = making.create("AWS::EC2::Route", **to, GatewayId=gateway.physical)
    assert route.physical == f"{table.physical}|0.0.0.0/0" == making.again(route).physical
    in_table = {"RouteTableId": table.physical, "SubnetId": subnet.physical}
    association = making.create("AWS::EC2::SubnetRouteTableAssociation", **in_table)
    assert making.again(association).physical == association.physical
    (seen,) = ec2.describe_route_tables(RouteTableIds=[table.physical])["RouteTables"]
    assert seen["Associations"][0]["RouteTableAssociationId"] == association.physical
    assert {"0.0.0.0/0": gateway.physical}.items() <= routes(seen).items()

    address = making.create("AWS::EC2::EIP", Domain="vpc")
    through = {"SubnetId": subnet.physical, "AllocationId": address.attributes["AllocationId"]}
    nat = making.create("AWS::EC2::NatGateway", **through)
    assert making.again(nat).physical == nat.physical
    assert nat.attributes["EniId"].startswith("eni-")
    making.update(route, **to, NatGatewayId=nat.physical)
    (seen,) = ec2.describe_route_tables(RouteTableIds=[table.physical])["RouteTables"]
    assert routes(seen)["0.0.0.0/0"] == nat.physical

    for made in (route, association, nat, address, table, attachment, gateway):
        making.delete(made)
        making.delete(made)
    assert ec2.describe_internet_gateways(Filters=[{"Name": "tag:team", "Values": ["blue"]}])["InternetGateways"] == []


def routes(table: Any) -> dict[str, str]:
    return {
        each["DestinationCidrBlock"]: each.get("GatewayId") or each.get("NatGatewayId", "") for each in table["Routes"]
    }


def test_an_address_is_of_its_instance(making: Remaking, ec2: Any) -> None:
    instance = making.create("AWS::EC2::Instance", ImageId="ami-12c6146b")
    made = making.create("AWS::EC2::EIP", InstanceId=instance.physical)
    (seen,) = ec2.describe_addresses(PublicIps=[made.physical])["Addresses"]
    assert (seen["InstanceId"], seen["AllocationId"]) == (instance.physical, made.attributes["AllocationId"])
    remade = making.again(made)
    assert remade.physical == made.physical
    freed = making.update(remade)
    assert not ec2.describe_addresses(PublicIps=[made.physical])["Addresses"][0].get("InstanceId")
    joined = {"AllocationId": freed.attributes["AllocationId"], "InstanceId": instance.physical}
    association = making.create("AWS::EC2::EIPAssociation", **joined)
    assert association.physical.startswith("eipassoc-")
    making.delete(association)
    making.delete(association)
    making.delete(making.update(freed, InstanceId=instance.physical))
    making.delete(made)
    making.delete(instance)


def permissions(ec2: Any, group: str, member: str) -> list[tuple[Any, ...]]:
    (seen,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    return [
        (each["IpProtocol"], each.get("FromPort"), [r["CidrIp"] for r in each["IpRanges"]]) for each in seen[member]
    ]


def test_rules_of_a_group_are_those_of_its_properties(making: Remaking, ec2: Any, vpc: Resource) -> None:
    kind, given = "AWS::EC2::SecurityGroup", {"GroupDescription": "web", "VpcId": vpc.physical}
    http = {"IpProtocol": "tcp", "FromPort": "80", "ToPort": 80, "CidrIp": "0.0.0.0/0", "Description": "all"}
    tls = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/8"}
    made = making.create(kind, **given, SecurityGroupIngress=[http])
    assert made.physical == made.attributes["GroupId"]
    assert permissions(ec2, made.physical, "IpPermissions") == [("tcp", 80, ["0.0.0.0/0"])]
    assert permissions(ec2, made.physical, "IpPermissionsEgress") == [("-1", None, ["0.0.0.0/0"])]
    assert making.again(made).physical == made.physical
    made = making.update(made, **given, SecurityGroupIngress=[tls], SecurityGroupEgress=[tls])
    assert permissions(ec2, made.physical, "IpPermissions") == [("tcp", 443, ["10.0.0.0/8"])]
    assert permissions(ec2, made.physical, "IpPermissionsEgress") == [("tcp", 443, ["10.0.0.0/8"])]
    other = making.create(kind, "Other", **given, SecurityGroupEgress=tls, Tags=[{"Key": "a", "Value": "b"}])
    assert permissions(ec2, other.physical, "IpPermissionsEgress") == [("tcp", 443, ["10.0.0.0/8"])]
    making.update(other, **given)
    assert permissions(ec2, other.physical, "IpPermissionsEgress") == [("-1", None, ["0.0.0.0/0"])]
    assert own(ec2.describe_security_groups(GroupIds=[other.physical])["SecurityGroups"][0]["Tags"]) == {}
    for group in (made, other):
        making.delete(group)
        making.delete(group)


def test_a_group_whose_rule_is_refused_is_not_left(making: Remaking, ec2: Any, vpc: Resource) -> None:
    wrong = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "SourceSecurityGroupId": "sg-00000000"}
    given = {"GroupDescription": "web", "VpcId": vpc.physical, "GroupName": "unmade"}
    with pytest.raises(Fault):
        making.create("AWS::EC2::SecurityGroup", **given, SecurityGroupIngress=[wrong])
    named = [{"Name": "group-name", "Values": ["unmade"]}]
    assert ec2.describe_security_groups(Filters=named)["SecurityGroups"] == []


def test_a_group_in_no_named_vpc_has_its_name_for_its_id(making: Remaking, ec2: Any) -> None:
    made = making.create("AWS::EC2::SecurityGroup", GroupDescription="d", GroupName="by-name")
    assert made.physical == "by-name"
    making.update(made, GroupDescription="d", GroupName="by-name", Tags=[{"Key": "a", "Value": "b"}])
    group = made.attributes["GroupId"]
    assert own(ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["Tags"]) == {"a": "b"}
    making.delete(made)


@pytest.mark.parametrize(("direction", "member"), [("Ingress", "IpPermissions"), ("Egress", "IpPermissionsEgress")])
def test_rules_that_are_resources_are_of_their_group(
    making: Remaking, ec2: Any, vpc: Resource, direction: str, member: str
) -> None:
    group = making.create("AWS::EC2::SecurityGroup", "Ruled", GroupDescription="d", VpcId=vpc.physical)
    kind, given = f"AWS::EC2::SecurityGroup{direction}", {"GroupId": group.physical, "IpProtocol": "TCP"}
    ports = {"FromPort": 22, "ToPort": "22"}
    made = making.create(kind, **given, **ports, CidrIp="10.0.0.0/8", Description="one")
    assert made.physical.startswith("sgr-")
    assert making.again(made).physical == made.physical
    made = making.update(made, **given, **ports, CidrIp="10.0.0.0/8", Description="two")
    assert told(ec2, group, member) == [("10.0.0.0/8", "two")]
    peer = {"Ingress": "SourceSecurityGroupId", "Egress": "DestinationSecurityGroupId"}[direction]
    other = making.create(kind, "Peer", **given, **ports, **{peer: group.physical})
    assert making.again(other).physical == other.physical != made.physical
    for rule in (made, other):
        making.delete(rule)
        making.delete(rule)
    assert told(ec2, group, member) == []
    making.delete(group)


def told(ec2: Any, group: Resource, member: str) -> list[tuple[str, str]]:
    """The ranges of the rules for ports, and what is said of them."""
    (seen,) = ec2.describe_security_groups(GroupIds=[group.physical])["SecurityGroups"]
    rules = [each for each in seen[member] if each["IpProtocol"] == "tcp"]
    return [(each["CidrIp"], each["Description"]) for rule in rules for each in rule["IpRanges"]]


def test_a_volume_grows_and_is_attached(making: Remaking, ec2: Any) -> None:
    zone = {"AvailabilityZone": "us-east-1a"}
    made = making.create("AWS::EC2::Volume", **zone, Size="1", VolumeType="gp3", Tags=[{"Key": "a", "Value": "b"}])
    making.update(made, **zone, Size=2, VolumeType="gp3")
    (seen,) = ec2.describe_volumes(VolumeIds=[made.physical])["Volumes"]
    assert (seen["Size"], own(seen["Tags"])) == (2, {})
    instance = making.create("AWS::EC2::Instance", ImageId="ami-12c6146b", **zone)
    joined = {"VolumeId": made.physical, "InstanceId": instance.physical}
    attachment = making.create("AWS::EC2::VolumeAttachment", **joined, Device="/dev/sdh")
    assert attachment.physical == f"{made.physical}|{instance.physical}" == making.again(attachment).physical
    making.delete(attachment)
    making.delete(attachment)
    assert ec2.describe_volumes(VolumeIds=[made.physical])["Volumes"][0]["Attachments"] == []
    for each in (instance, made, made):
        making.delete(each)
    assert made.physical not in [volume["VolumeId"] for volume in ec2.describe_volumes()["Volumes"]]


def test_an_endpoint_has_its_route_tables(making: Remaking, ec2: Any, vpc: Resource) -> None:
    tables = [making.create("AWS::EC2::RouteTable", f"T{n}", VpcId=vpc.physical).physical for n in range(2)]
    given = {"VpcId": vpc.physical, "ServiceName": "com.amazonaws.us-east-1.s3"}
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}],
    }
    made = making.create("AWS::EC2::VPCEndpoint", **given, RouteTableIds=tables[:1], PolicyDocument=policy)
    making.update(made, **given, RouteTableIds=tables[1:], PolicyDocument=policy, Tags=[{"Key": "a", "Value": "b"}])
    (seen,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[made.physical])["VpcEndpoints"]
    assert (seen["RouteTableIds"], own(seen["Tags"])) == (tables[1:], {"a": "b"})
    making.delete(made)
    making.delete(made)


def test_a_network_acl_has_entries_and_subnets(making: Remaking, ec2: Any, vpc: Resource, subnet: Resource) -> None:
    acl = making.create("AWS::EC2::NetworkAcl", VpcId=vpc.physical)
    assert making.again(acl).physical == acl.physical
    given = {"NetworkAclId": acl.physical, "RuleNumber": 100, "CidrBlock": "0.0.0.0/0"}
    ports = {"PortRange": {"From": "80", "To": "80"}}
    entry = making.create("AWS::EC2::NetworkAclEntry", **given, **ports, Protocol=6, RuleAction="allow")
    assert entry.physical.startswith("shop-Thing-")
    assert making.again(entry).physical == entry.physical
    entry = making.update(entry, **given, **ports, Protocol=6, RuleAction="deny")
    (seen,) = ec2.describe_network_acls(NetworkAclIds=[acl.physical])["NetworkAcls"]
    assert [(e["RuleAction"], e["Egress"]) for e in seen["Entries"] if e["RuleNumber"] == 100] == [("deny", False)]
    joined = {"NetworkAclId": acl.physical, "SubnetId": subnet.physical}
    association = making.create("AWS::EC2::SubnetNetworkAclAssociation", **joined)
    assert making.again(association).physical == association.physical
    (seen,) = ec2.describe_network_acls(NetworkAclIds=[acl.physical])["NetworkAcls"]
    assert seen["Associations"][0]["NetworkAclAssociationId"] == association.physical
    making.delete(association)
    (seen,) = ec2.describe_network_acls(NetworkAclIds=[acl.physical])["NetworkAcls"]
    assert seen["Associations"] == []
    for made in (entry, acl, acl):
        making.delete(made)


def test_options_of_dhcp_are_of_a_vpc(making: Remaking, ec2: Any, vpc: Resource) -> None:
    made = making.create("AWS::EC2::DHCPOptions", DomainName="local", DomainNameServers=["10.0.0.2"])
    (seen,) = ec2.describe_dhcp_options(DhcpOptionsIds=[made.physical])["DhcpOptions"]
    values = {each["Key"]: each["Values"][0]["Value"] for each in seen["DhcpConfigurations"]}
    assert values == {"domain-name": "local", "domain-name-servers": "10.0.0.2"}
    joined = {"DhcpOptionsId": made.physical, "VpcId": vpc.physical}
    association = making.create("AWS::EC2::VPCDHCPOptionsAssociation", **joined)
    assert ec2.describe_vpcs(VpcIds=[vpc.physical])["Vpcs"][0]["DhcpOptionsId"] == made.physical
    making.delete(association)
    making.delete(made)
    making.delete(made)


def test_a_private_key_is_kept_as_a_parameter_and_ends_with_its_pair(plane: InProcess, making: Remaking) -> None:
    ssm = plane.client("ssm")
    made = making.create("AWS::EC2::KeyPair", KeyName="deploy", Tags=[{"Key": "a", "Value": "b"}])
    assert (made.physical, made.attributes["KeyPairId"][:4]) == ("deploy", "key-")
    made = making.again(made)
    name = f"/ec2/keypair/{made.attributes['KeyPairId']}"
    assert "PRIVATE KEY" in ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    making.delete(made)
    making.delete(made)
    assert ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"] == []


def test_an_interface_has_its_groups(making: Remaking, ec2: Any, vpc: Resource, subnet: Resource) -> None:
    groups = [
        making.create("AWS::EC2::SecurityGroup", f"G{n}", GroupDescription="d", VpcId=vpc.physical) for n in range(2)
    ]
    given = {"SubnetId": subnet.physical, "Description": "one"}
    made = making.create("AWS::EC2::NetworkInterface", **given, GroupSet=[groups[0].physical], SourceDestCheck=False)
    (seen,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[made.physical])["NetworkInterfaces"]
    assert seen["SourceDestCheck"] is False
    assert made.attributes["PrimaryPrivateIpAddress"] == seen["PrivateIpAddress"]
    making.update(made, **given, GroupSet=[groups[1].physical], SourceDestCheck=False)
    (seen,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[made.physical])["NetworkInterfaces"]
    assert [group["GroupId"] for group in seen["Groups"]] == [groups[1].physical]
    for each in (made, made, *groups):
        making.delete(each)


def test_a_flow_log_is_of_its_vpc(plane: InProcess, making: Remaking, ec2: Any, vpc: Resource) -> None:
    plane.client("s3").create_bucket(Bucket="flows-of-the-vpc")
    given = {"ResourceId": vpc.physical, "ResourceType": "VPC", "TrafficType": "ALL", "LogDestinationType": "s3"}
    made = making.create("AWS::EC2::FlowLog", **given, LogDestination="arn:aws:s3:::flows-of-the-vpc")
    (seen,) = ec2.describe_flow_logs(FlowLogIds=[made.physical])["FlowLogs"]
    assert (seen["ResourceId"], own(seen["Tags"])) == (vpc.physical, {})
    making.delete(made)
    making.delete(made)
    with pytest.raises(Fault):
        making.create("AWS::EC2::FlowLog", **{**given, "ResourceId": "vpc-00000000"}, LogDestination="arn:aws:s3:::x")


def test_a_vpc_has_another_block(making: Remaking, ec2: Any, vpc: Resource) -> None:
    made = making.create("AWS::EC2::VPCCidrBlock", VpcId=vpc.physical, CidrBlock="10.9.0.0/16")
    association, _, of = made.physical.partition("|")
    assert (association, of) == (made.attributes["Id"], vpc.physical)
    making.delete(made)
    (seen,) = ec2.describe_vpcs(VpcIds=[vpc.physical])["Vpcs"]
    assert "10.9.0.0/16" not in [
        each["CidrBlock"] for each in seen["CidrBlockAssociationSet"] if each["CidrBlockState"]["State"] == "associated"
    ]
