"""Serverless applications: what AWS's translator makes of them, and the texts of those that are none."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation.serverless import translated
from support.transformed import (
    EXPAND,
    FUNCTION,
    ROLE_AND_FUNCTION,
    SAM,
    function,
    processed,
    proposal,
    refused,
    resources,
    types,
)

REST = ["ApiGateway::Deployment", "ApiGateway::RestApi", "ApiGateway::Stage"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(function(""), ROLE_AND_FUNCTION, id="function"),
        pytest.param(
            function("Events: {Get: {Type: Api, Properties: {Path: /x, Method: get}}}"),
            [*REST, *ROLE_AND_FUNCTION, "Lambda::Permission"],
            id="api event",
        ),
        pytest.param(
            function("Events: {Get: {Type: HttpApi, Properties: {Path: /x, Method: get}}}"),
            ["ApiGatewayV2::Api", "ApiGatewayV2::Stage", *ROLE_AND_FUNCTION, "Lambda::Permission"],
            id="http api event",
        ),
        pytest.param(
            function("Events: {Q: {Type: SQS, Properties: {Queue: 'arn:aws:sqs:eu-west-1:111122223333:q'}}}"),
            ["IAM::Role", "Lambda::EventSourceMapping", "Lambda::Function"],
            id="queue event",
        ),
        pytest.param(
            function("Events: {S: {Type: Schedule, Properties: {Schedule: rate(5 minutes)}}}"),
            ["Events::Rule", *ROLE_AND_FUNCTION, "Lambda::Permission"],
            id="schedule event",
        ),
        pytest.param(
            function("Events: {P: {Type: S3, Properties: {Bucket: {Ref: B}, Events: 's3:ObjectCreated:*'}}}")
            + "  B: {Type: AWS::S3::Bucket}\n",
            [*ROLE_AND_FUNCTION, "Lambda::Permission", "S3::Bucket"],
            id="bucket event",
        ),
        pytest.param(resources("  T: {Type: AWS::Serverless::SimpleTable}\n"), ["DynamoDB::Table"], id="simple table"),
        pytest.param(
            resources("  A: {Type: AWS::Serverless::Api, Properties: {StageName: v1, DefinitionUri: s3://b/k}}\n"),
            REST,
            id="api",
        ),
        pytest.param(
            function("Events: {Get: {Type: HttpApi, Properties: {ApiId: {Ref: H}, Path: /x, Method: get}}}")
            + "  H: {Type: AWS::Serverless::HttpApi}\n",
            ["ApiGatewayV2::Api", "ApiGatewayV2::Stage", *ROLE_AND_FUNCTION, "Lambda::Permission"],
            id="http api",
        ),
        pytest.param(
            resources("  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: s3://code/l.zip}}\n"),
            ["Lambda::LayerVersion"],
            id="layer",
        ),
        pytest.param(
            resources(
                "  M: {Type: AWS::Serverless::StateMachine, Properties: {Definition: {StartAt: P, States: "
                "{P: {Type: Pass, End: true}}}}}\n"
            ),
            ["IAM::Role", "StepFunctions::StateMachine"],
            id="state machine",
        ),
        pytest.param(
            function("AutoPublishAlias: live"),
            ["IAM::Role", "Lambda::Alias", "Lambda::Function", "Lambda::Version"],
            id="alias",
        ),
        pytest.param(
            function("")
            + "    Connectors: {C: {Properties: {Destination: {Id: T}, Permissions: [Read, Write]}}}\n"
            + "  T: {Type: AWS::Serverless::SimpleTable}\n",
            ["DynamoDB::Table", "IAM::ManagedPolicy", *ROLE_AND_FUNCTION],
            id="connector of a resource",
        ),
        pytest.param(
            function("")
            + "  C: {Type: AWS::Serverless::Connector, Properties: {Source: {Id: F}, Destination: {Id: T}, "
            + "Permissions: [Read]}}\n"
            + "  T: {Type: AWS::Serverless::SimpleTable}\n",
            ["DynamoDB::Table", "IAM::ManagedPolicy", *ROLE_AND_FUNCTION],
            id="connector",
        ),
        pytest.param(
            resources("  N: {Type: AWS::Serverless::Application, Properties: {Location: 'https://b/k'}}\n"),
            ["CloudFormation::Stack"],
            id="application",
        ),
    ],
)
def test_serverless_resources_become_those_of_cloudformation(text: str, expected: list[str]) -> None:
    found = processed(text)
    assert types(found) == sorted(expected)
    assert "Transform" not in found


def test_globals_are_of_every_function() -> None:
    found = processed(f"{SAM}Globals: {{Function: {{Timeout: 7}}}}\nResources:{FUNCTION}")
    assert found["Resources"]["F"]["Properties"]["Timeout"] == 7
    assert "Globals" not in found


def test_policies_are_named_by_template_and_by_name() -> None:
    found = processed(function("Policies: [AmazonDynamoDBReadOnlyAccess, {S3ReadPolicy: {BucketName: b}}]"))
    role = found["Resources"]["FRole"]["Properties"]
    assert "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess" in role["ManagedPolicyArns"]
    assert role["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"][0] == "s3:GetObject"


def test_a_proposal_is_of_what_the_transform_made() -> None:
    text = function("Events: {S: {Type: Schedule, Properties: {Schedule: rate(5 minutes)}}}")
    found = proposal(text, Capabilities=EXPAND)
    assert found.template.transforms == ()
    assert found.text == text
    assert set(found.evaluation.dependencies()["F"]) == {"FRole"}
    assert json.loads(found.processed)["Resources"].keys() == found.template.resources.keys()


SPECIFICATION = (
    "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document. "
    "Number of errors found: "
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            resources("  F: {Type: AWS::Serverless::Function, Properties: {}}\n"),
            SPECIFICATION + "1. Resource with id [F] is invalid. Only one of 'InlineCode' or 'CodeUri' can be set.",
        ),
        (
            resources(
                "  G: {Type: AWS::Serverless::Function, Properties: {Nope: 1}}\n"
                "  F: {Type: AWS::Serverless::Function, Properties: []}\n"
            ),
            SPECIFICATION + "1. Resource with id [F] is invalid. Attribute 'Properties' should be a map.",
        ),
        (
            function("Nope: 1") + "  L: {Type: AWS::Serverless::LayerVersion, Properties: {}}\n",
            SPECIFICATION + "2. Resource with id [F] is invalid. property Nope not defined for resource of type "
            "AWS::Serverless::Function Resource with id [L] is invalid. Missing required property 'ContentUri'.",
        ),
        (
            function("Events: {E: {Type: Api, Properties: {Path: 5, Method: get}}}"),
            SPECIFICATION + "1. Resource with id [F] is invalid. Event with id [E] is invalid. Property 'Path' should "
            "be a string.",
        ),
        (
            resources("  'Fn::ForEach::X': [I, [a], {}]\n"),
            SPECIFICATION + "1. Structure of the SAM template is invalid. All 'Resources' must be Objects. If you're "
            "using YAML, this may be an indentation issue.",
        ),
        (
            resources(
                "  A: {Type: AWS::Serverless::Application, Properties: {Location: {ApplicationId: a, "
                "SemanticVersion: 1.0.0}}}\n"
            ),
            SPECIFICATION + "1. Resource with id [A] is invalid. Serverless Application Repository is not available "
            "in this region.",
        ),
    ],
)
def test_what_is_no_serverless_application_is_refused_in_aws_words(text: str, message: str) -> None:
    assert refused(text) == message
    assert refused(text) == message


def test_what_the_translator_breaks_at_is_refused() -> None:
    with pytest.raises(Fault, match="Transform AWS::Serverless-2016-10-31 failed with: Internal transform failure"):
        translated({"Resources": {"T": {"Type": "AWS::Serverless::SimpleTable", "Properties": {1: 2}}}}, {}, "r", "aws")


def test_events_count_as_resources() -> None:
    events = "\n".join(f"  E{number}: {{Type: Schedule, Properties: {{}}}}" for number in range(500))
    assert refused(function(f"Events:\n{events}")) == (
        "Template format error: Number of resources, 501, is greater than maximum allowed, 500"
    )


def test_a_secret_parameter_is_not_told_to_a_transform() -> None:
    text = f"{SAM}Parameters: {{S: {{Type: String, NoEcho: true, Default: default}}}}\n" + function(
        "Events: {Get: {Type: Api, Properties: {Path: /x, Method: get}}}\nFunctionName: {Ref: S}"
    ).removeprefix(SAM)
    given = [{"ParameterKey": "S", "ParameterValue": "hidden"}]
    found = proposal(text, Capabilities=EXPAND, Parameters=given)
    assert "hidden" not in found.processed
    assert found.processed.count("default") == 1
    assert found.template.parameters["S"]["Default"] == "default"
    assert found.template.resources["F"].properties["FunctionName"] == {"Ref": "S"}


def test_a_translation_uses_neither_network_nor_session() -> None:
    code = (
        "import socket, sys, boto3, botocore.session\n"
        "def no(*_, **__): raise SystemExit('reached out')\n"
        "socket.socket.connect = boto3.session.Session.__init__ = botocore.session.Session.__init__ = no\n"
        "from locum.services.cloudformation.serverless import translated\n"
        "assert not any(name.startswith('samtranslator') for name in sys.modules)\n"
        "f = {'Type': 'AWS::Serverless::Function', 'Properties': {'Handler': 'a.b', 'Runtime': 'python3.12', "
        "'CodeUri': 's3://b/k', 'Events': {'E': {'Type': 'Api', 'Properties': {'Path': '/', 'Method': 'get'}}}}}\n"
        "print(len(translated({'Resources': {'F': f}}, {}, 'eu-west-1', 'aws')['Resources']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("6\n", "", 0)
