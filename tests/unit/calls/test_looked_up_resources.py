"""A Deny holds, and an Allow suffices, for what a call names only by something that belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from support.inprocess import REGION, InProcess, refusal

HOME = "000000000000"
HERE = f"{REGION}:{HOME}"
REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


class Made(NamedTuple):
    """Something that is looked up: its ARN, and the call that is decided on it."""

    arn: str
    service: str
    operation: str
    params: dict[str, Any]


def _peering(plane: InProcess) -> Made:
    ec2 = plane.client("ec2")
    ours, theirs = (ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in (81, 82))
    made = ec2.create_vpc_peering_connection(VpcId=ours, PeerVpcId=theirs)["VpcPeeringConnection"]
    named = {"VpcPeeringConnectionId": made["VpcPeeringConnectionId"]}
    return Made(f"arn:aws:ec2:{HERE}:vpc/{theirs}", "ec2", "accept_vpc_peering_connection", named)


def _destination(plane: InProcess) -> Made:
    events = plane.client("events")
    key = {"ApiKeyAuthParameters": {"ApiKeyName": "n", "ApiKeyValue": "v"}}
    made = events.create_connection(Name="joined", AuthorizationType="API_KEY", AuthParameters=key)
    events.create_api_destination(
        Name="joined", ConnectionArn=made["ConnectionArn"], InvocationEndpoint="https://example.org", HttpMethod="POST"
    )
    return Made(made["ConnectionArn"], "events", "describe_api_destination", {"Name": "joined"})


MADE = {"peering": _peering, "api destination": _destination}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_deny_on_what_is_looked_up_holds(plane: InProcess, make: Callable[[InProcess], Made]) -> None:
    made = make(plane)
    denied = {"Effect": "Deny", "Action": "*", "Resource": made.arn}
    client = plane.client(made.service, plane.user(f"no-{make.__name__}", EVERYTHING, denied))
    assert refusal(getattr(client, made.operation), **made.params)[0] in REFUSED
    assert made.arn in [resource.arn for resource in plane.records(1)[0].resources]
