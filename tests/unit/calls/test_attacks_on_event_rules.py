"""Rules and buses of EventBridge: the ARN of one that has the same name is not that of another."""

from __future__ import annotations

import pytest

from support.inprocess import REGION, InProcess, refusal
from support.plane import ACCOUNT

HEAD = f"arn:aws:events:{REGION}:{ACCOUNT}"
NAME = "sealedrule"
PATTERN = '{"source": ["x"]}'


@pytest.mark.parametrize("end", [f"other/{NAME}", f"event-bus/{NAME}", f"rule/sealedbus/{NAME}", f"archive/{NAME}"])
def test_a_rule_is_not_tagged_by_the_arn_of_something_of_its_name(plane: InProcess, end: str) -> None:
    owner, arn = plane.client("events"), f"{HEAD}:rule/{NAME}"
    owner.put_rule(Name=NAME, EventPattern=PATTERN)
    owner.tag_resource(ResourceARN=arn, Tags=[{"Key": "seal", "Value": "kept"}])
    statements = {"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "*", "Resource": arn}
    attacker = plane.client("events", plane.user(f"denied-{end.replace('/', '-')}", *statements))
    other = f"{HEAD}:{end}"
    refusal(attacker.list_tags_for_resource, ResourceARN=other)
    refusal(attacker.untag_resource, ResourceARN=other, TagKeys=["seal"])
    refusal(attacker.tag_resource, ResourceARN=other, Tags=[{"Key": "seal", "Value": "broken"}])
    assert owner.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "seal", "Value": "kept"}]


def test_a_rule_and_a_bus_are_tagged_by_their_own_arns(plane: InProcess) -> None:
    owner = plane.client("events")
    owner.create_event_bus(Name="taggedbus")
    owner.put_rule(Name="taggedrule", EventBusName="taggedbus", EventPattern=PATTERN)
    for end in ("event-bus/taggedbus", "rule/taggedbus/taggedrule"):
        owner.tag_resource(ResourceARN=f"{HEAD}:{end}", Tags=[{"Key": "k", "Value": end}])
        assert owner.list_tags_for_resource(ResourceARN=f"{HEAD}:{end}")["Tags"][0]["Value"] == end
