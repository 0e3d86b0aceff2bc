"""Calls through access points of S3 in the record are decided on again as they were, on point and bucket."""

from __future__ import annotations

from typing import Any

import pytest

from locum.calls import activity
from support.access_points import EVERYTHING, HERE, LOCAL, Point, allow, bucket, deny, document, inside, read
from support.inprocess import InProcess


def user_arn(name: str) -> str:
    return f"arn:aws:iam::{HERE}:user/{name}"


def taken(plane: InProcess, name: str) -> set[tuple[str, str]]:
    """The permissions that what a user did takes."""
    found = plane.run(activity.answer(plane.node.runtime, {"type": "taken", "principal": user_arn(name)}))
    assert not found["leftOut"] + found["notDecided"]
    return {(action, resource) for action, resource, *_ in found["permissions"]}


def proposed(plane: InProcess, name: str, *statements: dict[str, Any]) -> dict[str, Any]:
    question = {"type": "proposed", "principal": user_arn(name), "policies": {"new": document(*statements)}}
    found: dict[str, Any] = plane.run(activity.answer(plane.node.runtime, question))
    assert not found["notDecided"]
    return found


@pytest.mark.parametrize("by", ["alias", "arn", "local"])
def test_what_a_call_takes_is_known_by_each_name(plane: InProcess, by: str) -> None:
    point = Point(plane, f"active-{by}")
    key = plane.user(f"active-{by}", EVERYTHING)
    client = plane.client("s3", key, endpoint_url=LOCAL if by == "local" else None)
    read(client, point.alias if by == "alias" else point.arn)
    assert taken(plane, f"active-{by}") == {
        ("s3:GetObject", inside(point.name, "k")),
        ("s3:GetObject", bucket(point.name, "k")),
    }


def test_a_copy_from_one_access_point_to_another_is_told_apart(plane: InProcess) -> None:
    source, target = Point(plane, "active-source"), Point(plane, "active-target")
    client = plane.client("s3", plane.user("active-copier", EVERYTHING))
    client.copy_object(Bucket=target.alias, Key="new", CopySource={"Bucket": source.arn, "Key": "k"})
    assert taken(plane, "active-copier") == {
        ("s3:PutObject", inside("active-target", "new")),
        ("s3:PutObject", bucket("active-target", "new")),
        ("s3:GetObject", inside("active-source", "k")),
        ("s3:GetObject", bucket("active-source", "k")),
    }


def test_a_proposed_policy_is_tried_on_the_access_point_and_on_the_bucket(plane: InProcess) -> None:
    point = Point(plane, "proposing")
    read(plane.client("s3", plane.user("proposing", EVERYTHING)), point.alias)
    both = allow("s3:GetObject", inside("proposing"), bucket("proposing", "*"))
    assert not proposed(plane, "proposing", both)["changed"]
    for resource in (inside("proposing"), bucket("proposing", "*")):
        assert proposed(plane, "proposing", allow("s3:GetObject", resource))["changed"]
    only_vpc = {"StringNotEquals": {"s3:AccessPointNetworkOrigin": "VPC"}}
    assert proposed(plane, "proposing", EVERYTHING, deny("s3:GetObject", "*", Condition=only_vpc))["changed"]
    from_the_internet = {"StringEquals": {"s3:AccessPointNetworkOrigin": "VPC"}}
    assert not proposed(plane, "proposing", EVERYTHING, deny("*", "*", Condition=from_the_internet))["changed"]
