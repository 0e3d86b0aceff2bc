"""What the embedded backend forgot at a restart is not shown as if it were there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.inprocess import InProcess


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    running = InProcess(tmp_path / "plane")
    yield running
    running.close()


def described(plane: InProcess, **asked: Any) -> list[dict[str, Any]]:
    found = plane.client("ec2").describe_instances(**asked)["Reservations"]
    return [instance for reservation in found for instance in reservation["Instances"]]


def test_an_instance_is_no_more_in_a_subnet_that_is_gone(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    for more in ({"SubnetId": subnet}, {}):
        ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, **more)
    plane.close()
    plane.start()
    inside, other = sorted(described(plane), key=lambda instance: "StateReason" not in instance)
    assert inside["State"]["Name"] == "running"
    assert not {"SubnetId", "VpcId"} & {*inside, *inside["NetworkInterfaces"][0]}
    assert inside["StateReason"]["Message"] == f"Server.InternalError: {subnet} went with the embedded backend"
    assert "StateReason" not in other
    assert described(plane, Filters=[{"Name": "subnet-id", "Values": [subnet]}]) == []


def test_an_instance_is_marked_once(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet)
    for _ in range(2):
        plane.close()
        plane.start()
        sequence = plane.node.ledger.state.sequence
    assert sequence == plane.node.ledger.state.sequence
    plane.close()
    plane.start()
    assert plane.node.ledger.state.sequence == sequence
