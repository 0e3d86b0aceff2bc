"""With an HTTP endpoint for EC2, that endpoint runs the instances: Locum takes their ids, and keeps their roles.

The endpoint is another plane, which has instances and a network of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.http_backend import Planes, ec2_behind
from support.plane import ACCOUNT, RunningPlane, allow, fresh

IMAGE = "ami-12c6146b"
"""An image that every embedded backend begins with."""


@pytest.fixture(scope="module")
def planes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planes]:
    with ec2_behind(tmp_path_factory) as both:
        yield both


def run(planes: Planes, **params: Any) -> dict[str, Any]:
    given = {"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1, **params}
    launched: dict[str, Any] = planes.front.client("ec2").run_instances(**given)["Instances"][0]
    return launched


def found(plane: RunningPlane, *ids: str) -> list[dict[str, Any]]:
    reservations = plane.client("ec2").describe_instances(InstanceIds=list(ids))["Reservations"]
    return [each for reservation in reservations for each in reservation["Instances"]]


def states(planes: Planes, name: str) -> set[str]:
    return {found(plane, name)[0]["State"]["Name"] for plane in planes}


def tags_of(instance: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in instance["Tags"]}


def count(plane: RunningPlane) -> int:
    reservations = plane.client("ec2").describe_instances()["Reservations"]
    return sum(1 for each in reservations for one in each["Instances"] if one["State"]["Name"] != "terminated")


def test_an_instance_is_run_there_and_wears_its_role_here(planes: Planes) -> None:
    profile = planes.front.profile()
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "a"}]}]
    options = {"HttpPutResponseHopLimit": 7}
    launched = run(planes, IamInstanceProfile={"Name": profile}, MetadataOptions=options, TagSpecifications=tags)
    here, there = (found(plane, launched["InstanceId"])[0] for plane in planes)
    same = ("InstanceId", "PrivateIpAddress", "SubnetId", "VpcId", "SecurityGroups", "Placement", "ImageId", "Tags")
    assert {name: here[name] for name in same} == {name: there[name] for name in same}
    assert here["NetworkInterfaces"][0]["NetworkInterfaceId"] == there["NetworkInterfaces"][0]["NetworkInterfaceId"]
    assert here["BlockDeviceMappings"] == there["BlockDeviceMappings"] != []
    assert here["IamInstanceProfile"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/{profile}"
    assert "IamInstanceProfile" not in there
    assert (here["MetadataOptions"]["HttpPutResponseHopLimit"], tags_of(here)) == (7, {"team": "a"})


def test_what_becomes_of_an_instance_becomes_of_it_there(planes: Planes) -> None:
    ec2, name = planes.front.client("ec2"), run(planes)["InstanceId"]
    ec2.create_tags(Resources=[name], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ec2.delete_tags(Resources=[name], Tags=[{"Key": "a"}])
    assert [tags_of(found(plane, name)[0]) for plane in planes] == [{"b": "2"}, {"b": "2"}]
    ec2.reboot_instances(InstanceIds=[name])
    ec2.stop_instances(InstanceIds=[name])
    assert states(planes, name) == {"stopped"}
    ec2.modify_instance_attribute(InstanceId=name, InstanceType={"Value": "m5.large"})
    assert {found(plane, name)[0]["InstanceType"] for plane in planes} == {"m5.large"}
    ec2.start_instances(InstanceIds=[name])
    assert states(planes, name) == {"running"}
    ec2.terminate_instances(InstanceIds=[name])
    assert states(planes, name) == {"terminated"}


def test_a_volume_of_the_backend_is_attached_to_it(planes: Planes) -> None:
    ec2, launched = planes.front.client("ec2"), run(planes)
    zone = launched["Placement"]["AvailabilityZone"]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=launched["InstanceId"], Device="/dev/sdh")
    (here,) = found(planes.front, launched["InstanceId"])
    assert volume in {each["Ebs"]["VolumeId"] for each in here["BlockDeviceMappings"]}


def test_what_the_backend_refuses_is_refused(planes: Planes) -> None:
    before = count(planes.front)
    with pytest.raises(ClientError) as caught:
        run(planes, SubnetId="subnet-0123456789abcdef0")
    assert caught.value.response["Error"]["Code"] == "InvalidSubnetID.NotFound"
    assert count(planes.front) == before


def test_who_may_not_launch_has_nothing_run(planes: Planes) -> None:
    before = count(planes.behind)
    _, key = planes.front.user(allow("ec2:Describe*"))
    with pytest.raises(ClientError) as caught:
        planes.front.client("ec2", key).run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
    assert caught.value.response["Error"]["Code"] == "UnauthorizedOperation"
    with pytest.raises(ClientError, match="Invalid IAM Instance Profile name"):
        run(planes, IamInstanceProfile={"Name": "no-such"})
    with pytest.raises(ClientError, match="DryRunOperation"):
        run(planes, DryRun=True)
    assert count(planes.behind) == before


def test_a_launch_with_a_client_token_is_one_launch(planes: Planes) -> None:
    before, token = count(planes.behind), fresh("token")
    first, again = (run(planes, ClientToken=token) for _ in range(2))
    assert (first["InstanceId"], count(planes.behind)) == (again["InstanceId"], before + 1)


def test_a_launch_from_a_template_of_the_backend_passes_its_role_here(planes: Planes) -> None:
    profile, name = planes.front.profile(), fresh("template")
    data = {"ImageId": IMAGE, "InstanceType": "t3.micro", "IamInstanceProfile": {"Name": profile}}
    planes.front.client("ec2").create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
    template = {"LaunchTemplateName": name}
    launched = planes.front.client("ec2").run_instances(MinCount=1, MaxCount=1, LaunchTemplate=template)["Instances"][0]
    here, there = (found(plane, launched["InstanceId"])[0] for plane in planes)
    assert (here["InstanceType"], there["InstanceType"]) == ("t3.micro", "t3.micro")
    assert here["IamInstanceProfile"]["Arn"].endswith(f"/{profile}")
    assert "IamInstanceProfile" not in there


def test_a_fleet_is_run_there(planes: Planes) -> None:
    ec2, name = planes.front.client("ec2"), fresh("fleet")
    ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"ImageId": IMAGE})
    config = {"LaunchTemplateSpecification": {"LaunchTemplateName": name, "Version": "1"}}
    target = {"TotalTargetCapacity": 2}
    made = ec2.create_fleet(Type="instant", LaunchTemplateConfigs=[config], TargetCapacitySpecification=target)
    ids = made["Instances"][0]["InstanceIds"]
    assert {each["InstanceId"] for each in found(planes.behind, *ids)} == set(ids)
    ec2.delete_fleets(FleetIds=[made["FleetId"]], TerminateInstances=True)
    assert {each["State"]["Name"] for each in found(planes.behind, *ids)} == {"terminated"}


def test_an_instance_that_has_ended_there_can_be_terminated(planes: Planes) -> None:
    lost, left = (run(planes)["InstanceId"] for _ in range(2))
    planes.behind.client("ec2").terminate_instances(InstanceIds=[lost])
    planes.front.client("ec2").terminate_instances(InstanceIds=[lost, left])
    assert states(planes, lost) == states(planes, left) == {"terminated"}


def test_after_a_restart_the_instances_are_the_same(planes: Planes) -> None:
    profile = planes.front.profile()
    name = run(planes, IamInstanceProfile={"Name": profile})["InstanceId"]
    before = found(planes.front, name)
    planes.front.stop()
    planes.front.start()
    assert found(planes.front, name) == before
    planes.front.client("ec2").stop_instances(InstanceIds=[name])
    assert states(planes, name) == {"stopped"}
    assert before[0]["IamInstanceProfile"]["Arn"].endswith(f"/{profile}")
