"""What a verb asks of another service is a call: decided and recorded with the actor it is made as.

What a service asks of its own backend is not.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import pytest

from locum.audit import cloudtrail_event
from locum.calls.runtime import OwnService
from locum.core.actors import service_principal
from locum.core.calls import Ask, ServiceCall
from locum.services.asking import asking
from locum.services.verbs import Context, Outcome, Params, asks
from support.inprocess import InProcess

IMAGE = "ami-12c6146b"
"""An image that the embedded backend begins with."""


def first_subnet(ctx: Context, _params: Params) -> Generator[Ask, Mapping[str, Any], Outcome]:
    """Asks as CloudFormation, which is another service than EC2."""
    actor = service_principal("cloudformation.amazonaws.com", ctx.account)
    yield Ask(ServiceCall(actor, "ec2", "DescribeSubnets", {}, ctx.region))
    return Outcome({"AccountLimits": []})


@pytest.fixture
def asking_plane(plane: InProcess) -> Iterator[InProcess]:
    services = plane.node.runtime.services
    assert isinstance(services, dict)
    before = services["cloudformation"]
    operations = {"DescribeAccountLimits": asks(asking(first_subnet))}
    services["cloudformation"] = OwnService(operations, lambda *_: True)
    yield plane
    services["cloudformation"] = before


def test_an_ask_is_a_call_that_is_decided_and_recorded(asking_plane: InProcess) -> None:
    with pytest.raises(asking_plane.client("ec2").exceptions.ClientError, match="UnauthorizedOperation"):
        asking_plane.client("cloudformation").describe_account_limits()
    told, ask = asking_plane.records(2)  # in the order in which they came, newest first
    if told.operation != "DescribeAccountLimits":
        told, ask = ask, told
    assert (told.operation, ask.operation, ask.cause) == ("DescribeAccountLimits", "DescribeSubnets", told.request_id)
    event = cloudtrail_event(ask)
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}
    assert event["sourceIPAddress"] == "cloudformation.amazonaws.com"
    assert ask.verdict == "implicit-deny"


def test_a_launch_looks_its_subnet_up_and_records_nothing_of_that(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    launched = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId=subnet["SubnetId"])["Instances"][0]
    assert (launched["VpcId"], launched["SubnetId"]) == (subnet["VpcId"], subnet["SubnetId"])
    assert launched["Placement"]["AvailabilityZone"] == subnet["AvailabilityZone"]
    launch, described = plane.records(2)
    assert (launch.operation, described.operation) == ("RunInstances", "DescribeSubnets")
    assert not described.cause


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
