"""IAM and STS answer in JSON to clients that ask for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum import wire
from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from support.wire_requests import FORM, form

FAULT = Fault("AccessDenied", "No.", 403)


def asking(request: HttpRequest, accept: str = "application/json") -> HttpRequest:
    return HttpRequest(request.method, request.raw_path, request.query_string, {**FORM, "accept": accept}, request.body)


def content(response: HttpResponse) -> Any:
    assert isinstance(response.body, bytes)
    assert ("Content-Type", "application/json") in response.headers
    assert ("x-amzn-RequestId", "id-1") in response.headers
    return json.loads(response.body)


def test_the_answer_has_the_envelope_of_the_xml_one() -> None:
    codec = wire.resolve(asking(form("sts", "GetCallerIdentity")), "sts")
    answer = content(codec.serialize({"UserId": "A", "Account": "123456789012", "Arn": "arn:x"}, "id-1"))
    result = {"Account": "123456789012", "Arn": "arn:x", "UserId": "A"}
    assert answer == {
        "GetCallerIdentityResponse": {
            "GetCallerIdentityResult": result,
            "ResponseMetadata": {"RequestId": "id-1"},
        }
    }
    assert list(answer["GetCallerIdentityResponse"]["GetCallerIdentityResult"]) == ["Account", "Arn", "UserId"]


def test_absent_members_are_null_and_times_are_numbers() -> None:
    codec = wire.resolve(asking(form("sts", "AssumeRole")), "sts")
    credentials = {"AccessKeyId": "A", "SecretAccessKey": "S", "SessionToken": "T", "Expiration": 1_700_000_000}
    answer = content(codec.serialize({"Credentials": credentials}, "id-1"))
    result = answer["AssumeRoleResponse"]["AssumeRoleResult"]
    assert result["Credentials"] == credentials
    assert (result["PackedPolicySize"], result["SourceIdentity"], result["AssumedRoleUser"]) == (None, None, None)


def test_an_operation_without_output_has_no_result() -> None:
    codec = wire.resolve(asking(form("iam", "DeleteRole", "RoleName=r")), "iam")
    assert content(codec.serialize({}, "id-1")) == {"DeleteRoleResponse": {"ResponseMetadata": {"RequestId": "id-1"}}}


def test_an_error_is_in_json_too() -> None:
    request = asking(form("iam", "GetRole"))
    error = {"Code": "AccessDenied", "Message": "No.", "Type": "Sender"}
    wanted = {"Error": error, "RequestId": "id-1"}
    assert content(wire.resolve(request, "iam").fault(FAULT, "id-1")) == wanted
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/iam/aws4_request, Signature=0"}
    unknown = HttpRequest("POST", "/", "", {**request.headers, **signed}, b"Action=Nothing&Version=2010-05-08")
    assert content(wire.plain_fault(unknown, FAULT, "id-1")) == wanted


@pytest.mark.parametrize("accept", ["", "*/*", "application/xml", "text/xml, */*;q=0.1"])
def test_others_are_answered_in_xml(accept: str) -> None:
    codec = wire.resolve(asking(form("sts", "GetCallerIdentity"), accept), "sts")
    assert ("Content-Type", "text/xml") in codec.serialize({}, "id-1").headers


def test_services_that_are_not_known_to_do_so_do_not() -> None:
    codec = wire.resolve(asking(form("autoscaling", "DescribeAutoScalingGroups")), "autoscaling")
    assert ("Content-Type", "text/xml") in codec.fault(FAULT, "id-1").headers
