"""A group of twenty with a profile: its instances come back, change their role, and outlive the plane."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.http_backend import Planes, ec2_behind
from support.plane import SECONDS, TRUSTS_EC2, RunningPlane, fresh, up

IMAGE = "ami-12c6146b"
SIZE = 20


@pytest.fixture(scope="module", params=["embedded", "http"])
def planes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planes]:
    """A plane of this module's own, which is restarted, and the one that runs its instances: itself, or another."""
    if request.param == "http":
        with ec2_behind(tmp_path_factory) as both:
            yield both
    else:
        with up(tmp_path_factory.mktemp("scaling")) as plane:
            yield Planes(plane, plane)


class Fleet:
    """A group that launches from a template, and what it wears."""

    def __init__(self, plane: RunningPlane) -> None:
        self.plane = plane
        self.name = fresh("fleet")
        self.profiles = [self._profile(f"{self.name}-{version}") for version in ("old", "new")]
        ec2 = plane.client("ec2")
        first, second = (
            {"ImageId": IMAGE, "InstanceType": "t3.nano", "IamInstanceProfile": {"Name": it}} for it in self.profiles
        )
        ec2.create_launch_template(LaunchTemplateName=self.name, LaunchTemplateData=first)
        ec2.create_launch_template_version(LaunchTemplateName=self.name, LaunchTemplateData=second)

    def _profile(self, name: str) -> str:
        iam = self.plane.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUSTS_EC2)
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return name

    def template(self, version: str) -> dict[str, str]:
        return {"LaunchTemplateName": self.name, "Version": version}

    def instances(self) -> list[dict[str, Any]]:
        """The instances of the group, as the group has them."""
        scaling = self.plane.client("autoscaling")
        (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])["AutoScalingGroups"]
        return list(group["Instances"])

    def in_service(self) -> set[str]:
        return {it["InstanceId"] for it in self.instances() if it["LifecycleState"] == "InService"}

    def running(self) -> dict[str, str]:
        """The name of the profile of each instance that runs with the group's tag, by its id."""
        filters = [
            {"Name": "tag:aws:autoscaling:groupName", "Values": [self.name]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
        found = self.plane.client("ec2").get_paginator("describe_instances").paginate(Filters=filters)
        instances = [it for page in found for made in page["Reservations"] for it in made["Instances"]]
        return {it["InstanceId"]: it["IamInstanceProfile"]["Arn"].rpartition("/")[2] for it in instances}


def until(true: Callable[[], bool]) -> None:
    """Ask again and again until it is true; the test is given up if it never is."""
    given_up = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < given_up, "it never came to be"


@pytest.mark.nightly
def test_a_group_of_twenty_is_kept_replaced_refreshed_and_restarted(planes: Planes) -> None:
    plane = planes.front
    fleet = Fleet(plane)
    old, new = fleet.profiles
    scaling = plane.client("autoscaling")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=fleet.name,
        MinSize=SIZE,
        MaxSize=SIZE,
        LaunchTemplate=fleet.template("1"),
        AvailabilityZones=["us-east-1a", "us-east-1b"],
    )
    until(lambda: len(fleet.in_service()) == SIZE)
    assert list(fleet.running().values()) == [old] * SIZE

    killed = sorted(fleet.in_service())[:5]
    planes.behind.client("ec2").terminate_instances(InstanceIds=killed)
    until(lambda: len(fleet.in_service() - set(killed)) == SIZE)
    assert list(fleet.running().values()) == [old] * SIZE

    refresh = scaling.start_instance_refresh(
        AutoScalingGroupName=fleet.name, DesiredConfiguration={"LaunchTemplate": fleet.template("2")}
    )

    def refreshed() -> bool:
        ids = [refresh["InstanceRefreshId"]]
        answer = scaling.describe_instance_refreshes(AutoScalingGroupName=fleet.name, InstanceRefreshIds=ids)
        return bool(answer["InstanceRefreshes"][0]["Status"] == "Successful")

    until(refreshed)
    before = fleet.running()
    assert list(before.values()) == [new] * SIZE
    assert fleet.in_service() == set(before)

    plane.stop()
    plane.start()
    assert fleet.running() == before
    assert fleet.in_service() == set(before)

    plane.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=fleet.name, ForceDelete=True)
    until(lambda: not fleet.running())
