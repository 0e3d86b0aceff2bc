"""A service that acts with its caller's permissions has those and no others: a template that CloudFormation reads."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from locum.audit import Record, cloudtrail_event
from locum.backends import BackendCall
from locum.calls.service_requests import LARGEST_ANSWER
from locum.core.http import HttpResponse
from support.backends import behind
from support.inprocess import InProcess, Key

BUCKET = "templates"
URL = f"https://{BUCKET}.s3.us-east-1.amazonaws.com/stack.yaml"
TEMPLATE = """
Description: a role
Parameters:
  Team: {Type: String, Default: red}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {RoleName: !Sub '${Team}-role'}
"""
VALIDATE = {"Effect": "Allow", "Action": "cloudformation:ValidateTemplate", "Resource": "*"}
PARAMETER = "{Resources: {A: {Type: X}}, Parameters: {P: {Type: String, "
VIA = {"aws:CalledVia": ["cloudformation.amazonaws.com"]}


@pytest.fixture(scope="module")
def plane(plane: InProcess) -> InProcess:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="stack.yaml", Body=TEMPLATE.encode())
    return plane


def reading(**more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*", **more}


def validated(plane: InProcess, key: Key, **params: Any) -> dict[str, Any]:
    answer: dict[str, Any] = plane.client("cloudformation", key).validate_template(**params or {"TemplateURL": URL})
    return answer


def refusal(plane: InProcess, key: Key, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        validated(plane, key, **params)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationError"
    return str(error["Message"])


def read(plane: InProcess) -> Record:
    """The record of the latest GetObject."""
    return next(record for record in plane.records() if record.operation == "GetObject")


def test_a_template_is_read_with_the_permissions_of_the_caller(plane: InProcess) -> None:
    answer = validated(plane, plane.user("reader", VALIDATE, reading()))
    assert answer["Parameters"] == [{"ParameterKey": "Team", "DefaultValue": "red", "NoEcho": False}]
    assert answer["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    event = cloudtrail_event(read(plane))
    assert (event["userIdentity"]["userName"], event["userIdentity"]["invokedBy"]) == (
        "reader",
        "cloudformation.amazonaws.com",
    )
    assert event["sourceIPAddress"] == event["userAgent"] == "cloudformation.amazonaws.com"


def test_who_may_not_read_the_template_is_told_so(plane: InProcess) -> None:
    message = refusal(plane, plane.user("blind", VALIDATE))
    assert message.startswith("S3 error: User: arn:aws:iam::000000000000:user/blind is not authorized")
    record = read(plane)
    assert (record.verdict, record.invoked_by, record.via) == (
        "implicit-deny",
        "cloudformation.amazonaws.com",
        ("cloudformation.amazonaws.com",),
    )
    assert record.explanation["checks"][0]["action"] == "s3:GetObject"


def test_a_deny_on_the_service_that_calls_holds(plane: InProcess) -> None:
    deny = {**reading(), "Effect": "Deny", "Condition": {"ForAnyValue:StringEquals": VIA}}
    key = plane.user("direct", VALIDATE, reading(), deny)
    refusal(plane, key)
    plane.client("s3", key).get_object(Bucket=BUCKET, Key="stack.yaml")


def test_an_allow_for_the_service_that_calls_is_none_for_a_direct_call(plane: InProcess) -> None:
    key = plane.user("through", VALIDATE, reading(Condition={"Bool": {"aws:ViaAWSService": "true"}}))
    validated(plane, key)
    s3 = plane.client("s3", key)
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=BUCKET, Key="stack.yaml")
    assert caught.value.response["Error"]["Code"] == "AccessDenied"


def test_the_session_policy_of_the_caller_limits_what_is_read_for_it(plane: InProcess) -> None:
    user = plane.user("federating", VALIDATE, reading(), {**VALIDATE, "Action": "sts:GetFederationToken"})
    policy = json.dumps({"Version": "2012-10-17", "Statement": [VALIDATE]})
    made = plane.client("sts", user).get_federation_token(Name="guest", Policy=policy)["Credentials"]
    guest = Key(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    assert "not authorized" in refusal(plane, guest)


def test_the_bucket_policy_is_asked_about_the_caller_not_about_the_service(plane: InProcess) -> None:
    name = "other-templates"
    s3 = plane.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="stack.yaml", Body=TEMPLATE.encode())
    for_service = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudformation.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [for_service]}))
    key = plane.user("unnamed", VALIDATE)
    refusal(plane, key, TemplateURL=f"https://s3.amazonaws.com/{name}/stack.yaml")


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"TemplateURL": "http://169.254.169.254/latest/meta-data/"}, "TemplateURL must be a supported URL."),
        ({"TemplateURL": "file:///etc/passwd"}, "TemplateURL must be a supported URL."),
        ({"TemplateURL": "https://evil.example/s3.amazonaws.com/b/k"}, "TemplateURL must be a supported URL."),
        ({"TemplateURL": "https://s3.amazonaws.com/bucket"}, "TemplateURL must reference a valid S3 object"),
        ({"TemplateURL": f"{URL}.none"}, "S3 error: "),
        ({"TemplateURL": "https://[169.254/bucket/key"}, "TemplateURL must be a supported URL."),
        ({"TemplateBody": "{"}, "Template format error: "),
        ({"TemplateBody": "[1]"}, "Template format error: "),
        ({"TemplateBody": "{}"}, "At least one Resources member must be defined."),
        ({"TemplateBody": "Resources: {A: {}}"}, "Every Resources object must contain a Type member"),
        ({"TemplateBody": "Resources: {A: {Type: X}}", "TemplateURL": URL}, "Either Template URL or Template Body"),
        ({"TemplateBody": f"{PARAMETER}Default: [a]}}}}}}"}, "Every Default member must be a string."),
        ({"TemplateBody": f"{PARAMETER}Description: {{}}}}}}}}"}, "Every Description member must be a string."),
        ({"TemplateBody": "{Resources: {A: {Type: X}}, Transform: [[a]]}"}, "Transform must be a string or a list of"),
    ],
)
def test_what_is_no_template_is_refused(plane: InProcess, params: dict[str, str], text: str) -> None:
    assert text in refusal(plane, plane.root, **params)


def test_defaults_are_told_as_text(plane: InProcess) -> None:
    declared = "{A: {Type: Number, Default: 80}, B: {Type: String, Default: true}}"
    body = f"{{Parameters: {declared}, Resources: {{R: {{Type: Custom::X}}}}}}"
    found = validated(plane, plane.root, TemplateBody=body)["Parameters"]
    assert [one["DefaultValue"] for one in found] == ["80", "true"]


def test_of_an_object_that_is_no_template_for_its_length_no_more_is_read_than_that_tells(plane: InProcess) -> None:
    with behind(plane, "s3", streaming := Streaming()):  # as an S3 endpoint answers
        assert "The answer is longer than" in refusal(plane, plane.root)
    assert streaming.read <= LARGEST_ANSWER + 2 * Streaming.CHUNK
    assert streaming.closed


class Streaming:
    """Answers with an object of 1 TiB, and tells how much of it was read."""

    CHUNK = 1 << 20

    def __init__(self) -> None:
        self.read = 0
        self.closed = False

    def __call__(self, _call: BackendCall) -> HttpResponse:
        return HttpResponse(200, [], self._chunks())

    async def _chunks(self) -> AsyncIterator[bytes]:
        try:
            for _ in range(1 << 20):
                self.read += self.CHUNK
                yield bytes(self.CHUNK)
        finally:
            self.closed = True
