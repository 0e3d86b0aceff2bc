"""Subscription filters of log groups: what is logged comes to whom lets CloudWatch Logs in, and to nobody else."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest

from support.deployed import deployed, records
from support.inprocess import InProcess
from support.plane import ACCOUNT, REGION, allow, document, fresh, refused, trusting

LOGS = "logs.amazonaws.com"
NOT_EXECUTED = "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute"


class Group:
    """A log group with one stream."""

    def __init__(self, plane: InProcess) -> None:
        self.name, self._logs = fresh("group"), plane.client("logs")
        self._logs.create_log_group(logGroupName=self.name)
        self._logs.create_log_stream(logGroupName=self.name, logStreamName="s")
        self.arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{self.name}:*"

    def put(self, *messages: str) -> None:
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": message} for message in messages]
        self._logs.put_log_events(logGroupName=self.name, logStreamName="s", logEvents=events)

    def subscribe(self, destination: str, pattern: str = "", **more: str) -> Any:
        return self._logs.put_subscription_filter, {
            "logGroupName": self.name,
            "filterName": "f",
            "filterPattern": pattern,
            "destinationArn": destination,
            **more,
        }

    def filters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._logs.describe_subscription_filters(logGroupName=self.name)[
            "subscriptionFilters"
        ]
        return found


@pytest.fixture
def group(plane: InProcess) -> Group:
    return Group(plane)


def permit(plane: InProcess, function: str, source: str) -> None:
    plane.client("lambda").add_permission(
        FunctionName=function,
        StatementId="logs",
        Action="lambda:InvokeFunction",
        Principal=LOGS,
        SourceArn=source,
        SourceAccount=ACCOUNT,
    )


def arn_of(function: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"


def invocations(plane: InProcess, function: str) -> list[tuple[str, str]]:
    found = [record for record in records(plane, "Invoke", function) if record.invoked_by == LOGS]
    return [(record.verdict, record.source_arn) for record in found]


def test_a_function_gets_what_is_logged_where_its_policy_lets_logs_in(plane: InProcess, group: Group) -> None:
    function = deployed(plane)
    permit(plane, function, group.arn)
    call, settings = group.subscribe(arn_of(function), "ERROR")
    call(**settings)
    group.put("all is well")
    plane.carry_out()
    assert invocations(plane, function) == [("allow", group.arn)]  # that of the test
    group.put("an ERROR", "fine")
    plane.carry_out()
    assert invocations(plane, function) == [("allow", group.arn)] * 2


@pytest.mark.parametrize("permitted", [None, "another"], ids=["nobody", "another group"])
def test_a_function_that_does_not_let_the_group_in_gets_no_filter(
    plane: InProcess, group: Group, permitted: str | None
) -> None:
    function = deployed(plane)
    if permitted:
        permit(plane, function, group.arn.replace(group.name, permitted))
    call, settings = group.subscribe(arn_of(function))
    fault = refused(call, **settings)
    assert (fault.code, fault.message) == ("InvalidParameterException", f"{NOT_EXECUTED} your function.")
    assert group.filters() == []
    group.put("secret")
    plane.carry_out()
    assert {verdict for verdict, _ in invocations(plane, function)} == {"implicit-deny"}


def test_a_permission_that_is_taken_away_ends_the_deliveries(plane: InProcess, group: Group) -> None:
    function = deployed(plane)
    permit(plane, function, group.arn)
    call, settings = group.subscribe(arn_of(function))
    call(**settings)
    plane.client("lambda").remove_permission(FunctionName=function, StatementId="logs")
    group.put("secret")
    plane.carry_out()
    assert invocations(plane, function)[0] == ("implicit-deny", group.arn)


def test_a_stream_gets_what_is_logged_in_the_role_of_the_filter(plane: InProcess, group: Group) -> None:
    kinesis, iam, name, role = plane.client("kinesis"), plane.client("iam"), fresh("stream"), fresh("role")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trusting(Service=LOGS))
    call, settings = group.subscribe(arn, roleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}")
    assert refused(call, **settings).message.startswith("Could not deliver test message to specified Kinesis stream.")
    assert group.filters() == []
    iam.put_role_policy(RoleName=role, PolicyName="may", PolicyDocument=document(allow("kinesis:PutRecord", arn)))
    call(**settings)
    group.put("hello")
    plane.carry_out()
    shard = kinesis.describe_stream(StreamName=name)["StreamDescription"]["Shards"][0]["ShardId"]
    at = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    found = kinesis.get_records(ShardIterator=at["ShardIterator"])["Records"]
    control, told = [json.loads(gzip.decompress(record["Data"])) for record in found]
    assert (control["messageType"], told["messageType"]) == ("CONTROL_MESSAGE", "DATA_MESSAGE")
    assert [event["message"] for event in told["logEvents"]] == ["hello"]
    assert (told["owner"], told["logGroup"], told["logStream"]) == (ACCOUNT, group.name, "s")


@pytest.mark.parametrize("pattern", ['{ $.level = "error" }', "[ip, user]"])
def test_a_pattern_that_is_not_understood_lets_nothing_through(plane: InProcess, group: Group, pattern: str) -> None:
    function = deployed(plane)
    permit(plane, function, group.arn)
    call, settings = group.subscribe(arn_of(function), pattern)
    assert refused(call, **settings).code == "NotImplemented"
    assert group.filters() == []


def test_who_may_not_pass_the_role_makes_no_filter_with_it(plane: InProcess, group: Group) -> None:
    role, iam = fresh("role"), plane.client("iam")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trusting(Service=LOGS))
    key = plane.user(fresh("logger"), allow("logs:*"))
    stream = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/any"
    _, settings = group.subscribe(stream, roleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}")
    fault = refused(plane.client("logs", key).put_subscription_filter, **settings)
    assert (fault.code, "iam:PassRole" in fault.message) == ("AccessDeniedException", True)
