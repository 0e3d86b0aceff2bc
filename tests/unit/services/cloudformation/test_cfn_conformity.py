"""Values of properties, held against the published schemas of their types."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation.changes import check_properties
from locum.services.cloudformation.conformity import violations
from support.inprocess import InProcess
from support.plane import refused
from support.stacks import Stacks, template

QUEUE = "AWS::SQS::Queue"
BUCKET = "AWS::S3::Bucket"
GROUP = "AWS::EC2::SecurityGroup"
KEYWORD = "failed validation constraint for keyword [{}]"


@pytest.fixture(scope="module")
def stacks(plane: InProcess) -> Stacks:
    return Stacks(plane)


@pytest.mark.parametrize(
    ("kind", "properties", "told"),
    [
        (QUEUE, {"VisibilityTimeout": "lots"}, ["#/VisibilityTimeout: expected type: Integer, found: String"]),
        (QUEUE, {"VisibilityTimeout": 1.5}, ["#/VisibilityTimeout: expected type: Integer, found: Double"]),
        (QUEUE, {"VisibilityTimeout": True}, ["#/VisibilityTimeout: expected type: Integer, found: Boolean"]),
        (QUEUE, {"VisibilityTimeout": "nan"}, ["#/VisibilityTimeout: expected type: Integer, found: String"]),
        (QUEUE, {"FifoQueue": "no"}, ["#/FifoQueue: expected type: Boolean, found: String"]),
        (QUEUE, {"QueueName": ["a"]}, ["#/QueueName: expected type: String, found: JSONArray"]),
        (QUEUE, {"QueueName": {"a": 1}}, ["#/QueueName: expected type: String, found: JSONObject"]),
        (QUEUE, {"Tags": {"Key": "a", "Value": "b"}}, ["#/Tags: expected type: JSONArray, found: JSONObject"]),
        (QUEUE, {"Tags": [5]}, ["#/Tags/0: expected type: JSONObject, found: Integer"]),
        (QUEUE, {"DelaySeconds": 90_000}, ["#/DelaySeconds: " + KEYWORD.format("maximum")]),
        ("AWS::Lambda::Function", {"MemorySize": "1"}, ["#/MemorySize: " + KEYWORD.format("minimum")]),
        ("AWS::Logs::LogGroup", {"RetentionInDays": 2}, ["#/RetentionInDays: " + KEYWORD.format("enum")]),
        (
            BUCKET,
            {"VersioningConfiguration": {"Status": "Yes"}},
            ["#/VersioningConfiguration/Status: " + KEYWORD.format("enum")],
        ),
        (
            GROUP,
            {"SecurityGroupIngress": [{"IpProtocol": "tcp", "FormPort": 1}]},
            ["#/SecurityGroupIngress/0: extraneous key [FormPort] is not permitted"],
        ),
        (
            GROUP,
            {"SecurityGroupIngress": [{"FromPort": "x"}]},
            [
                "#/SecurityGroupIngress/0: required key [IpProtocol] not found",
                "#/SecurityGroupIngress/0/FromPort: expected type: Integer, found: String",
            ],
        ),
        (
            "AWS::XRay::SamplingRule",
            {"SamplingRule": {"RuleName": "r" * 33}},
            ["#/SamplingRule/RuleName: expected maxLength: 32, actual: 33"],
        ),
        (
            "AWS::Lambda::Function",
            {"Architectures": ["arm64", "x86_64"]},
            ["#/Architectures: expected maximum item count: 1, found: 2"],
        ),
        (
            "AWS::DynamoDB::Table",
            {"LocalSecondaryIndexes": [{"IndexName": "", "KeySchema": [], "Projection": {}}]},
            ["#/LocalSecondaryIndexes/0/IndexName: expected minLength: 3, actual: 0"],
        ),
    ],
)
def test_a_value_that_the_schema_does_not_have_is_told(kind: str, properties: dict[str, Any], told: list[str]) -> None:
    found = violations(kind, properties)
    assert [problem for problem in found if problem in told] == told


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        (QUEUE, {"VisibilityTimeout": "45", "FifoQueue": "True", "QueueName": 5}),
        (QUEUE, {"VisibilityTimeout": 45.0, "RedrivePolicy": '{"maxReceiveCount": 5}'}),
        (QUEUE, {"QueueName": "{{resolve:ssm:/name}}", "VisibilityTimeout": "{{resolve:ssm:/seconds}}"}),
        ("AWS::Logs::LogGroup", {"RetentionInDays": "14"}),
        ("AWS::Lambda::Function", {"Environment": {"Variables": {"ANY": "thing", "NUMBER": 1}}}),
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Any": ["thing"]}}),
        ("AWS::No::Type", {"Any": {"thing": [None]}}),
        (QUEUE, {"Unknown": "is told by its name"}),
    ],
)
def test_what_cloudformation_makes_fit_is_no_violation(kind: str, properties: dict[str, Any]) -> None:
    assert violations(kind, properties) == []


def test_no_value_is_in_what_is_told() -> None:
    with pytest.raises(Fault) as caught:
        check_properties(QUEUE, "Q", {"VisibilityTimeout": "hunter2", "Tags": [{"Key": "k", "Value": ["hunter2"]}]})
    assert "hunter2" not in caught.value.message
    assert "#/Tags/0/Value: expected type: String, found: JSONArray" in caught.value.message


def test_a_list_without_end_of_wrong_values_has_an_end_when_it_is_told() -> None:
    assert len(violations(QUEUE, {"Tags": [5] * 10_000})) == 20


def test_what_is_not_known_yet_is_not_held_against_a_plan() -> None:
    check_properties(QUEUE, "Q", {"VisibilityTimeout": "of another resource"}, known=False)


def test_a_typo_within_a_property_fails_the_resource_and_no_service_is_called(stacks: Stacks) -> None:
    ingress = [{"IpProtocl": "-1", "CidrIp": "10.0.0.0/8"}]
    group = {"Type": GROUP, "Properties": {"GroupDescription": "d", "SecurityGroupIngress": ingress}}
    assert stacks.create("typo", template({"Group": group})) == "ROLLBACK_COMPLETE"
    assert stacks.reason("typo", "Group", "CREATE_FAILED") == (
        "Properties validation failed for resource Group with message:\n"
        "[#/SecurityGroupIngress/0: required key [IpProtocol] not found, "
        "#/SecurityGroupIngress/0: extraneous key [IpProtocl] is not permitted]"
    )
    assert stacks.physical("typo").get("Group", "") == ""


def test_a_template_of_types_that_nobody_knows_is_not_valid(stacks: Stacks) -> None:
    body = template({"B": {"Type": "AWS::S3::Bukket"}})
    for call in (stacks.client.validate_template, stacks.client.get_template_summary):
        fault = refused(call, TemplateBody=body)
        assert fault.message == "Template format error: Unrecognized resource types: [AWS::S3::Bukket]"
    config = {"TreatUnrecognizedResourceTypesAsWarnings": True}
    told = stacks.client.get_template_summary(TemplateBody=body, TemplateSummaryConfig=config)
    assert told["Warnings"] == {"UnrecognizedResourceTypes": ["AWS::S3::Bukket"]}


def test_types_of_transforms_and_of_templates_are_no_unknown_ones(stacks: Stacks) -> None:
    more = {"Any": {"Type": "Custom::Any", "Properties": {"ServiceToken": "arn"}}, "W": {"Type": "AWS::WAFv2::IPSet"}}
    serverless = {"T": {"Type": "AWS::Serverless::SimpleTable"}}
    body = template(serverless, Transform="AWS::Serverless-2016-10-31")
    assert "Warnings" not in stacks.client.get_template_summary(TemplateBody=body)
    stacks.client.validate_template(TemplateBody=body)
    assert "Warnings" not in stacks.client.get_template_summary(TemplateBody=template(more))
    stacks.client.validate_template(TemplateBody=template(more))
