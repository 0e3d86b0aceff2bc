"""Scheduled actions, scaling policies, launch configurations and tags."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.autoscaling.schedules import next_time
from locum.state import LaunchConfiguration
from support.one_account import ACCOUNT, NOW
from support.scaling import Scaling

WEB = {"AutoScalingGroupName": "web"}
NIGHT = {**WEB, "ScheduledActionName": "night"}


@pytest.fixture
def scaling() -> Scaling:
    made = Scaling()
    made.group(DesiredCapacity=4)
    return made


def refused(scaling: Scaling, operation: str, **params: Any) -> str:
    with pytest.raises(Fault) as caught:
        scaling.call(operation, **params)
    return caught.value.message


def test_a_scheduled_action_changes_the_group_at_its_time_once(scaling: Scaling) -> None:
    scaling.call("PutScheduledUpdateGroupAction", **NIGHT, StartTime=NOW + 60, MinSize=1, MaxSize=2, DesiredCapacity=1)
    (seen,) = scaling.call("DescribeScheduledActions", **WEB)["ScheduledUpdateGroupActions"]
    assert (seen["MinSize"], seen["MaxSize"], seen["DesiredCapacity"], seen["StartTime"]) == (1, 2, 1, NOW + 60)
    scaling.wait(59)
    assert len(scaling.ids()) == 4
    scaling.wait(1)
    assert (len(scaling.ids()), scaling.found().max_size) == (1, 2)
    assert scaling.call("DescribeScheduledActions")["ScheduledUpdateGroupActions"] == []


def test_a_recurring_action_comes_again_until_its_end(scaling: Scaling) -> None:
    given = {"Recurrence": "*/10 * * * *", "EndTime": NOW + 1500, "DesiredCapacity": 2}
    scaling.call("PutScheduledUpdateGroupAction", **NIGHT, **given)
    for _ in range(2):
        scaling.call("SetDesiredCapacity", **WEB, DesiredCapacity=4)
        scaling.wait(600)
        assert len(scaling.ids()) == 2
    scaling.wait(600)
    assert scaling.call("DescribeScheduledActions", **WEB)["ScheduledUpdateGroupActions"] == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"StartTime": NOW + 60}, "At least one of MinSize, MaxSize, or DesiredCapacity must be provided."),
        ({"StartTime": NOW - 60, "MinSize": 1}, "Given start time is in the past"),
        ({"Recurrence": "0 25 * * *", "MinSize": 1}, "Given recurrence string is not valid"),
        ({"Recurrence": "0 1 * * *", "TimeZone": "Mars/Base", "MinSize": 1}, "Given recurrence string is not valid"),
    ],
)
def test_an_action_that_cannot_be_is_refused(scaling: Scaling, given: dict[str, Any], text: str) -> None:
    assert refused(scaling, "PutScheduledUpdateGroupAction", **NIGHT, **given) == text


def test_a_batch_tells_which_of_its_actions_failed(scaling: Scaling) -> None:
    actions = [
        {"ScheduledActionName": "a", "StartTime": NOW + 60, "MinSize": 1},
        {"ScheduledActionName": "b", "StartTime": NOW - 60, "MinSize": 1},
    ]
    answer = scaling.call("BatchPutScheduledUpdateGroupAction", **WEB, ScheduledUpdateGroupActions=actions)
    assert [it["ScheduledActionName"] for it in answer["FailedScheduledUpdateGroupActions"]] == ["b"]
    answer = scaling.call("BatchDeleteScheduledAction", **WEB, ScheduledActionNames=["a", "b"])
    assert [it["ScheduledActionName"] for it in answer["FailedScheduledActions"]] == ["b"]


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        ("30 0 1 1,6,12 *", "", "2026-01-02T00:00", "2026-06-01T00:30"),
        ("0 9 * * MON-FRI", "", "2026-11-28T00:00", "2026-11-30T09:00"),
        ("0 9 * * *", "Europe/Berlin", "2026-07-01T12:00", "2026-07-02T07:00"),
        ("0 0 13 * 5", "", "2026-11-14T00:00", "2026-11-20T00:00"),
        ("0 0 29 2 *", "", "2026-01-01T00:00", "2028-02-29T00:00"),
        ("0 12 * * 7", "", "2026-11-23T00:00", "2026-11-29T12:00"),
    ],
)
def test_recurring_times_are_those_of_cron(text: str, zone: str, after: str, expected: str) -> None:
    start = datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp()
    found = datetime.fromtimestamp(next_time(text, start, zone), UTC)
    assert found.strftime("%Y-%m-%dT%H:%M") == expected


@pytest.mark.parametrize(
    ("kind", "adjustment", "magnitude", "expected"),
    [
        ("ChangeInCapacity", 2, None, 6),
        ("ChangeInCapacity", -9, None, 0),
        ("ExactCapacity", 3, None, 3),
        ("PercentChangeInCapacity", 50, None, 6),
        ("PercentChangeInCapacity", 10, None, 5),
        ("PercentChangeInCapacity", -10, 2, 2),
    ],
)
def test_a_simple_policy_changes_the_capacity_when_it_is_executed(
    scaling: Scaling, kind: str, adjustment: int, magnitude: int | None, expected: int
) -> None:
    given = {"AdjustmentType": kind, "ScalingAdjustment": adjustment}
    given |= {} if magnitude is None else {"MinAdjustmentMagnitude": magnitude}
    arn = scaling.call("PutScalingPolicy", **WEB, PolicyName="p", **given)["PolicyARN"]
    scaling.call("ExecutePolicy", PolicyName=arn)
    scaling.settle()
    assert len(scaling.ids()) == expected


def test_a_step_policy_takes_the_step_that_the_metric_is_in(scaling: Scaling) -> None:
    steps = [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 3},
    ]
    given = {"PolicyType": "StepScaling", "AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps}
    scaling.call("PutScalingPolicy", **WEB, PolicyName="p", **given)
    scaling.call("ExecutePolicy", **WEB, PolicyName="p", MetricValue=75.0, BreachThreshold=60.0)
    assert scaling.found().desired == 7
    scaling.call("ExecutePolicy", **WEB, PolicyName="p", MetricValue=65.0, BreachThreshold=60.0)
    assert scaling.found().desired == 8
    assert refused(scaling, "ExecutePolicy", **WEB, PolicyName="p").startswith("MetricValue and BreachThreshold")


def test_policies_are_described_and_deleted(scaling: Scaling) -> None:
    target = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        "TargetValue": 50.0,
    }
    given = {"PolicyType": "TargetTrackingScaling", "TargetTrackingConfiguration": target}
    scaling.call("PutScalingPolicy", **WEB, PolicyName="cpu", **given)
    (seen,) = scaling.call("DescribePolicies", **WEB, PolicyTypes=["TargetTrackingScaling"])["ScalingPolicies"]
    assert seen["TargetTrackingConfiguration"] == target
    assert [alarm["AlarmName"].rsplit("-", 5)[0] for alarm in seen["Alarms"]] == [
        "TargetTracking-web-AlarmHigh",
        "TargetTracking-web-AlarmLow",
    ]
    scaling.call("DeletePolicy", **WEB, PolicyName="cpu")
    assert refused(scaling, "DeletePolicy", **WEB, PolicyName="cpu") == "No scaling policy cpu found for group web"
    assert refused(scaling, "PutScalingPolicy", **WEB, PolicyName="x", PolicyType="StepScaling").endswith("StepScaling")


def test_what_belongs_to_a_group_goes_with_it(scaling: Scaling) -> None:
    scaling.call("PutScheduledUpdateGroupAction", **NIGHT, StartTime=NOW + 60, MinSize=1)
    scaling.call("PutScalingPolicy", **WEB, PolicyName="p", AdjustmentType="ExactCapacity", ScalingAdjustment=1)
    scaling.call("DeleteAutoScalingGroup", **WEB, ForceDelete=True)
    scaling.settle()
    assert scaling.call("DescribePolicies")["ScalingPolicies"] == []
    assert scaling.call("DescribeScheduledActions")["ScheduledUpdateGroupActions"] == []


def test_a_launch_configuration_that_a_group_has_stays(scaling: Scaling) -> None:
    scaling.configuration(IamInstanceProfile="web", SecurityGroups=["sg-1", "name"])
    scaling.group("old", LaunchConfigurationName="plain", DesiredCapacity=1)
    told = refused(scaling, "DeleteLaunchConfiguration", LaunchConfigurationName="plain")
    assert told == "Cannot delete launch configuration plain because it is attached to AutoScalingGroup old"
    (seen,) = scaling.call("DescribeLaunchConfigurations")["LaunchConfigurations"]
    found = scaling.state.get(LaunchConfiguration, ACCOUNT, "us-east-1/plain")
    assert found is not None
    assert (seen["LaunchConfigurationARN"], seen["IamInstanceProfile"], seen["KeyName"]) == (found.arn, "web", "")
    scaling.call("UpdateAutoScalingGroup", AutoScalingGroupName="old", LaunchTemplate={"LaunchTemplateName": "web"})
    scaling.call("DeleteLaunchConfiguration", LaunchConfigurationName="plain")
    assert refused(scaling, "CreateLaunchConfiguration", LaunchConfigurationName="x", ImageId="ami-1").startswith(
        "Valid"
    )


def test_tags_of_groups(scaling: Scaling) -> None:
    tag = {"ResourceId": "web", "ResourceType": "auto-scaling-group", "Key": "app", "Value": "x"}
    scaling.call("CreateOrUpdateTags", Tags=[{**tag, "PropagateAtLaunch": True}, {**tag, "Key": "team", "Value": "y"}])
    (seen,) = scaling.call("DescribeTags", Filters=[{"Name": "key", "Values": ["app"]}])["Tags"]
    assert seen == {**tag, "PropagateAtLaunch": True}
    scaling.call("DeleteTags", Tags=[{**tag, "Value": "other"}, {"ResourceId": "web", "Key": "team"}])
    assert [it["Key"] for it in scaling.call("DescribeTags")["Tags"]] == ["app"]
    assert refused(scaling, "CreateOrUpdateTags", Tags=[{**tag, "ResourceId": "absent"}]).endswith("'absent' not found")


@pytest.mark.parametrize(
    "operation",
    [
        "DescribeAccountLimits",
        "DescribeAdjustmentTypes",
        "DescribeAutoScalingNotificationTypes",
        "DescribeLifecycleHookTypes",
        "DescribeMetricCollectionTypes",
        "DescribeScalingProcessTypes",
        "DescribeTerminationPolicyTypes",
    ],
)
def test_what_there_is_is_listed(scaling: Scaling, operation: str) -> None:
    assert any(scaling.call(operation).values())


def test_metrics_are_kept_as_they_are_asked_for(scaling: Scaling) -> None:
    def enabled() -> list[str]:
        (group,) = scaling.call("DescribeAutoScalingGroups")["AutoScalingGroups"]
        return [it["Metric"] for it in group["EnabledMetrics"]]

    scaling.call("EnableMetricsCollection", **WEB, Granularity="1Minute", Metrics=["GroupMinSize", "GroupMaxSize"])
    scaling.call("DisableMetricsCollection", **WEB, Metrics=["GroupMinSize"])
    assert enabled() == ["GroupMaxSize"]
    scaling.call("EnableMetricsCollection", **WEB, Granularity="1Minute")
    assert len(enabled()) == 13
    assert refused(scaling, "EnableMetricsCollection", **WEB, Granularity="1Hour").startswith("The only valid value")
