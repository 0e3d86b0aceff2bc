"""AWS's words for calls on instances whose parameters do not go together, or that name what is not there."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.calls import Ask
from locum.core.errors import Fault
from locum.services.asking import Reply
from locum.services.ec2 import OPERATIONS
from support.held_by_ec2 import IMAGE, held
from support.one_account import Plane

GIB = {"VolumeSize": 1}
SNAPSHOT, LARGE = "snap-11111111", 30


@pytest.fixture
def ec2() -> Plane:
    return Plane("ec2", OPERATIONS, reply=with_snapshots)


def with_snapshots(ask: Ask) -> Reply:
    """`held`, with one snapshot of 30 GiB."""
    if ask.call.operation != "DescribeSnapshots":
        return held(ask)
    if list(ask.call.params["SnapshotIds"]) != [SNAPSHOT]:
        return Fault("InvalidSnapshot.NotFound", "The snapshot 'snap-22222222' does not exist.")
    return {"Snapshots": [{"SnapshotId": SNAPSHOT, "VolumeSize": LARGE}]}


def run(ec2: Plane, **params: Any) -> dict[str, Any]:
    return ec2.call("RunInstances", **{"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, **params})


def told(ec2: Plane, operation: str, **params: Any) -> tuple[str, str]:
    with pytest.raises(Fault) as caught:
        ec2.call(operation, **params)
    return caught.value.code, caught.value.message


def told_of_launch(ec2: Plane, **params: Any) -> tuple[str, str]:
    return told(ec2, "RunInstances", **{"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, **params})


@pytest.mark.parametrize(
    "operation",
    [
        "StartInstances",
        "StopInstances",
        "RebootInstances",
        "TerminateInstances",
        "MonitorInstances",
        "UnmonitorInstances",
    ],
)
def test_a_call_that_names_no_instance_is_told_so(ec2: Plane, operation: str) -> None:
    expected = ("InvalidParameterCombination", "No instances specified")
    assert told(ec2, operation, InstanceIds=[]) == expected
    assert told(ec2, operation) == expected


@pytest.mark.parametrize("operation", ["DescribeInstances", "DescribeInstanceStatus"])
def test_the_size_of_a_page_has_its_bounds_and_does_not_go_with_ids(ec2: Plane, operation: str) -> None:
    name = run(ec2)["Instances"][0]["InstanceId"]
    together = "The parameter instancesSet cannot be used with the parameter maxResults"
    assert told(ec2, operation, InstanceIds=[name], MaxResults=5) == ("InvalidParameterCombination", together)
    low = "Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5."
    assert told(ec2, operation, MaxResults=4) == ("InvalidParameterValue", low)
    high = "Value ( 1001 ) for parameter maxResults is invalid. Expecting a value less than 1000."
    assert told(ec2, operation, MaxResults=1001) == ("InvalidParameterValue", high)


@pytest.mark.parametrize(
    ("member", "value", "words"),
    [
        ("SubnetId", "subnet-1", "subnet ID"),
        ("SecurityGroupIds", ["sg-1"], "security groups"),
        ("SecurityGroups", ["default"], "security groups"),
        ("PrivateIpAddress", "172.31.0.9", "private IP address"),
    ],
)
def test_what_network_interfaces_say_is_not_said_of_the_instance(
    ec2: Plane, member: str, value: Any, words: str
) -> None:
    text = f"Network interfaces and an instance-level {words} may not be specified on the same request"
    given = {member: value, "NetworkInterfaces": [{"DeviceIndex": 0}]}
    assert told_of_launch(ec2, **given) == ("InvalidParameterCombination", text)


def test_names_of_groups_do_not_go_with_a_subnet(ec2: Plane) -> None:
    text = "The parameter groupName cannot be used with the parameter subnet"
    given = told_of_launch(ec2, SubnetId="subnet-1", SecurityGroups=["web"])
    assert given == ("InvalidParameterCombination", text)


def test_a_launch_is_of_one_instance_at_least(ec2: Plane) -> None:
    zero = ("InvalidParameterValue", "Maximum instance count must be greater than zero")
    assert told_of_launch(ec2, MinCount=0, MaxCount=0) == zero
    assert told_of_launch(ec2, MinCount=0) == (zero[0], "Minimum instance count must be greater than zero")


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"ImageId": "ami-22222220"}, "InvalidAMIID.NotFound", "The image id '[ami-22222220]' does not exist"),
        ({"ImageId": "ubuntu"}, "InvalidAMIID.Malformed", 'Invalid id: "ubuntu" (expecting "ami-...")'),
        ({"KeyName": "key-0"}, "InvalidKeyPair.NotFound", "The key pair 'key-0' does not exist"),
        ({"SecurityGroupIds": ["sg-0"]}, "InvalidGroup.NotFound", "The security group 'sg-0' does not exist"),
        ({"SubnetId": "subnet-0"}, "InvalidSubnetID.NotFound", "The subnet ID 'subnet-0' does not exist"),
        (
            {"LaunchTemplate": {"Version": "1"}},
            "MissingParameter",
            "Either the launch template ID or the launch template name must be specified.",
        ),
        (
            {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "a"}},
            "InvalidParameterCombination",
            "The launch template ID and the launch template name cannot both be specified.",
        ),
    ],
)
def test_what_a_launch_names_has_to_be_there(ec2: Plane, params: dict[str, Any], code: str, text: str) -> None:
    assert told_of_launch(ec2, **params) == (code, text)


@pytest.mark.parametrize(
    ("devices", "code", "text"),
    [
        ([{"DeviceName": "/dev/sdb"}], "MissingParameter", "The request must contain the parameter ebs"),
        ([{"DeviceName": "/dev/sdb", "NoDevice": "yes"}], "InvalidRequest", "The request received was invalid"),
        (
            [{"DeviceName": "/dev/sdb", "Ebs": {"VolumeType": "gp3"}}],
            "MissingParameter",
            "The request must contain the parameter size or snapshotId",
        ),
        (
            [{"DeviceName": "/dev/sdb", "Ebs": GIB}, {"DeviceName": "/dev/sdb", "Ebs": GIB}],
            "InvalidBlockDeviceMapping",
            "The device 'sdb' is used in more than one block-device mapping",
        ),
        (
            [{"DeviceName": "/dev/sdb", "Ebs": {**GIB, "Iops": 100}}],
            "InvalidParameterCombination",
            "The parameter iops is not supported for gp2 volumes.",
        ),
        (
            [{"DeviceName": "/dev/sdb", "Ebs": {**GIB, "VolumeType": "io2"}}],
            "MissingParameter",
            "The request must contain the parameter iops",
        ),
        (
            [{"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 15, "SnapshotId": SNAPSHOT}}],
            "InvalidBlockDeviceMapping",
            f"Volume of size 15GB is smaller than  snapshot '{SNAPSHOT}', expect size >= 30GB",
        ),
        (
            [{"DeviceName": "/dev/sdb", "Ebs": {"SnapshotId": "snap-22222222"}}],
            "InvalidSnapshot.NotFound",
            "The snapshot 'snap-22222222' does not exist.",
        ),
    ],
)
def test_block_devices_that_cannot_be_are_refused(
    ec2: Plane, devices: list[dict[str, Any]], code: str, text: str
) -> None:
    assert told_of_launch(ec2, BlockDeviceMappings=devices) == (code, text)


def test_block_devices_that_can_be_are_launched(ec2: Plane) -> None:
    root = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeType": "gp3", "DeleteOnTermination": False}}
    rest = [
        {"DeviceName": "/dev/sdb", "Ebs": {"SnapshotId": SNAPSHOT}},
        {"DeviceName": "/dev/sdc", "Ebs": {"SnapshotId": SNAPSHOT, "VolumeSize": LARGE}},
        {"DeviceName": "/dev/sdd", "VirtualName": "ephemeral0"},
        {"DeviceName": "/dev/sde", "NoDevice": ""},
        {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 4, "VolumeType": "io1", "Iops": 100}},
    ]
    assert run(ec2, BlockDeviceMappings=[root, *rest])["Instances"]


@pytest.mark.parametrize(
    ("vpcs", "zone", "code", "text"),
    [
        (
            [],
            "",
            "VPCIdNotSpecified",
            "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
        ),
        (["vpc-1"], "", "MissingInput", "No subnets found for the default VPC 'vpc-1'. Please specify a subnet."),
        (["vpc-1"], "us-east-1b", "InvalidInput", "No default subnet for availability zone: 'us-east-1b'."),
    ],
)
def test_a_launch_without_a_subnet_takes_a_default_one(
    ec2: Plane, vpcs: list[str], zone: str, code: str, text: str
) -> None:
    answers: dict[str, Reply] = {"DescribeSubnets": {"Subnets": []}}
    answers["DescribeVpcs"] = {"Vpcs": [{"VpcId": name} for name in vpcs]}
    ec2.reply = lambda ask: answers.get(ask.call.operation) or held(ask)
    assert told_of_launch(ec2, Placement={"AvailabilityZone": zone} if zone else {}) == (code, text)
