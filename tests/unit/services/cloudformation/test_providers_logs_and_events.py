"""Providers of log groups, rules of EventBridge, and what belongs to them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.core.errors import Fault
from support.inprocess import InProcess, refusal
from support.plane import ACCOUNT
from support.remaking import Remaking, own

TARGET = f"arn:aws:sqs:us-east-1:{ACCOUNT}:target-of-rules"


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Remaking:
    plane.client("sqs").create_queue(QueueName="target-of-rules")
    return Remaking(plane)


def test_a_log_group_keeps_for_as_long_as_it_says(plane: InProcess, making: Remaking) -> None:
    logs = plane.client("logs")

    def seen(name: str) -> Any:
        return logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]

    made = making.create("AWS::Logs::LogGroup", RetentionInDays="7", Tags=[{"Key": "a", "Value": "b"}])
    assert (seen(made.physical)[0]["retentionInDays"], made.attributes["Arn"]) == (7, seen(made.physical)[0]["arn"])
    assert own(logs.list_tags_log_group(logGroupName=made.physical)["tags"]) == {"a": "b"}
    assert making.again(made).physical == made.physical
    making.update(made, Tags=[{"Key": "c", "Value": "d"}])
    assert "retentionInDays" not in seen(made.physical)[0]
    assert own(logs.list_tags_log_group(logGroupName=made.physical)["tags"]) == {"c": "d"}
    making.delete(made)
    making.delete(made)
    assert seen(made.physical) == []


def test_streams_and_filters_are_of_their_group(plane: InProcess, making: Remaking) -> None:
    logs = plane.client("logs")
    group = {"LogGroupName": making.create("AWS::Logs::LogGroup", "Filtered").physical}
    named = {"logGroupName": group["LogGroupName"]}
    stream = making.create("AWS::Logs::LogStream", **group, LogStreamName="one")
    assert stream.physical == "one" == making.again(stream).physical
    metric = {
        "MetricNamespace": "n",
        "MetricName": "m",
        "MetricValue": "1",
        "Dimensions": [{"Key": "d", "Value": "$.d"}],
    }
    counted = making.create("AWS::Logs::MetricFilter", **group, FilterPattern="ERROR", MetricTransformations=[metric])
    counted = making.update(counted, **group, FilterPattern="WARN", MetricTransformations=[metric])
    seen = logs.describe_metric_filters(**named)["metricFilters"][-1]  # moto keeps the former as well
    assert (seen["filterName"], seen["filterPattern"]) == (counted.physical, "WARN")
    assert seen["metricTransformations"][0]["dimensions"] == {"d": "$.d"}
    for made in (counted, stream):
        making.delete(made)
        making.delete(made)
    assert logs.describe_metric_filters(**named)["metricFilters"] == []
    assert logs.describe_log_streams(**named)["logStreams"] == []


COUNTED = {
    "FilterPattern": "ERROR",
    "MetricTransformations": [{"MetricNamespace": "n", "MetricName": "m", "MetricValue": "1"}],
}


def test_a_metric_filter_of_somebody_else_is_not_taken_over(plane: InProcess, making: Remaking) -> None:
    logs, group = plane.client("logs"), making.create("AWS::Logs::LogGroup", "Theirs").physical
    metric = [{"metricNamespace": "n", "metricName": "m", "metricValue": "1"}]
    named = {"logGroupName": group, "filterName": "theirs"}
    logs.put_metric_filter(**named, filterPattern="WARN", metricTransformations=metric)
    with pytest.raises(Fault, match=f"identifier '{group}\\|theirs' already exists"):
        making.create("AWS::Logs::MetricFilter", LogGroupName=group, FilterName="theirs", **COUNTED)
    (seen,) = logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    assert (seen["filterName"], seen["filterPattern"]) == ("theirs", "WARN")
    other = making.create("AWS::Logs::MetricFilter", LogGroupName=group, FilterName="their", **COUNTED)
    assert making.again(other).physical == other.physical == "their"  # the name begins another, and is not it


def test_a_resource_policy_of_logs_of_somebody_else_is_not_taken_over(plane: InProcess, making: Remaking) -> None:
    logs = plane.client("logs")
    statement = {"Effect": "Allow", "Principal": {"Service": "es.amazonaws.com"}, "Action": "logs:*", "Resource": "*"}
    theirs, ours = (json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Sid": s}]}) for s in "to")
    logs.put_resource_policy(policyName="theirs", policyDocument=theirs)
    with pytest.raises(Fault, match="identifier 'theirs' already exists"):
        making.create("AWS::Logs::ResourcePolicy", PolicyName="theirs", PolicyDocument=ours)
    (seen,) = [it for it in logs.describe_resource_policies()["resourcePolicies"] if it["policyName"] == "theirs"]
    assert json.loads(seen["policyDocument"]) == json.loads(theirs)
    made = making.create("AWS::Logs::ResourcePolicy", PolicyName="ours", PolicyDocument=ours)
    assert making.again(made).physical == "ours"
    making.delete(made)
    logs.delete_resource_policy(policyName="theirs")


def test_a_rule_has_its_targets(plane: InProcess, making: Remaking) -> None:
    events = plane.client("events")
    pattern = {"EventPattern": {"source": ["app"]}}
    one, two = ({"Id": name, "Arn": TARGET} for name in ("one", "two"))
    made = making.create("AWS::Events::Rule", **pattern, Targets=[one], Tags=[{"Key": "a", "Value": "b"}])
    seen = events.describe_rule(Name=made.physical)
    assert (json.loads(seen["EventPattern"]), seen["Arn"]) == ({"source": ["app"]}, made.attributes["Arn"])
    assert own(events.list_tags_for_resource(ResourceARN=made.attributes["Arn"])["Tags"]) == {"a": "b"}
    assert making.again(made).physical == made.physical
    made = making.update(made, ScheduleExpression="rate(1 hour)", State="DISABLED", Targets=[{**two, "Input": "{}"}])
    seen = events.describe_rule(Name=made.physical)
    assert (seen["ScheduleExpression"], seen["State"]) == ("rate(1 hour)", "DISABLED")
    (target,) = events.list_targets_by_rule(Rule=made.physical)["Targets"]
    assert (target["Id"], target["Input"]) == ("two", "{}")
    assert own(events.list_tags_for_resource(ResourceARN=made.attributes["Arn"])["Tags"]) == {}
    making.delete(made)
    making.delete(made)
    assert refusal(events.describe_rule, Name=made.physical)[0] == "ResourceNotFoundException"


def test_a_bus_has_rules_and_a_policy(plane: InProcess, making: Remaking) -> None:
    events = plane.client("events")
    bus = making.create("AWS::Events::EventBus", Name="orders", Tags=[{"Key": "a", "Value": "b"}])
    assert making.again(bus).physical == bus.physical == "orders"
    of = {"EventBusName": bus.physical}
    rule = making.create("AWS::Events::Rule", **of, Name="all", EventPattern={"account": [ACCOUNT]})
    assert (rule.physical, rule.attributes["RuleName"]) == ("orders|all", "all")
    rule = making.update(rule, **of, Name="all", EventPattern={"source": ["x"]}, Targets=[{"Id": "q", "Arn": TARGET}])
    assert json.loads(events.describe_rule(Name="all", **of)["EventPattern"]) == {"source": ["x"]}
    grant = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "events:PutEvents"}
    grant["Resource"] = bus.attributes["Arn"]
    whole = making.create("AWS::Events::EventBusPolicy", **of, StatementId="whole", Statement=grant)
    assert whole.physical == "orders|whole"
    making.update(whole, **of, StatementId="whole", Statement={**grant, "Effect": "Deny"})
    policy = json.loads(events.describe_event_bus(Name="orders")["Policy"])
    assert [(each["Sid"], each["Effect"]) for each in policy["Statement"]] == [("whole", "Deny")]
    for made in (whole, rule, bus):
        making.delete(made)
        making.delete(made)
    assert refusal(events.describe_event_bus, Name="orders")[0] == "ResourceNotFoundException"


def test_services_may_write_logs_by_a_policy(plane: InProcess, making: Remaking) -> None:
    logs = plane.client("logs")

    def policies() -> dict[str, str]:
        found = logs.describe_resource_policies()["resourcePolicies"]
        return {each["policyName"]: each["policyDocument"] for each in found}

    def allowing(service: str) -> str:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "logs:PutLogEvents"}
        return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]})

    made = making.create(
        "AWS::Logs::ResourcePolicy", PolicyName="services", PolicyDocument=allowing("es.amazonaws.com")
    )
    assert made.physical == "services" == making.again(made).physical
    assert "es.amazonaws.com" in policies()["services"]
    making.update(made, PolicyName="services", PolicyDocument=allowing("events.amazonaws.com"))
    assert "events.amazonaws.com" in policies()["services"]
    making.delete(made)
    making.delete(made)
    assert "services" not in policies()
