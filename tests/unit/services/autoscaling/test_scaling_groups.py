"""Groups: what a request may say, what they are by default, and how they get the instances that they want."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.errors import Fault
from locum.state import Instance, Role, ScalingActivity
from support.one_account import ACCOUNT, Plane, role
from support.scaling import NO_TEMPLATE, REGION, TEMPLATE, ZONES, Scaling

ROLE = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
NOT_FORMED = "You must use a valid fully-formed launch template."
ONE_SOURCE = (
    "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy "
    "parameter."
)
RESERVED = "Tag keys starting with 'aws:' are reserved for internal use"
IN_USE = (
    "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the "
    "group."
)
NEW = {
    "AutoScalingGroupName": "new",
    "MinSize": 1,
    "MaxSize": 2,
    "AvailabilityZones": ZONES,
    "LaunchTemplate": TEMPLATE,
}


@pytest.fixture
def scaling() -> Scaling:
    return Scaling()


def refused(scaling: Scaling, operation: str, **params: Any) -> tuple[str, str]:
    before = scaling.state
    with pytest.raises(Fault) as caught:
        scaling.call(operation, **params)
    assert scaling.state is before
    return caught.value.code, caught.value.message


def shown(scaling: Scaling, name: str = "web") -> dict[str, Any]:
    (found,) = scaling.call("DescribeAutoScalingGroups", AutoScalingGroupNames=[name, "absent"])["AutoScalingGroups"]
    shape: dict[str, Any] = found
    return shape


def test_a_group_has_what_the_request_says_and_aws_defaults(scaling: Scaling) -> None:
    group = scaling.group(MinSize=1, Tags=[{"Key": "app", "Value": "x", "PropagateAtLaunch": True}])
    seen = shown(scaling)
    assert (seen["MinSize"], seen["MaxSize"], seen["DesiredCapacity"], len(seen["Instances"])) == (1, 30, 1, 1)
    assert (seen["DefaultCooldown"], seen["HealthCheckType"], seen["HealthCheckGracePeriod"]) == (300, "EC2", 0)
    assert seen["TerminationPolicies"] == ["Default"]
    assert seen["LaunchTemplate"] == {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "web"}
    assert seen["AutoScalingGroupARN"] == group.arn
    assert seen["ServiceLinkedRoleARN"] == ROLE
    (instance,) = seen["Instances"]
    assert (instance["LifecycleState"], instance["HealthStatus"]) == ("InService", "Healthy")
    assert instance["LaunchTemplate"]["Version"] == "1"
    made = scaling.state.get(Instance, ACCOUNT, instance["InstanceId"])
    assert made is not None
    assert made.tags == {"app": "x", "aws:autoscaling:groupName": "web"}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"MaxSize": 0}, "Max bound, 0, must be greater than or equal to min bound, 1"),
        ({"DesiredCapacity": 3}, "Desired capacity:3 must be between the specified min size:1 and max size:2"),
        ({"AvailabilityZones": []}, "At least one Availability Zone or VPC Subnet is required."),
        ({"VPCZoneIdentifier": "subnet-0"}, "The subnet ID 'subnet-0' does not exist"),
        ({"LaunchTemplate": {"LaunchTemplateName": "absent"}}, f"{NOT_FORMED} {NO_TEMPLATE}"),
        ({"LaunchTemplate": None}, ONE_SOURCE),
        (
            {"LaunchTemplate": None, "LaunchConfigurationName": "absent"},
            "Launch configuration name not found - Launch configuration absent not found",
        ),
        ({"ServiceLinkedRoleARN": f"{ROLE}_other"}, "ARN specified for Service-Linked Role does not exist."),
        ({"TerminationPolicies": ["Random"]}, "Random is not a valid termination policy."),
        ({"Tags": [{"Key": "aws:x", "Value": ""}]}, f"{RESERVED}: aws:x"),
    ],
)  # fmt: skip
def test_a_group_that_cannot_be_is_refused_with_aws_text(scaling: Scaling, change: dict[str, Any], text: str) -> None:
    assert refused(scaling, "CreateAutoScalingGroup", **{**NEW, **change}) == ("ValidationError", text)


def test_a_name_is_taken_once_in_a_region(scaling: Scaling) -> None:
    scaling.group()
    text = "AutoScalingGroup by this name already exists - A group with the name web already exists"
    assert refused(scaling, "CreateAutoScalingGroup", **{**NEW, "AutoScalingGroupName": "web"}) == (
        "AlreadyExists",
        text,
    )
    scaling.plane.region = "eu-west-1"
    zones = ["eu-west-1a"]
    scaling.call("CreateAutoScalingGroup", **{**NEW, "AutoScalingGroupName": "web", "AvailabilityZones": zones})
    scaling.plane.region = REGION
    assert shown(scaling)["AvailabilityZones"] == ZONES


def test_who_may_not_launch_from_a_template_makes_no_group_of_it(scaling: Scaling) -> None:
    scaling.denied.add(("ec2", "RunInstances"))
    told = refused(scaling, "CreateAutoScalingGroup", **NEW)
    assert told == ("AccessDenied", "You are not authorized to use launch template: web")
    launch = next(ask.call for ask in scaling.asked if ask.decided_only)
    assert getattr(launch.actor, "via", ()) == ("autoscaling.amazonaws.com",)


def test_an_update_to_another_version_takes_the_launch_permission(scaling: Scaling) -> None:
    scaling.group()
    scaling.denied.add(("ec2", "RunInstances"))
    given = {"AutoScalingGroupName": "web", "LaunchTemplate": {**TEMPLATE, "Version": "2"}}
    assert refused(scaling, "UpdateAutoScalingGroup", **given)[0] == "AccessDenied"
    scaling.call("UpdateAutoScalingGroup", AutoScalingGroupName="web", MaxSize=5)
    assert shown(scaling)["MaxSize"] == 5


def test_the_first_group_makes_the_service_linked_role_if_its_caller_may(scaling: Scaling) -> None:
    scaling.denied.add(("iam", "CreateServiceLinkedRole"))
    code, text = refused(scaling, "CreateAutoScalingGroup", **NEW)
    assert code == "UnauthorizedOperation"
    assert text.startswith("The default Service-Linked Role for Auto Scaling could not be created. ")
    scaling.denied.clear()
    scaling.group()
    made = scaling.state.get(Role, ACCOUNT, "awsserviceroleforautoscaling")
    assert made is not None
    assert made.arn == ROLE
    assert made.attached == ("arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy",)
    scaling.denied.add(("iam", "CreateServiceLinkedRole"))
    scaling.group("second")


def test_a_role_that_is_not_linked_to_the_service_launches_nothing(scaling: Scaling) -> None:
    scaling.plane.having(role("mine"))
    arn = f"arn:aws:iam::{ACCOUNT}:role/mine"
    assert refused(scaling, "CreateAutoScalingGroup", **NEW, ServiceLinkedRoleARN=arn)[0] == "ValidationError"


def test_launches_are_spread_over_the_zones_and_their_subnets(scaling: Scaling) -> None:
    group = scaling.group(DesiredCapacity=5)
    assert sorted(it.zone for it in group.members) == [ZONES[0]] * 3 + [ZONES[1]] * 2
    scaling.group("nets", AvailabilityZones=[], VPCZoneIdentifier="subnet-1,subnet-2", DesiredCapacity=4)
    subnets = [it.subnet for it in scaling.state.every(ScalingActivity) if it.group == "nets"]
    assert sorted(subnets) == ["subnet-1", "subnet-1", "subnet-2", "subnet-2"]


def test_a_changed_desired_capacity_is_reached_and_told_of(scaling: Scaling) -> None:
    scaling.group(MinSize=1)
    scaling.call("SetDesiredCapacity", AutoScalingGroupName="web", DesiredCapacity=3)
    scaling.settle()
    assert len(scaling.ids()) == 3
    told = scaling.activities()[0]
    assert (told["StatusCode"], told["Progress"]) == ("Successful", 100)
    assert (
        "a user request explicitly set group desired capacity changing the desired capacity from 1 to 3."
        in told["Cause"]
    )
    assert told["Cause"].endswith("between desired and actual capacity, increasing the capacity from 1 to 3.")
    scaling.call("UpdateAutoScalingGroup", AutoScalingGroupName="web", MaxSize=2)
    scaling.settle()
    assert (len(scaling.ids()), scaling.found().desired) == (2, 2)
    assert "was selected for termination." in scaling.activities()[0]["Cause"]
    assert refused(scaling, "SetDesiredCapacity", AutoScalingGroupName="web", DesiredCapacity=3) == (
        "ValidationError",
        "New SetDesiredCapacity value 3 is above max value 2 for the AutoScalingGroup.",
    )
    honoured = {"AutoScalingGroupName": "web", "DesiredCapacity": 1, "HonorCooldown": True}
    assert refused(scaling, "SetDesiredCapacity", **honoured)[0] == "ScalingActivityInProgress"
    scaling.plane.now += 301
    scaling.call("SetDesiredCapacity", **honoured)


@pytest.mark.parametrize("state", ["terminated", "stopped", "shutting-down"])
def test_an_instance_that_does_not_run_any_more_is_replaced(scaling: Scaling, state: str) -> None:
    before = scaling.group(DesiredCapacity=4).members
    scaling.end(before[0].id, before[1].id, state=state)
    scaling.settle()
    assert len(scaling.ids()) == 4
    assert not {before[0].id, before[1].id} & set(scaling.ids())
    causes = [it["Cause"] for it in scaling.activities()[:4]]
    assert causes[0].endswith("an instance was launched in response to an unhealthy instance needing to be replaced.")
    assert causes[3].endswith("an EC2 health check indicating it has been terminated or stopped.")


def test_a_suspended_process_does_nothing_until_it_is_resumed(scaling: Scaling) -> None:
    scaling.group(DesiredCapacity=2)
    for process, doomed in (("HealthCheck", 0), ("ReplaceUnhealthy", 0), ("Launch", 1), ("Terminate", 0)):
        scaling.call("SuspendProcesses", AutoScalingGroupName="web", ScalingProcesses=[process])
        victim = scaling.ids()[0]
        scaling.end(victim)
        scaling.settle()
        assert len(scaling.found().members) == 2 - doomed, process
        scaling.call("ResumeProcesses", AutoScalingGroupName="web", ScalingProcesses=[process])
        scaling.settle()
        assert len(scaling.ids()) == 2
        assert victim not in scaling.ids()
    assert (
        refused(scaling, "SuspendProcesses", AutoScalingGroupName="web", ScalingProcesses=["Sleep"])[0]
        == "ValidationError"
    )


def test_a_launch_that_fails_says_why_and_is_tried_again_ever_later(scaling: Scaling) -> None:
    scaling.refusal = "You are not authorized to perform this operation."
    scaling.group(DesiredCapacity=2)
    failed = scaling.activities()
    assert [it["StatusCode"] for it in failed] == ["Failed", "Failed"]
    assert failed[0]["StatusMessage"] == f"{scaling.refusal} Launching EC2 instance failed."
    scaling.wait(59)
    assert len(scaling.activities()) == 2
    scaling.wait(1)
    assert len(scaling.activities()) == 4
    scaling.wait(60)
    assert len(scaling.activities()) == 4
    scaling.refusal = ""
    scaling.wait(60)
    assert len(scaling.ids()) == 2
    assert (scaling.found().failures, scaling.found().retry_at) == (0, 0)


def test_a_group_with_instances_is_deleted_by_force_alone(scaling: Scaling) -> None:
    ids = [it.id for it in scaling.group(DesiredCapacity=2, NewInstancesProtectedFromScaleIn=True).members]
    assert refused(scaling, "DeleteAutoScalingGroup", AutoScalingGroupName="web") == (
        "ResourceInUse",
        IN_USE,
    )
    scaling.call("DeleteAutoScalingGroup", AutoScalingGroupName="web", ForceDelete=True)
    assert shown(scaling)["Status"] == "Delete in progress"
    assert refused(scaling, "SetDesiredCapacity", AutoScalingGroupName="web", DesiredCapacity=1)[0] == "ValidationError"
    scaling.settle()
    assert scaling.call("DescribeAutoScalingGroups")["AutoScalingGroups"] == []
    assert {it.state for it in scaling.state.every(Instance) if it.id in ids} == {"terminated"}
    gone = scaling.call("DescribeScalingActivities", IncludeDeletedGroups=True)["Activities"]
    assert {it["AutoScalingGroupState"] for it in gone} == {"Deleted"}
    assert scaling.call("DescribeScalingActivities")["Activities"] == []


def test_groups_are_found_by_their_tags_and_in_pages(scaling: Scaling) -> None:
    for name in "abc":
        scaling.group(name, Tags=[{"Key": "team", "Value": name}])

    def names(**params: Any) -> list[str]:
        return [
            it["AutoScalingGroupName"]
            for it in scaling.call("DescribeAutoScalingGroups", **params)["AutoScalingGroups"]
        ]

    assert names(Filters=[{"Name": "tag:team", "Values": ["a", "c"]}]) == ["a", "c"]
    assert names(Filters=[{"Name": "tag-key", "Values": ["team"]}, {"Name": "tag-value", "Values": ["b"]}]) == ["b"]
    first = scaling.call("DescribeAutoScalingGroups", MaxRecords=2)
    assert names(MaxRecords=2, NextToken=first["NextToken"]) == ["c"]
    assert refused(scaling, "DescribeAutoScalingGroups", NextToken="x")[0] == "InvalidNextToken"


def test_no_group_is_found_by_a_name_that_only_ends_like_its_own(scaling: Scaling) -> None:
    arn = scaling.group().arn
    assert refused(scaling, "SetDesiredCapacity", AutoScalingGroupName=arn, DesiredCapacity=1)[0] == "ValidationError"


def test_the_history_of_a_group_is_bounded(scaling: Scaling) -> None:
    scaling.group(DesiredCapacity=30)
    for _ in range(5):
        scaling.end(*scaling.ids())
        scaling.settle()
    assert sum(1 for _ in scaling.state.every(ScalingActivity)) <= 100 + 2 * 30  # and those of the last round


def test_an_account_does_not_see_the_groups_of_another(scaling: Scaling) -> None:
    scaling.group()
    other = Plane("autoscaling", scaling.plane.operations, scaling.state)
    other.region = "eu-west-1"
    assert other.call("DescribeAutoScalingGroups")["AutoScalingGroups"] == []


@pytest.mark.parametrize(
    "operation",
    [
        "DescribeAutoScalingGroups",
        "DescribeAutoScalingInstances",
        "DescribeLaunchConfigurations",
        "DescribeNotificationConfigurations",
        "DescribePolicies",
        "DescribeScalingActivities",
        "DescribeScheduledActions",
        "DescribeTags",
    ],
)
@pytest.mark.parametrize("size", [0, -1])
def test_a_page_of_nothing_is_refused(scaling: Scaling, operation: str, size: int) -> None:
    assert refused(scaling, operation, MaxRecords=size)[0] == "ValidationError"
