"""Parameters against the model, in AWS's words."""

from __future__ import annotations

import pytest

from locum import wire
from locum.wire.models import service_model
from locum.wire.patterns import compile_pattern
from support.wire_requests import form, read, refusal, rest, target

OWNED_SERVICES = ("iam", "sts", "organizations", "cloudtrail", "accessanalyzer", "autoscaling", "ec2")


def test_a_name_that_is_too_long() -> None:
    name = "a" * 65
    fault = refusal(form("iam", "GetRole", f"RoleName={name}"), "iam")
    assert (fault.code, fault.status) == ("ValidationError", 400)
    assert fault.message == (
        f"1 validation error detected: Value '{name}' at 'roleName' failed to satisfy constraint: "
        "Member must have length less than or equal to 64"
    )


def test_several_violations_are_all_told() -> None:
    fault = refusal(form("sts", "AssumeRole", "RoleArn=", "RoleSessionName=ok"), "sts")
    pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u10000-\\u10FFFF]+"
    assert fault.message == (
        "2 validation errors detected: Value '' at 'roleArn' failed to satisfy constraint: Member must satisfy regular "
        f"expression pattern: {pattern}; Value '' at 'roleArn' failed to satisfy constraint: Member must have length "
        "greater than or equal to 20"
    )


def test_a_member_that_is_missing() -> None:
    assert refusal(form("iam", "GetRole"), "iam").message == (
        "1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null"
    )


def test_places_in_lists_are_counted_from_one() -> None:
    request = form(
        "iam", "TagRole", "RoleName=r", "Tags.member.1.Key=a", "Tags.member.1.Value=b", "Tags.member.2.Key=a"
    )
    assert "Value null at 'tags.2.member.value' failed" in refusal(request, "iam").message


def test_a_number_out_of_range() -> None:
    assert refusal(form("iam", "ListRoles", "MaxItems=1001"), "iam").message == (
        "1 validation error detected: Value '1001' at 'maxItems' failed to satisfy constraint: "
        "Member must have value less than or equal to 1000"
    )
    assert "greater than or equal to 1" in refusal(form("iam", "ListRoles", "MaxItems=0"), "iam").message


def test_a_value_that_is_not_in_the_enumeration() -> None:
    request = form("iam", "UpdateAccessKey", "AccessKeyId=AKIAIOSFODNN7EXAMPLE", "Status=Off")
    message = refusal(request, "iam").message
    assert (
        "Value 'Off' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, " in message
    )


def test_scalars_in_a_list_are_told_together() -> None:
    request = form("iam", "UntagRole", "RoleName=r", "TagKeys.member.1=ok", "TagKeys.member.2=%21")
    message = refusal(request, "iam").message
    assert (
        "Value '[ok, !]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member " in message
    )


def test_secrets_are_not_shown() -> None:
    request = form("iam", "CreateLoginProfile", "UserName=u", "Password=" + "s" * 200)
    message = refusal(request, "iam").message
    assert "sss" not in message
    assert (
        "Value at 'password' failed to satisfy constraint: Member must have length less than or equal to 128" in message
    )


def test_tags_may_be_in_any_script() -> None:
    request = form(
        "iam", "TagRole", "RoleName=r", "Tags.member.1.Key=%E5%90%8D%E5%89%8D", "Tags.member.1.Value=%C3%BC+1"
    )
    assert read(request, "iam")["Tags"] == [{"Key": "名前", "Value": "ü 1"}]


def test_word_characters_are_asciis() -> None:
    assert refusal(form("iam", "GetRole", "RoleName=%C3%BC"), "iam").code == "ValidationError"


def test_organizations_gives_a_reason() -> None:
    name = "AWSOrganizationsV20161128.DescribeAccount"
    for body, reason in (
        ({}, "INPUT_REQUIRED"),
        ({"AccountId": "x"}, "INVALID_PATTERN"),
    ):
        fault = refusal(target(name, body), "organizations")
        assert (fault.code, fault.members["Reason"]) == ("InvalidInputException", reason)
    fault = refusal(target("AWSOrganizationsV20161128.ListPolicies", {"Filter": "x"}), "organizations")
    assert (fault.message, fault.members["Reason"]) == ("You specified an invalid value.", "INVALID_ENUM")


def test_cloudtrail_speaks_of_a_validation_exception() -> None:
    fault = refusal(
        target("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents", {"MaxResults": 51}), "cloudtrail"
    )
    assert fault.code == "ValidationException"


def test_access_analyzer_lists_the_fields() -> None:
    fault = refusal(rest("PUT", "/analyzer", b'{"analyzerName": "1", "type": "ACCOUNT"}'), "access-analyzer")
    assert fault.code == "ValidationException"
    assert fault.members["reason"] == "fieldValidationFailed"
    assert fault.members["fieldList"][0]["name"] == "analyzerName"


def test_ec2_names_the_parameter() -> None:
    fault = refusal(form("ec2", "AssociateIamInstanceProfile", "InstanceId=i-1"), "ec2")
    assert (fault.code, fault.message) == (
        "MissingParameter",
        "The request must contain the parameter IamInstanceProfile",
    )
    fault = refusal(form("ec2", "RunInstances", "MinCount=1", "MaxCount=1", "InstanceType=huge"), "ec2")
    assert (fault.code, fault.message) == ("InvalidParameterValue", "Invalid value 'huge' for InstanceType.")
    fault = refusal(form("ec2", "RunInstances", "MinCount=one", "MaxCount=1"), "ec2")
    assert (fault.code, fault.message) == (
        "InvalidParameterValue",
        "Value (one) for parameter MinCount is invalid.",
    )


def test_the_backend_checks_what_it_owns() -> None:
    assert read(target("DynamoDB_20120810.GetItem", {}), "dynamodb") == {}
    assert read(rest("GET", "/b", x_amz_request_payer="nobody"), "s3")["RequestPayer"] == "nobody"
    assert read(form("ec2", "CreateVpc"), "ec2") == {}
    assert not wire.owned("ec2", "CreateVpc")
    assert wire.owned("ec2", "RunInstances")
    assert wire.owned("iam", "CreateRole")


def owned_patterns() -> set[str]:
    shapes = [service_model(name)._service_description["shapes"] for name in OWNED_SERVICES]
    return {shape["pattern"] for found in shapes for shape in found.values() if "pattern" in shape}


def test_every_pattern_of_the_owned_services_is_enforced() -> None:
    assert [pattern for pattern in owned_patterns() if compile_pattern(pattern) is None] == []


@pytest.mark.parametrize("seed", ["a", "/", "-", "a/", ".", "1", "o-", " "])
@pytest.mark.timeout(60)
def test_no_pattern_takes_long(seed: str) -> None:
    for pattern in owned_patterns():
        matches = compile_pattern(pattern)
        assert matches is not None
        matches(seed * (8192 // len(seed)) + "\x00")


@pytest.mark.parametrize("pattern", ["(a+)+", "(a*b?)*", "((ab)*)*", r"[\p{IsCyrillic}]+", "(unclosed"])
def test_patterns_that_could_take_for_ever_are_not_enforced(pattern: str) -> None:
    assert compile_pattern(pattern) is None
