"""Alarms of the embedded CloudWatch: what they do when their state changes, and what they may not do."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.core.clock import system_clock
from support.inprocess import InProcess

IMAGE = "ami-12c6146b"
OWN_METRIC = {
    "CustomizedMetricSpecification": {"MetricName": "m", "Namespace": "n", "Statistic": "Sum"},
    "TargetValue": 5,
}
_accounts = itertools.count(710000000000)


class Plane(InProcess):
    """A plane whose clock the test turns, with a group of one instance."""

    def __init__(self, data: Path) -> None:
        self.now = float(int(system_clock()))
        self.account_id = f"{next(_accounts):012d}"  # moto keeps what is in an account as long as this process runs
        super().__init__(data, lambda: self.now, account=self.account_id)
        scaling = self.client("autoscaling")
        scaling.create_launch_configuration(LaunchConfigurationName="plain", ImageId=IMAGE, InstanceType="t3.nano")
        scaling.create_auto_scaling_group(
            AutoScalingGroupName="web",
            LaunchConfigurationName="plain",
            MinSize=1,
            MaxSize=10,
            AvailabilityZones=["us-east-1a"],
        )
        self.go_on()

    def go_on(self, seconds: float = 0) -> None:
        """Time passes, alarms act, and groups go on."""
        self.now += seconds
        self.carry_out()
        self.run(self.node.duties.scaling.reconcile())

    def policy(self, **params: Any) -> str:
        made = self.client("autoscaling").put_scaling_policy(AutoScalingGroupName="web", PolicyName="grow", **params)
        return str(made["PolicyARN"])

    def track(self, **configuration: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.client("autoscaling").put_scaling_policy(
            AutoScalingGroupName="web",
            PolicyName="track",
            PolicyType="TargetTrackingScaling",
            TargetTrackingConfiguration=configuration,
        )
        return made

    def alarm(self, *actions: str, **params: Any) -> None:
        given = {"Period": 60, "EvaluationPeriods": 1, "Threshold": 60, "Statistic": "Average", **params}
        self.client("cloudwatch").put_metric_alarm(
            AlarmName="busy",
            Namespace="app",
            MetricName="load",
            ComparisonOperator="GreaterThanThreshold",
            AlarmActions=list(actions),
            **given,
        )

    def set_state(self, value: str = "ALARM", name: str = "busy", *points: float) -> None:
        data = {"StateReasonData": json.dumps({"version": "1.0", "recentDatapoints": points})} if points else {}
        self.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=value, StateReason="because", **data)
        self.go_on()

    def measure(self, *values: float) -> None:
        data = [{"MetricName": "load", "Value": value, "Timestamp": self.now} for value in values]
        self.client("cloudwatch").put_metric_data(Namespace="app", MetricData=data)
        self.go_on()

    @property
    def desired(self) -> int:
        (group,) = self.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        return int(group["DesiredCapacity"])

    def alarms(self) -> dict[str, dict[str, Any]]:
        found = self.client("cloudwatch").describe_alarms()["MetricAlarms"]
        return {alarm["AlarmName"]: alarm for alarm in found}


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    made = Plane(tmp_path / "plane")
    yield made
    made.close()


def simple(plane: Plane, change: int = 1) -> str:
    return plane.policy(
        PolicyType="SimpleScaling", AdjustmentType="ChangeInCapacity", ScalingAdjustment=change, Cooldown=100
    )


def test_an_alarm_executes_a_simple_policy_once_its_cooldown_is_over(plane: Plane) -> None:
    plane.alarm(simple(plane))
    plane.set_state()
    assert plane.desired == 1  # the group has just launched
    plane.set_state("OK")
    plane.go_on(101)
    plane.set_state()
    assert plane.desired == 2
    (latest, *_) = plane.client("autoscaling").describe_scaling_activities()["Activities"]
    told = "a monitor alarm busy in state ALARM triggered policy grow changing the desired capacity from 1 to 2."
    assert told in latest["Cause"]
    plane.set_state()  # it is in this state already
    assert plane.desired == 2
    (record, *_) = [it for it in plane.records() if it.operation == "ExecutePolicy" and it.status == 200]
    assert record.invoked_by == "autoscaling.amazonaws.com"
    assert record.source_arn == f"arn:aws:cloudwatch:us-east-1:{plane.account_id}:alarm:busy"


def test_a_step_policy_acts_by_the_breach_and_waits_for_what_warms_up(plane: Plane) -> None:
    steps = [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 3},
    ]
    given = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps, "EstimatedInstanceWarmup": 60}
    plane.alarm(plane.policy(PolicyType="StepScaling", **given))
    plane.set_state("ALARM", "busy", 50, 95)
    assert plane.desired == 4
    plane.set_state("OK")
    plane.set_state("ALARM", "busy", 70)
    assert plane.desired == 4
    plane.set_state("OK")
    plane.go_on(61)
    plane.set_state("ALARM")  # without data it is as little as can be
    assert plane.desired == 5


def test_metric_data_gives_an_alarm_its_state(plane: Plane) -> None:
    plane.alarm(simple(plane), EvaluationPeriods=2)
    plane.go_on(200)
    plane.measure(90)
    assert plane.alarms()["busy"]["StateValue"] == "OK"  # of one period
    plane.go_on(60)
    plane.measure(50, 90)
    assert plane.alarms()["busy"]["StateValue"] == "ALARM"
    assert plane.desired == 2
    plane.go_on(60)
    plane.measure(10)
    assert plane.alarms()["busy"]["StateValue"] == "OK"
    assert plane.desired == 2


def test_an_alarm_of_very_many_periods_holds_nobody_up(plane: Plane) -> None:
    plane.alarm(EvaluationPeriods=2_000_000_000, DatapointsToAlarm=1, Period=10)
    plane.measure(90)
    assert plane.alarms()["busy"]["StateValue"] == "ALARM"


def test_data_of_another_metric_or_dimension_moves_no_alarm(plane: Plane) -> None:
    plane.alarm(simple(plane), Dimensions=[{"Name": "group", "Value": "web"}])
    plane.go_on(200)
    plane.measure(90)
    plane.client("cloudwatch").put_metric_data(Namespace="other", MetricData=[{"MetricName": "load", "Value": 90}])
    assert plane.alarms()["busy"]["StateValue"] == "OK"


def test_target_tracking_has_alarms_of_its_own_as_long_as_it_is_there(plane: Plane) -> None:
    scaling = plane.client("autoscaling")
    tracked = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}, "TargetValue": 50}
    made = plane.track(**tracked)
    high, low = (alarm["AlarmName"] for alarm in made["Alarms"])
    assert high.startswith("TargetTracking-web-AlarmHigh-")
    assert low.startswith("TargetTracking-web-AlarmLow-")
    alarms = plane.alarms()
    assert (alarms[high]["Threshold"], alarms[low]["Threshold"]) == (50, 45)
    assert alarms[high]["AlarmActions"] == [made["PolicyARN"]]
    assert scaling.describe_policies()["ScalingPolicies"][0]["Alarms"] == made["Alarms"]
    plane.set_state("ALARM", high, 125)
    assert plane.desired == 3  # 1 * 125 / 50
    plane.set_state("ALARM", low, 20)
    assert plane.desired == 2
    again = plane.track(**{**tracked, "TargetValue": 30, "DisableScaleIn": True})
    assert again["Alarms"] == made["Alarms"][:1]
    assert {name: alarm["Threshold"] for name, alarm in plane.alarms().items()} == {high: 30}
    scaling.delete_policy(AutoScalingGroupName="web", PolicyName="track")
    plane.carry_out()
    assert plane.alarms() == {}


def test_the_alarms_of_a_group_go_with_it(plane: Plane) -> None:
    scaling = plane.client("autoscaling")
    plane.track(**OWN_METRIC)
    assert len(plane.alarms()) == 2
    scaling.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    plane.go_on()
    plane.go_on()
    assert plane.alarms() == {}


@pytest.mark.parametrize("how", ["disabled", "suspended", "ok"])
def test_an_alarm_that_is_not_to_act_does_not(plane: Plane, how: str) -> None:
    plane.alarm(simple(plane))
    plane.go_on(200)
    if how == "disabled":
        plane.client("cloudwatch").disable_alarm_actions(AlarmNames=["busy"])
    if how == "suspended":
        plane.client("autoscaling").suspend_processes(
            AutoScalingGroupName="web", ScalingProcesses=["AlarmNotification"]
        )
    plane.set_state("INSUFFICIENT_DATA" if how == "ok" else "ALARM")
    assert plane.desired == 1


def test_an_alarm_of_another_account_executes_no_policy(plane: Plane) -> None:
    arn = simple(plane)
    plane.go_on(200)
    other = plane.account("999988887777")
    cloudwatch = plane.client("cloudwatch", other)
    cloudwatch.put_metric_alarm(
        AlarmName="foreign",
        Namespace="app",
        MetricName="load",
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[arn],
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        Statistic="Average",
    )
    cloudwatch.set_alarm_state(AlarmName="foreign", StateValue="ALARM", StateReason="because")
    plane.go_on()
    assert plane.desired == 1


def test_nobody_executes_target_tracking_by_hand(plane: Plane) -> None:
    scaling = plane.client("autoscaling")
    plane.track(**OWN_METRIC)
    with pytest.raises(scaling.exceptions.ClientError, match="not supported"):
        scaling.execute_policy(AutoScalingGroupName="web", PolicyName="track")


def test_a_topic_is_told_of_an_alarm_as_its_policy_allows(plane: Plane) -> None:
    sns, sqs = plane.client("sns"), plane.client("sqs")
    topic = sns.create_topic(Name="news")["TopicArn"]
    url = sqs.create_queue(QueueName="news")["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{plane.account_id}:news"
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": queue}]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    plane.alarm(topic)
    plane.set_state()
    plane.set_state("OK")
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    may = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish"}
    source = {"ArnEquals": {"aws:SourceArn": f"arn:aws:cloudwatch:us-east-1:{plane.account_id}:alarm:busy"}}
    statement = json.dumps({"Version": "2012-10-17", "Statement": [{**may, "Resource": topic, "Condition": source}]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=statement)
    plane.set_state()
    plane.carry_out()
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    told = json.loads(json.loads(message["Body"])["Message"])
    assert (told["AlarmName"], told["OldStateValue"], told["NewStateValue"]) == ("busy", "OK", "ALARM")
