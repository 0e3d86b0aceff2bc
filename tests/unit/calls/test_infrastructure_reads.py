"""What an infrastructure tool sets of an instance and of a launch template, it reads back: it sees no drift.

The calls are those that Terraform's `aws_instance` and `aws_launch_template` make to refresh their state.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from support.inprocess import InProcess

IMAGE = "ami-12c6146b"
"""An image that the embedded backend begins with."""
USER_DATA = b"#!/bin/sh\necho hello\n"


@pytest.fixture(scope="module")
def asked(plane: InProcess) -> dict[str, Any]:
    ec2 = plane.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.6.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.6.1.0/24", AvailabilityZone="us-east-1b")["Subnet"]
    group = ec2.create_security_group(GroupName="drift", Description="d", VpcId=vpc)["GroupId"]
    ec2.create_key_pair(KeyName="drift")
    return {
        "ImageId": IMAGE,
        "InstanceType": "t3.micro",
        "KeyName": "drift",
        "SubnetId": subnet["SubnetId"],
        "SecurityGroupIds": [group],
        "UserData": USER_DATA.decode(),
        "EbsOptimized": True,
        "DisableApiTermination": True,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "Monitoring": {"Enabled": True},
        "CreditSpecification": {"CpuCredits": "standard"},
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 3, "InstanceMetadataTags": "enabled"},
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 12, "VolumeType": "gp3", "DeleteOnTermination": True}},
            {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 3, "VolumeType": "gp2", "DeleteOnTermination": False}},
        ],
        "TagSpecifications": [
            {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "drift"}]},
            {"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "disk"}]},
        ],
    }


@pytest.fixture(scope="module")
def instance(plane: InProcess, asked: dict[str, Any]) -> str:
    launched = plane.client("ec2").run_instances(MinCount=1, MaxCount=1, **asked)["Instances"][0]
    return str(launched["InstanceId"])


@pytest.fixture
def seen(plane: InProcess, instance: str) -> dict[str, Any]:
    found = plane.client("ec2").describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("member", ["ImageId", "InstanceType", "KeyName", "SubnetId", "EbsOptimized"])
def test_a_parameter_of_the_launch_is_described_as_it_was_given(
    seen: dict[str, Any], asked: dict[str, Any], member: str
) -> None:
    assert seen[member] == asked[member]


def test_groups_monitoring_metadata_options_and_tags_are_those_of_the_launch(
    seen: dict[str, Any], asked: dict[str, Any]
) -> None:
    assert [group["GroupId"] for group in seen["SecurityGroups"]] == asked["SecurityGroupIds"]
    assert seen["Monitoring"] == {"State": "enabled"}
    assert asked["MetadataOptions"].items() <= seen["MetadataOptions"].items()
    assert seen["Tags"] == [{"Key": "Name", "Value": "drift"}]


@pytest.mark.parametrize(
    ("attribute", "member", "value"),
    [
        ("disableApiTermination", "DisableApiTermination", True),
        ("disableApiStop", "DisableApiStop", False),
        ("instanceInitiatedShutdownBehavior", "InstanceInitiatedShutdownBehavior", "terminate"),
        ("userData", "UserData", base64.b64encode(USER_DATA).decode()),
    ],
)
def test_an_attribute_is_as_it_was_given(
    plane: InProcess, instance: str, attribute: str, member: str, value: Any
) -> None:
    told = plane.client("ec2").describe_instance_attribute(InstanceId=instance, Attribute=attribute)
    assert told[member] == {"Value": value}


def test_the_volumes_are_those_of_the_launch(plane: InProcess, seen: dict[str, Any]) -> None:
    devices = {each["DeviceName"]: each["Ebs"] for each in seen["BlockDeviceMappings"]}
    assert {name: ebs["DeleteOnTermination"] for name, ebs in devices.items()} == {"/dev/sda1": True, "/dev/sdf": False}
    names = {ebs["VolumeId"]: name for name, ebs in devices.items()}
    found = plane.client("ec2").describe_volumes(VolumeIds=list(names))["Volumes"]
    assert {names[each["VolumeId"]]: (each["Size"], each["VolumeType"]) for each in found} == {
        "/dev/sda1": (12, "gp3"),
        "/dev/sdf": (3, "gp2"),
    }
    assert all(each["Tags"] == [{"Key": "Name", "Value": "disk"}] for each in found)


def test_the_credits_are_those_of_the_launch(plane: InProcess, instance: str) -> None:
    (found,) = plane.client("ec2").describe_instance_credit_specifications(InstanceIds=[instance])[
        "InstanceCreditSpecifications"
    ]
    assert found == {"InstanceId": instance, "CpuCredits": "standard"}


def test_two_readings_tell_the_same(plane: InProcess, instance: str, seen: dict[str, Any]) -> None:
    again = plane.client("ec2").describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert again == seen


def test_an_option_is_changed_and_read_back(plane: InProcess, instance: str) -> None:
    ec2 = plane.client("ec2")
    ec2.unmonitor_instances(InstanceIds=[instance])
    ec2.modify_instance_maintenance_options(InstanceId=instance, AutoRecovery="disabled")
    wanted = [{"InstanceId": instance, "CpuCredits": "unlimited"}]
    assert ec2.modify_instance_credit_specification(InstanceCreditSpecifications=wanted)[
        "SuccessfulInstanceCreditSpecifications"
    ] == [{"InstanceId": instance}]
    found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert (found["Monitoring"]["State"], found["MaintenanceOptions"]["AutoRecovery"]) == ("disabled", "disabled")
    told = ec2.describe_instance_credit_specifications(InstanceIds=[instance])["InstanceCreditSpecifications"]
    assert told == wanted
    ec2.monitor_instances(InstanceIds=[instance])
    ec2.modify_instance_credit_specification(
        InstanceCreditSpecifications=[{"InstanceId": instance, "CpuCredits": "standard"}]
    )


def test_the_defaults_of_the_account_are_those_of_a_launch_that_says_nothing(plane: InProcess) -> None:
    ec2 = plane.client("ec2", region="eu-west-1")
    assert ec2.get_instance_metadata_defaults()["AccountLevel"].keys() == {"ManagedBy"}
    ec2.modify_instance_metadata_defaults(HttpTokens="required", HttpPutResponseHopLimit=9)
    assert ec2.get_instance_metadata_defaults()["AccountLevel"]["HttpPutResponseHopLimit"] == 9
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    launched = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]
    assert launched["MetadataOptions"]["HttpPutResponseHopLimit"] == 9
    own = {"HttpPutResponseHopLimit": 1}
    launched = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, MetadataOptions=own)["Instances"][0]
    assert launched["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    ec2.modify_instance_metadata_defaults(HttpTokensEnforced="enabled")
    with pytest.raises(ec2.exceptions.ClientError, match="httpTokensEnforced"):
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, MetadataOptions={"HttpTokens": "optional"})
