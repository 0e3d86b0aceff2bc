"""Tags of AWS's own, and parameters without them."""

from __future__ import annotations

from locum.core.system_tags import without_system_tags

OWN = "aws:cloudformation:stack-name"


def test_tags_of_awss_own_are_left_out_of_lists_and_maps_and_what_is_no_tag_stays() -> None:
    given = {
        "Name": "aws:x",
        "Attributes": {"aws:x": "1"},
        "Tags": [{"Key": OWN, "Value": "app"}, {"Key": "team", "Value": "blue"}],
        "tags": {OWN: "app", "team": "blue"},
        "TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": OWN, "Value": "app"}]}],
    }
    assert without_system_tags(given) == {
        "Name": "aws:x",
        "Attributes": {"aws:x": "1"},
        "Tags": [{"Key": "team", "Value": "blue"}],
        "tags": {"team": "blue"},
        "TagSpecifications": [{"ResourceType": "vpc"}],
    }


def test_members_with_nothing_else_are_left_out_and_those_that_had_nothing_stay() -> None:
    given = {"ResourceArn": "arn", "Tags": [{"key": OWN, "value": "app"}], "Names": [], "Options": {}}
    assert without_system_tags(given) == {"ResourceArn": "arn", "Names": [], "Options": {}}
