from __future__ import annotations

import json
from functools import cache
from typing import Any

import botocore.session
import pytest

from locum.wire.redact import HIDDEN, compile_answer_redactor, compile_redactor


@cache
def operation(service: str, name: str) -> Any:
    return botocore.session.get_session().get_service_model(service).operation_model(name)


def test_parameters_are_recorded_as_cloudtrail_records_them() -> None:
    parameters = {
        "RoleArn": "arn:aws:iam::1:role/r",
        "RoleSessionName": "s",
        "DurationSeconds": 900,
        "Tags": [{"Key": "Team", "Value": "a"}],
        "TransitiveTagKeys": ("Team",),
        "ExternalId": None,
    }
    assert compile_redactor(operation("sts", "AssumeRole"))(parameters) == {
        "roleArn": "arn:aws:iam::1:role/r",
        "roleSessionName": "s",
        "durationSeconds": 900,
        "tags": [{"key": "Team", "value": "a"}],
        "transitiveTagKeys": ["Team"],
    }


@pytest.mark.parametrize(
    ("service", "name", "parameters"),
    [
        ("iam", "ChangePassword", {"OldPassword": "s3cret", "NewPassword": "s3cret"}),
        ("iam", "CreateLoginProfile", {"UserName": "u", "Password": "s3cret"}),
        ("iam", "UploadServerCertificate", {"ServerCertificateName": "c", "PrivateKey": "s3cret"}),
        ("sts", "AssumeRoleWithWebIdentity", {"RoleArn": "r", "WebIdentityToken": "s3cret"}),
        ("sts", "AssumeRoleWithSAML", {"RoleArn": "r", "SAMLAssertion": "s3cret"}),
        ("sts", "GetSessionToken", {"SerialNumber": "m", "TokenCode": "s3cret"}),
        ("ec2", "RunInstances", {"UserData": "s3cret", "MinCount": 1}),
        ("autoscaling", "CreateLaunchConfiguration", {"UserData": "s3cret"}),
        ("secretsmanager", "PutSecretValue", {"SecretString": "s3cret", "SecretBinary": b"s3cret"}),
        ("kms", "Encrypt", {"KeyId": "k", "Plaintext": b"s3cret"}),
        ("lambda", "CreateFunction", {"Environment": {"Variables": {"KEY": "s3cret"}}, "Code": {"ZipFile": b"s3cret"}}),
        ("organizations", "CreateAccount", {"Email": "s3cret"}),
        ("ec2", "RequestSpotInstances", {"LaunchSpecification": {"UserData": "s3cret"}}),
    ],
)
def test_no_secret_parameter_reaches_the_record(service: str, name: str, parameters: dict[str, Any]) -> None:
    record = json.dumps(compile_redactor(operation(service, name))(parameters))
    assert "s3cret" not in record
    assert HIDDEN in record


def test_no_secret_of_an_answer_reaches_the_record() -> None:
    credentials = {
        "AccessKeyId": "ASIA",
        "SecretAccessKey": "s3cret",
        "SessionToken": "s3cret",
        "Expiration": 1_790_000_000,
    }
    assert compile_answer_redactor(operation("sts", "AssumeRole"))({"Credentials": credentials}) == {
        "credentials": {
            "accessKeyId": "ASIA",
            "secretAccessKey": HIDDEN,
            "sessionToken": HIDDEN,
            "expiration": "2026-09-21T14:13:20Z",
        }
    }


def test_bytes_and_streams_are_left_out() -> None:
    record = compile_redactor(operation("s3", "PutObject"))({"Bucket": "b", "Key": "k", "Body": b"\xff"})
    assert record == {"bucketName": "b", "key": "k"}
    item = {"Item": {"k": {"B": b"x", "BS": [b"x"]}}, "TableName": "t"}
    assert compile_redactor(operation("dynamodb", "PutItem"))(item) == {"item": HIDDEN, "tableName": "t"}


def test_keys_of_maps_are_data_and_stay_as_they_are() -> None:
    record = compile_redactor(operation("sqs", "CreateQueue"))({"QueueName": "q", "tags": {"Team": "a"}})
    assert record == {"queueName": "q", "tags": {"Team": "a"}}


def test_a_member_that_no_model_knows_is_left_out() -> None:
    assert compile_redactor(operation("sts", "GetCallerIdentity"))({"Backdoor": "s3cret"}) == {}
    assert compile_redactor(operation("iam", "ListAccountAliases"))({"Backdoor": "s3cret"}) == {}


def test_an_operation_without_output_has_nothing_to_record() -> None:
    assert compile_answer_redactor(operation("iam", "DeleteRole"))({}) == {}
