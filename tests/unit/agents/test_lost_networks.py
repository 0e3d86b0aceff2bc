"""What the embedded backend forgot at a restart is not shown as if it were there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.ec2.models import ec2_backends

from support.inprocess import InProcess

IMAGE = "ami-12c6146b"
"""An image that the embedded backend begins with."""


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    running = InProcess(tmp_path / "plane")
    yield running
    running.close()


def restart(plane: InProcess) -> None:
    """Start the plane again, as if in another process: without what moto has in its memory."""
    plane.close()
    dict.clear(ec2_backends)
    plane.start()


def described(plane: InProcess, **asked: Any) -> list[dict[str, Any]]:
    found = plane.client("ec2").describe_instances(**asked)["Reservations"]
    return [instance for reservation in found for instance in reservation["Instances"]]


def subnet_of_its_own(plane: InProcess) -> str:
    ec2 = plane.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet: str = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    return subnet


def test_an_instance_is_no_more_in_a_subnet_that_is_gone(plane: InProcess) -> None:
    subnet = subnet_of_its_own(plane)
    ec2 = plane.client("ec2")
    for more in ({"SubnetId": subnet}, {}):
        ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, **more)
    restart(plane)
    inside, other = sorted(described(plane), key=lambda instance: "StateReason" not in instance)
    assert inside["State"]["Name"] == "running"
    assert inside["StateReason"]["Message"] == f"Server.InternalError: {subnet} went with the embedded backend"
    assert "StateReason" not in other
    defaults = {found["SubnetId"] for found in plane.client("ec2").describe_subnets()["Subnets"]}
    assert {inside["SubnetId"], other["SubnetId"]} <= defaults
    assert described(plane, Filters=[{"Name": "subnet-id", "Values": [subnet]}]) == []


def test_an_instance_has_its_address_interface_and_volume_again_after_a_restart(plane: InProcess) -> None:
    plane.client("ec2").run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
    (before,) = described(plane)
    restart(plane)
    (after,) = described(plane)
    names = "InstanceId", "PrivateIpAddress", "PublicIpAddress", "RootDeviceName"
    assert [after[name] for name in names] == [before[name] for name in names]
    assert [each["NetworkInterfaceId"] for each in after["NetworkInterfaces"]] == [
        each["NetworkInterfaceId"] for each in before["NetworkInterfaces"]
    ]
    assert [each["Ebs"]["VolumeId"] for each in after["BlockDeviceMappings"]] == [
        each["Ebs"]["VolumeId"] for each in before["BlockDeviceMappings"]
    ]
    volumes = plane.client("ec2").describe_volumes()["Volumes"]
    assert [volume["Attachments"][0]["InstanceId"] for volume in volumes] == [before["InstanceId"]]


def test_an_instance_is_marked_once(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId=subnet_of_its_own(plane))
    for _ in range(2):
        restart(plane)
        sequence = plane.node.ledger.state.sequence
    assert sequence == plane.node.ledger.state.sequence
    restart(plane)
    assert plane.node.ledger.state.sequence == sequence
