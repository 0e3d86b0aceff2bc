"""A role is handed over only to a service that it trusts, where the service tries it at the hand-over."""

from __future__ import annotations

from typing import Any

import pytest

from locum import authz, wire
from locum.authz.passed_roles import HANDOVERS
from locum.core.errors import Fault
from support.authority import HOME, REGION, World, allow, as_user, role, trusting, user

ANN = user("ann", allow("*"))
APP = f"arn:aws:iam::{HOME}:role/app"
CANNOT = "cannot be assumed by"


def fault_of(trust: str, operation: str, **params: Any) -> Fault | None:
    world = World().having(ANN, role("app", trust=trust))
    call = world.call(as_user(ANN), operation, params)
    return authz.unassumable_role(world.state, call, authz.plan(world.state, call))


@pytest.mark.parametrize(
    ("operation", "params", "service", "code"),
    [
        ("lambda:CreateFunction", {"FunctionName": "f", "Role": APP}, "lambda", "InvalidParameterValueException"),
        (
            "lambda:UpdateFunctionConfiguration",
            {"FunctionName": "f", "Role": APP},
            "lambda",
            "InvalidParameterValueException",
        ),
        ("events:PutRule", {"Name": "r", "RoleArn": APP}, "events", "ValidationException"),
        ("scheduler:CreateSchedule", {"Name": "s", "Target": {"RoleArn": APP}}, "scheduler", "ValidationException"),
        ("stepfunctions:CreateStateMachine", {"name": "m", "roleArn": APP}, "states", "AccessDeniedException"),
        (
            "stepfunctions:CreateStateMachine",
            {"name": "m", "roleArn": APP},
            f"states.{REGION}",
            "AccessDeniedException",
        ),
        (
            "firehose:CreateDeliveryStream",
            {"DeliveryStreamName": "d", "ExtendedS3DestinationConfiguration": {"RoleARN": APP}},
            "firehose",
            "InvalidArgumentException",
        ),
        ("cloudformation:CreateStack", {"StackName": "s", "RoleARN": APP}, "cloudformation", "ValidationError"),
        ("eks:CreateCluster", {"name": "c", "roleArn": APP}, "eks", "InvalidParameterException"),
        (
            "rds:CreateDBInstance",
            {"DBInstanceIdentifier": "d", "MonitoringRoleArn": APP},
            "monitoring.rds",
            "InvalidParameterValue",
        ),
        (
            "cloudtrail:CreateTrail",
            {"Name": "t", "CloudWatchLogsRoleArn": APP},
            "cloudtrail",
            "InvalidCloudWatchLogsRoleArnException",
        ),
        ("codebuild:CreateProject", {"name": "p", "serviceRole": APP}, "codebuild", "InvalidInputException"),
        (
            "apigateway:UpdateAccount",
            {"patchOperations": [{"op": "replace", "path": "/cloudwatchRoleArn", "value": APP}]},
            "apigateway",
            "BadRequestException",
        ),
    ],
)
def test_a_service_refuses_a_role_that_does_not_trust_it(
    operation: str, params: dict[str, Any], service: str, code: str
) -> None:
    assert fault_of(trusting({"Service": f"{service}.amazonaws.com"}), operation, **params) is None
    for stranger in ({"Service": "ec2.amazonaws.com"}, {"AWS": HOME}):
        fault = fault_of(trusting(stranger), operation, **params)
        assert fault is not None
        assert (fault.code, fault.status) == (code, 400)


@pytest.mark.parametrize(
    ("condition", "let_in"),
    [
        ({"StringEquals": {"aws:SourceAccount": HOME}}, True),
        ({"StringEquals": {"aws:SourceAccount": "999999999999"}}, False),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:*:{HOME}:function:f"}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:*:{HOME}:function:g"}}, False),
    ],
)
def test_the_conditions_of_the_trust_policy_are_evaluated(condition: dict[str, Any], let_in: bool) -> None:
    trust = trusting({"Service": "lambda.amazonaws.com"}, Condition=condition)
    fault = fault_of(trust, "lambda:CreateFunction", FunctionName="f", Role=APP)
    assert (fault is None) is let_in


def test_the_scheduler_acts_for_the_group_of_the_schedule() -> None:
    group = {"ArnEquals": {"aws:SourceArn": f"arn:aws:scheduler:{REGION}:{HOME}:schedule-group/default"}}
    trust = trusting({"Service": "scheduler.amazonaws.com"}, Condition=group)
    schedule = {"Name": "s", "Target": {"RoleArn": APP}}
    assert fault_of(trust, "scheduler:CreateSchedule", **schedule) is None
    assert fault_of(trust, "scheduler:CreateSchedule", GroupName="other", **schedule) is not None


def test_firehose_shows_the_account_as_its_external_id_and_lambda_does_not() -> None:
    condition = {"StringEquals": {"sts:ExternalId": HOME}}
    trust = trusting({"Service": "firehose.amazonaws.com"}, Condition=condition)
    stream = {"DeliveryStreamName": "d", "S3DestinationConfiguration": {"RoleARN": APP}}
    assert fault_of(trust, "firehose:CreateDeliveryStream", **stream) is None
    trust = trusting({"Service": "lambda.amazonaws.com"}, Condition=condition)
    assert fault_of(trust, "lambda:CreateFunction", FunctionName="f", Role=APP) is not None


def test_a_role_that_does_not_exist_can_be_assumed_by_nobody() -> None:
    nobody = f"arn:aws:iam::{HOME}:role/none"
    trust = trusting({"Service": "lambda.amazonaws.com"})
    fault = fault_of(trust, "lambda:CreateFunction", FunctionName="f", Role=nobody)
    assert fault is not None
    assert CANNOT in fault.message


def test_an_update_without_a_role_hands_none_over() -> None:
    trust = trusting({"Service": "ec2.amazonaws.com"})
    assert fault_of(trust, "lambda:UpdateFunctionConfiguration", FunctionName="f", Timeout=3) is None


@pytest.mark.parametrize(("service", "operation"), HANDOVERS)
def test_every_operation_of_the_table_exists_with_its_members(service: str, operation: str) -> None:
    codec = wire.codec_of(service, operation)
    assert codec is not None
    for member in HANDOVERS[service, operation].members:
        shape = codec.model.input_shape
        for step in member.split("."):
            shape = shape.members[step.removesuffix("[]")]
            if step.endswith("[]"):
                shape = shape.member
