"""Providers of EC2's instances and launch templates."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from locum.core.errors import Fault
from support.inprocess import InProcess
from support.remaking import Remaking

IMAGE = "ami-12c6146b"
INSTANCE = "AWS::EC2::Instance"


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Remaking:
    return Remaking(plane)


@pytest.fixture(scope="module")
def ec2(plane: InProcess) -> Any:
    return plane.client("ec2")


def own_of(instance: Any) -> dict[str, str]:
    return {key: value for key, value in tags(instance).items() if not key.startswith("aws:")}


def described(ec2: Any, instance: str) -> Any:
    return ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]


def tags(thing: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing["Tags"]}


def profile_of(ec2: Any, instance: str) -> list[str]:
    found = ec2.describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [instance]}, {"Name": "state", "Values": ["associated"]}]
    )["IamInstanceProfileAssociations"]
    return [association["IamInstanceProfile"]["Arn"].rpartition("/")[2] for association in found]


def user_data(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_an_instance_runs_with_its_profile_and_tags_and_changes_in_place(
    plane: InProcess, making: Remaking, ec2: Any
) -> None:
    plane.profile("app")
    plane.profile("other")
    made = making.create(
        INSTANCE,
        ImageId=IMAGE,
        InstanceType="t3.micro",
        IamInstanceProfile="app",
        UserData=user_data("#!/bin/sh"),
        Tags=[{"Key": "Name", "Value": "web"}, {"Key": "old", "Value": "1"}],
        SourceDestCheck="false",
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": "2"},
        BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": "5"}}],
    )
    seen = described(ec2, made.physical)
    assert seen["State"]["Name"] == "running"
    assert own_of(seen) == {"team": "blue", "Name": "web", "old": "1"}
    assert (seen["SourceDestCheck"], seen["MetadataOptions"]["HttpTokens"]) == (False, "required")
    assert profile_of(ec2, made.physical) == ["app"]
    assert made.attributes == {
        "InstanceId": made.physical,
        "AvailabilityZone": seen["Placement"]["AvailabilityZone"],
        "PrivateIp": seen["PrivateIpAddress"],
        "PrivateDnsName": seen["PrivateDnsName"],
        "PublicIp": seen.get("PublicIpAddress", ""),
        "PublicDnsName": seen.get("PublicDnsName", ""),
        "VpcId": seen["VpcId"],
        "State": {"Code": "16", "Name": "running"},
    }
    changed = making.update(
        made,
        ImageId=IMAGE,
        InstanceType="t3.large",
        IamInstanceProfile="other",
        UserData=user_data("#!/bin/bash"),
        Tags=[{"Key": "Name", "Value": "api"}],
        Monitoring=True,
        DisableApiTermination="true",
        MetadataOptions={"HttpTokens": "optional"},
        BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": "5"}}],
    )
    seen = described(ec2, made.physical)
    assert (seen["State"]["Name"], seen["InstanceType"]) == ("running", "t3.large")
    assert (seen["SourceDestCheck"], seen["Monitoring"]["State"]) == (True, "enabled")
    assert (own_of(seen), profile_of(ec2, made.physical)) == ({"team": "blue", "Name": "api"}, ["other"])
    data = ec2.describe_instance_attribute(InstanceId=made.physical, Attribute="userData")["UserData"]["Value"]
    assert data == user_data("#!/bin/bash")
    with pytest.raises(Fault, match="disableApiTermination"):
        making.delete(changed)
    properties = {**changed.properties, "DisableApiTermination": False}
    making.delete(making.update(changed, **properties))
    assert described(ec2, made.physical)["State"]["Name"] == "terminated"
    making.delete(replace(made, physical="i-0123456789abcdef0"))


def test_an_instance_made_again_with_the_same_token_is_the_same(making: Remaking) -> None:
    made = making.create(INSTANCE, ImageId=IMAGE)
    assert making.again(made).physical == made.physical
    making.delete(made)


def test_an_instance_without_its_profile_any_more_has_none(plane: InProcess, making: Remaking, ec2: Any) -> None:
    plane.profile("gone")
    made = making.create(INSTANCE, ImageId=IMAGE, IamInstanceProfile="gone")
    made = making.update(made, ImageId=IMAGE)
    assert profile_of(ec2, made.physical) == []
    devices = [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": "5"}}]
    with pytest.raises(Fault, match="BlockDeviceMappings"):
        making.update(made, ImageId=IMAGE, BlockDeviceMappings=devices)
    making.update(made, ImageId=IMAGE, IamInstanceProfile="gone")
    assert profile_of(ec2, made.physical) == ["gone"]
    making.delete(made)


def test_volumes_follow_their_instance_and_what_fails_after_the_launch_ends_it(making: Remaking, ec2: Any) -> None:
    zone = "us-east-1a"
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    attached = {"VolumeId": volume, "Device": "/dev/sdh"}
    made = making.create(INSTANCE, ImageId=IMAGE, AvailabilityZone=zone, Volumes=[attached])
    assert ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["Attachments"][0]["InstanceId"] == made.physical
    making.update(made, ImageId=IMAGE, AvailabilityZone=zone)
    assert ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["Attachments"] == []
    making.delete(made)
    with pytest.raises(Fault):
        making.create(INSTANCE, ImageId=IMAGE, Volumes=[{"VolumeId": "vol-00000000", "Device": "/dev/sdh"}])
    running = ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
    assert running["Reservations"] == []


def test_network_interfaces_and_groups_are_those_given(making: Remaking, ec2: Any) -> None:
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=subnet["VpcId"])["GroupId"]
    interface = {"DeviceIndex": "0", "SubnetId": subnet["SubnetId"], "GroupSet": [group]}
    made = making.create(INSTANCE, ImageId=IMAGE, NetworkInterfaces=[interface])
    seen = described(ec2, made.physical)
    assert (seen["SubnetId"], [g["GroupId"] for g in seen["SecurityGroups"]]) == (subnet["SubnetId"], [group])
    making.delete(made)
    made = making.create(INSTANCE, ImageId=IMAGE, SecurityGroupIds=[group])
    other = ec2.create_security_group(GroupName="h", Description="h", VpcId=subnet["VpcId"])["GroupId"]
    making.update(made, ImageId=IMAGE, SecurityGroupIds=[other])
    assert [g["GroupId"] for g in described(ec2, made.physical)["SecurityGroups"]] == [other]
    making.delete(made)


def test_a_changed_launch_template_has_a_new_version(making: Remaking, ec2: Any) -> None:
    kind = "AWS::EC2::LaunchTemplate"
    tagged = [{"ResourceType": "launch-template", "Tags": [{"Key": "a", "Value": "b"}]}]
    made = making.create(kind, LaunchTemplateData={"InstanceType": "t3.micro"}, TagSpecifications=tagged)
    (seen,) = ec2.describe_launch_templates(LaunchTemplateIds=[made.physical])["LaunchTemplates"]
    assert seen["LaunchTemplateName"].startswith("shop-Thing-")
    assert tags(seen)["a"] == "b"
    assert made.attributes["LatestVersionNumber"] == 1
    assert making.again(made).physical == made.physical
    made = making.update(made, LaunchTemplateData={"InstanceType": "t3.large"}, TagSpecifications=tagged)
    assert (made.attributes["LatestVersionNumber"], made.attributes["DefaultVersionNumber"]) == (2, 1)
    latest = ec2.describe_launch_template_versions(LaunchTemplateId=made.physical, Versions=["2"])
    assert latest["LaunchTemplateVersions"][0]["LaunchTemplateData"]["InstanceType"] == "t3.large"
    template = {"LaunchTemplateId": made.physical, "Version": "2"}
    instance = making.create(INSTANCE, ImageId=IMAGE, LaunchTemplate=template)
    assert described(ec2, instance.physical)["InstanceType"] == "t3.large"
    making.delete(instance)
    making.delete(made)
    assert ec2.describe_launch_templates(LaunchTemplateIds=[made.physical])["LaunchTemplates"] == []
    making.delete(made)
