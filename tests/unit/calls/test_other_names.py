"""A resource that a call names otherwise than its ARN does is the one that policies speak of."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import REGION, InProcess, Key

ACCOUNT = "000000000000"


class Group:
    """A security group in the default VPC."""

    def __init__(self, plane: InProcess, name: str) -> None:
        self.id = plane.client("ec2").create_security_group(GroupName=name, Description="d")["GroupId"]
        self.arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{self.id}"


def code(plane: InProcess, key: Key, operation: str, **params: Any) -> str:
    try:
        getattr(plane.client("ec2", key), operation)(**params)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def everything_but(plane: InProcess, name: str, arn: str) -> Key:
    deny = {"Effect": "Deny", "Action": "ec2:*", "Resource": arn}
    return plane.user(name, {"Effect": "Allow", "Action": "*", "Resource": "*"}, deny)


def only(plane: InProcess, name: str, arn: str) -> Key:
    return plane.user(name, {"Effect": "Allow", "Action": "ec2:*", "Resource": arn})


def test_a_deny_on_a_security_group_holds_by_its_name(plane: InProcess) -> None:
    group, other = Group(plane, "denied"), Group(plane, "free")
    key = everything_but(plane, "by-name", group.arn)
    assert code(plane, key, "delete_security_group", GroupName="denied") == "UnauthorizedOperation"
    assert code(plane, key, "delete_security_group", GroupId=other.id) == ""


def test_an_allow_on_a_security_group_holds_by_its_name(plane: InProcess) -> None:
    group = Group(plane, "allowed")
    Group(plane, "not-allowed")
    key = only(plane, "only-by-name", group.arn)
    assert code(plane, key, "delete_security_group", GroupName="not-allowed") == "UnauthorizedOperation"
    assert code(plane, key, "delete_security_group", GroupName="allowed") == ""


def test_two_names_at_once_are_both_decided_on(plane: InProcess) -> None:
    mine, denied = Group(plane, "mine"), Group(plane, "theirs")
    for key in (everything_but(plane, "two-names", denied.arn), only(plane, "only-one", mine.arn)):
        for names in ({"GroupId": mine.id, "GroupName": "theirs"}, {"GroupId": denied.id, "GroupName": "mine"}):
            assert code(plane, key, "delete_security_group", **names) == "UnauthorizedOperation"


@pytest.mark.parametrize("name", ["absent", "*", "sg-*", " "])
def test_a_name_that_is_not_found_stands_for_any_group(plane: InProcess, name: str) -> None:
    group = Group(plane, f"kept {name}")
    key = only(plane, f"hunter-{len(name)}{ord(name[0])}", group.arn)
    assert code(plane, key, "delete_security_group", GroupName=name) == "UnauthorizedOperation"


def test_the_record_has_the_resource_that_was_found(plane: InProcess) -> None:
    group = Group(plane, "recorded")
    plane.client("ec2").delete_security_group(GroupName="recorded")
    record = next(record for record in plane.records(5) if record.operation == "DeleteSecurityGroup")
    assert [resource.arn for resource in record.resources] == [group.arn]


def refused(operation: Any, **params: Any) -> str:
    try:
        operation(**params)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


class Addresses:
    """An elastic IP address and an association of it, and a key pair, a route table and a launch template."""

    def __init__(self, plane: InProcess) -> None:
        ec2 = plane.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        self.subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
        interface = ec2.create_network_interface(SubnetId=self.subnet)["NetworkInterface"]["NetworkInterfaceId"]
        allocated = ec2.allocate_address(Domain="vpc")
        self.address, self.ip = allocated["AllocationId"], allocated["PublicIp"]
        associated = ec2.associate_address(AllocationId=self.address, NetworkInterfaceId=interface)
        self.association = associated["AssociationId"]
        self.table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        self.table_association = ec2.associate_route_table(RouteTableId=self.table, SubnetId=self.subnet)[
            "AssociationId"
        ]
        self.acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
        found = ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [self.subnet]}])
        self.acl_in_use = found["NetworkAcls"][0]["NetworkAclId"]
        associations = found["NetworkAcls"][0]["Associations"]
        self.acl_association = next(a["NetworkAclAssociationId"] for a in associations if a["SubnetId"] == self.subnet)
        self.pair = ec2.create_key_pair(KeyName="pair")["KeyPairId"]
        made = ec2.create_launch_template(LaunchTemplateName="template", LaunchTemplateData={"ImageId": "ami-1"})
        self.template = made["LaunchTemplate"]["LaunchTemplateId"]


@pytest.fixture(scope="module")
def made(plane: InProcess) -> Addresses:
    return Addresses(plane)


OTHERWISE = [
    ("elastic-ip/{address}", "release_address", {"PublicIp": "{ip}"}),
    ("elastic-ip/{address}", "disassociate_address", {"PublicIp": "{ip}"}),
    ("elastic-ip/{address}", "disassociate_address", {"AssociationId": "{association}"}),
    ("elastic-ip/{address}", "associate_address", {"PublicIp": "{ip}", "InstanceId": "i-00000000"}),
    ("route-table/{table}", "disassociate_route_table", {"AssociationId": "{table_association}"}),
    (
        "route-table/{table}",
        "replace_route_table_association",
        {"AssociationId": "{table_association}", "RouteTableId": "rtb-00000000"},
    ),
    (
        "network-acl/{acl_in_use}",
        "replace_network_acl_association",
        {"AssociationId": "{acl_association}", "NetworkAclId": "{acl}"},
    ),
    ("key-pair/pair", "delete_key_pair", {"KeyPairId": "{pair}"}),
    ("launch-template/{template}", "delete_launch_template", {"LaunchTemplateName": "template"}),
    ("launch-template/{template}", "modify_launch_template", {"LaunchTemplateName": "template", "DefaultVersion": "1"}),
    (
        "launch-template/{template}",
        "create_launch_template_version",
        {"LaunchTemplateName": "template", "LaunchTemplateData": {"ImageId": "ami-2"}},
    ),
    (
        "launch-template/{template}",
        "run_instances",
        {"LaunchTemplate": {"LaunchTemplateName": "template"}, "MinCount": 1, "MaxCount": 1},
    ),
]


@pytest.mark.parametrize(("resource", "operation", "params"), OTHERWISE)
def test_a_deny_holds_by_each_name_of_a_resource_of_ec2(
    plane: InProcess, made: Addresses, resource: str, operation: str, params: dict[str, Any]
) -> None:
    names = vars(made)
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:{resource.format(**names)}"
    given = {key: value.format(**names) if isinstance(value, str) else value for key, value in params.items()}
    key = everything_but(plane, f"deny-{OTHERWISE.index((resource, operation, params))}", arn)
    assert refused(getattr(plane.client("ec2", key), operation), **given) == "UnauthorizedOperation"
    record = plane.records(1)[0]
    assert arn in [resource.arn for resource in record.resources]


def test_a_condition_on_a_tag_holds_for_resources_of_ec2_and_of_other_services(plane: InProcess) -> None:
    ec2, logs = plane.client("ec2"), plane.client("logs")
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
    ec2.create_tags(Resources=[volume], Tags=[{"Key": "stage", "Value": "prod"}])
    logs.create_log_group(logGroupName="tagged", tags={"stage": "prod"})
    condition = {"StringEquals": {"aws:ResourceTag/stage": "prod"}}
    key = plane.user(
        "not-prod",
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition},
    )
    assert refused(plane.client("ec2", key).delete_volume, VolumeId=volume) == "UnauthorizedOperation"
    assert refused(plane.client("logs", key).delete_log_group, logGroupName="tagged") == "AccessDeniedException"
