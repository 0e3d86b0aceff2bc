"""A call as a command of the AWS CLI: one that the AWS CLI takes, without what is secret."""

from __future__ import annotations

import shlex
from typing import Any

import botocore.session
import pytest
from awscli.clidriver import create_clidriver

from locum.console.command_line import as_command

_TAGS = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "it's"}]}]
_LAUNCH = {"ImageId": "ami-1", "MinCount": 2, "MaxCount": 2, "TagSpecifications": _TAGS}
_SCRIPT = {"InstanceIds": ["i-1"], "DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["hush", "hush"]}}
_NO_ECHO = [{"ParameterKey": "A", "ParameterValue": "-"}, {"ParameterKey": "B", "UsePreviousValue": True}]


def command(service: str, operation: str, parameters: dict[str, Any]) -> str:
    model = botocore.session.Session().get_service_model(service).operation_model(operation)
    return as_command(model, parameters)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        ("iam", "CreateRole", {"RoleName": "a", "AssumeRolePolicyDocument": '{"a": "it\'s"}'}, ["--role-name", "a"]),
        ("ec2", "RunInstances", _LAUNCH | {"UserData": "hush"}, ["--count", "2"]),
        ("ec2", "ModifyInstanceMetadataOptions", {"InstanceId": "i-1", "HttpPutResponseHopLimit": 3},
         ["--http-put-response-hop-limit", "3"]),
        ("ssm", "SendCommand", _SCRIPT, ["--parameters", '{"commands": ["********", "********"]}']),
        ("cloudformation", "CreateStack", {"StackName": "a", "TemplateBody": "{}", "Parameters": _NO_ECHO}, []),
        ("cloudformation", "UpdateTerminationProtection", {"StackName": "a", "EnableTerminationProtection": False},
         ["--no-enable-termination-protection"]),
        ("iam", "ChangePassword", {"OldPassword": "hush", "NewPassword": "hush"}, ["--old-password", "********"]),
        ("organizations", "MoveAccount",
         {"AccountId": "1", "SourceParentId": "r-1", "DestinationParentId": "ou-1"}, ["--account-id", "1"]),
        ("accessanalyzer", "UpdateFindings", {"analyzerArn": "a", "status": "ARCHIVED", "ids": ["x", "y"]},
         ["--ids", "x", "y"]),
        ("iam", "AddUserToGroup", {"GroupName": "a", "UserName": "--profile=b"}, ["--user-name=--profile=b"]),
        ("accessanalyzer", "UpdateFindings", {"analyzerArn": "a", "status": "ARCHIVED", "ids": ["--profile=b"]},
         ["--ids", '["--profile=b"]']),
    ],
)  # fmt: skip
def test_the_aws_cli_takes_the_command(
    service: str, operation: str, parameters: dict[str, Any], expected: list[str]
) -> None:
    words = shlex.split(command(service, operation, parameters))
    assert words[0] == "aws"
    assert "hush" not in words
    assert " ".join(expected) in " ".join(words)
    assert create_clidriver().main([*words[1:], "--generate-cli-skeleton", "input"]) == 0
