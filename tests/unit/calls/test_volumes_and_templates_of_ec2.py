"""Launch templates are listed page by page, and volumes are detached from the instance that they are attached to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import InProcess
from support.plane import allow

IMAGE = "ami-12c6146b"


def code_of(call: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    return str(caught.value.response["Error"]["Code"])


def attached(plane: InProcess) -> tuple[str, str]:
    """A volume and the instance that it is attached to."""
    ec2 = plane.client("ec2")
    (instance,) = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"]
    zone = instance["Placement"]["AvailabilityZone"]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=instance["InstanceId"], Device="/dev/sdf")
    return volume, instance["InstanceId"]


def test_all_launch_templates_are_told_in_pages(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    data = {"ImageId": IMAGE}
    made = {
        ec2.create_launch_template(LaunchTemplateName=f"page-{number}", LaunchTemplateData=data)["LaunchTemplate"][
            "LaunchTemplateId"
        ]
        for number in range(40)
    }
    everything = ec2.describe_launch_templates()
    assert made <= {it["LaunchTemplateId"] for it in everything["LaunchTemplates"]}
    assert "NextToken" not in everything
    pages = list(ec2.get_paginator("describe_launch_templates").paginate(PaginationConfig={"PageSize": 15}))
    told = [it["LaunchTemplateId"] for page in pages for it in page["LaunchTemplates"]]
    assert len(told) == len(set(told)) == len(everything["LaunchTemplates"])
    assert [len(page["LaunchTemplates"]) for page in pages][:2] == [15, 15]
    names = {"Filters": [{"Name": "launch-template-name", "Values": ["page-7"]}], "MaxResults": 1}
    assert [it["LaunchTemplateName"] for it in ec2.describe_launch_templates(**names)["LaunchTemplates"]] == ["page-7"]


def test_a_page_of_launch_templates_has_a_size_and_a_token_of_its_own(plane: InProcess) -> None:
    describe = plane.client("ec2").describe_launch_templates
    assert code_of(describe, MaxResults=201) == "InvalidParameterValue"
    assert code_of(describe, NextToken="strange") == "InvalidPaginationToken"


def test_a_volume_is_detached_without_its_instance_being_named(plane: InProcess) -> None:
    ec2, (volume, instance) = plane.client("ec2"), attached(plane)
    assert ec2.detach_volume(VolumeId=volume)["InstanceId"] == instance
    assert ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"] == "available"
    assert code_of(ec2.detach_volume, VolumeId=volume) == "IncorrectState"


def test_a_volume_is_not_detached_from_another_instance(plane: InProcess) -> None:
    ec2, (volume, own), (other_volume, other) = plane.client("ec2"), attached(plane), attached(plane)
    assert code_of(ec2.detach_volume, VolumeId=volume, InstanceId=other) == "InvalidAttachment.NotFound"
    attachments = [it["Attachments"][0] for it in ec2.describe_volumes(VolumeIds=[volume, other_volume])["Volumes"]]
    assert {(it["VolumeId"], it["InstanceId"]) for it in attachments} == {(volume, own), (other_volume, other)}


def test_a_denied_instance_is_not_detached_from_by_leaving_it_out(plane: InProcess) -> None:
    volume, instance = attached(plane)
    arn = f"arn:aws:ec2:us-east-1:000000000000:instance/{instance}"
    deny = {"Effect": "Deny", "Action": "ec2:DetachVolume", "Resource": arn}
    ec2 = plane.client("ec2", plane.user("detacher", allow("ec2:*"), deny))
    assert code_of(ec2.detach_volume, VolumeId=volume, InstanceId=instance) == "UnauthorizedOperation"
    assert code_of(ec2.detach_volume, VolumeId=volume) == "UnauthorizedOperation"
