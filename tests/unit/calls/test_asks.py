"""What a verb asks of another service is a call: decided and recorded with the actor it is made as."""

from __future__ import annotations

import pytest

from locum.audit import cloudtrail_event
from support.inprocess import InProcess

IMAGE = "ami-0abcdef1234567890"


def test_a_launch_asks_the_backend_for_its_subnet_as_ec2(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    launched = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId=subnet["SubnetId"])["Instances"][0]
    assert (launched["VpcId"], launched["SubnetId"]) == (subnet["VpcId"], subnet["SubnetId"])
    assert launched["Placement"]["AvailabilityZone"] == subnet["AvailabilityZone"]
    ask, launch = plane.records(2)  # in the order in which they came, newest first
    assert (launch.operation, ask.operation, ask.cause) == ("RunInstances", "DescribeSubnets", launch.request_id)
    event = cloudtrail_event(ask)
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    assert (event["sourceIPAddress"], event["eventType"]) == ("ec2.amazonaws.com", "AwsServiceEvent")
    assert ask.verdict == "allow"


def test_a_subnet_that_the_backend_has_not_launches_nothing(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    before = len(ec2.describe_instances()["Reservations"])
    with pytest.raises(ec2.exceptions.ClientError) as caught:
        ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId="subnet-0123456789abcdef0")
    assert caught.value.response["Error"]["Code"] == "InvalidSubnetID.NotFound"
    assert len(ec2.describe_instances()["Reservations"]) == before


def test_a_launch_that_is_denied_asks_nothing(plane: InProcess) -> None:
    ec2 = plane.client("ec2", plane.user("nobody"))
    with pytest.raises(ec2.exceptions.ClientError):
        ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId="subnet-0123456789abcdef0")
    assert plane.records(1)[0].operation == "RunInstances"
    assert plane.records(2)[1].operation != "DescribeSubnets"
