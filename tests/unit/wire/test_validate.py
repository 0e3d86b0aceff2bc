"""Parameters against the model, in AWS's words."""

from __future__ import annotations

import pytest

from locum.wire.models import service_model
from locum.wire.patterns import compile_pattern
from support.wire_requests import checked, form, read, refusal, rest, target

ROLE = "arn:aws:iam::123456789012:role/r"
OWNED_SERVICES = ("iam", "sts", "organizations", "cloudtrail", "accessanalyzer", "autoscaling", "ec2")


def test_a_name_that_is_too_long() -> None:
    name = "a" * 65
    fault = refusal(form("sts", "AssumeRole", f"RoleArn={ROLE}&RoleSessionName={name}"), "sts")
    assert (fault.code, fault.status) == ("ValidationError", 400)
    assert fault.message == (
        f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: "
        "Member must have length less than or equal to 64"
    )


IAM_REFUSES = [
    ("GetRole", f"RoleName={'a' * 65}", "Value at 'roleName'", "Member must have length less than or equal to 64"),
    ("ListRoles", "MaxItems=1001", "Value at 'maxItems'", "Member must have value less than or equal to 1000"),
    ("ListRoles", "MaxItems=0", "Value at 'maxItems'", "Member must have value greater than or equal to 1"),
    (
        "UpdateAccessKey",
        "AccessKeyId=AKIAIOSFODNN7EXAMPLE&Status=Off",
        "Value at 'status'",
        "Member must satisfy enum value set",
    ),
    (
        "GetPolicyVersion",
        "PolicyArn=arn:aws:iam::123456789012:policy/p&VersionId=2",
        "Value at 'versionId'",
        "Member must satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?",
    ),
    (
        "UntagRole",
        "RoleName=r&TagKeys.member.1=ok&TagKeys.member.2=%21",
        "Value at 'tagKeys'",
        (
            "Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have "
            "length greater than or equal to 1, Member must satisfy regular expression pattern: "
            "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+, Member must not be null]"
        ),
    ),
    (
        "TagRole",
        "RoleName=r&" + "&".join(f"Tags.member.{n}.Key=k{n}&Tags.member.{n}.Value=" for n in range(1, 52)),
        "Value at 'tags'",
        "Member must have length less than or equal to 50",
    ),
    (
        "CreateUser",
        "UserName=%21&Path=x" + "a" * 512,
        "Value at 'path'",
        "Member must have length less than or equal to 512",
    ),
    ("GetRole", "", "Value null at 'roleName'", "Member must not be null"),
]


@pytest.mark.parametrize(("operation", "body", "value", "constraint"), IAM_REFUSES)
def test_iam_leaves_values_out(operation: str, body: str, value: str, constraint: str) -> None:
    fault = refusal(form("iam", operation, body), "iam")
    assert (fault.code, fault.status) == ("ValidationError", 400)
    assert fault.message == f"1 validation error detected: {value} failed to satisfy constraint: {constraint}"


NAMES = "It must contain only alphanumeric characters and/or the following: +=,.@_-"
PATHS = "It must begin and end with / and contain only alphanumeric characters and/or / characters."
PREFIXES = "It must begin with the / character and contain only alphanumeric characters and/or / characters."

IAM_REFUSES_IN_ITS_OWN_WORDS = [
    ("CreateUser", "UserName=a%21", "userName", NAMES),
    ("UpdateUser", "UserName=a&NewUserName=a%21", "newUserName", NAMES),
    ("CreateGroup", "GroupName=a%21", "groupName", NAMES),
    ("GetRole", "RoleName=%C3%BC", "roleName", NAMES),
    ("GetUserPolicy", "UserName=u&PolicyName=a+b", "policyName", NAMES),
    ("CreateVirtualMFADevice", "VirtualMFADeviceName=m&Path=/no-end", "path", PATHS),
    ("CreateVirtualMFADevice", "VirtualMFADeviceName=m&Path=no-start/", "path", PATHS),
    ("UpdateGroup", "GroupName=g&NewPath=x", "newPath", PATHS),
    ("ListUsers", "PathPrefix=x", "pathPrefix", PREFIXES),
]


@pytest.mark.parametrize(("operation", "body", "place", "rule"), IAM_REFUSES_IN_ITS_OWN_WORDS)
def test_iam_has_its_own_words_for_names_and_paths(operation: str, body: str, place: str, rule: str) -> None:
    fault = refusal(form("iam", operation, body), "iam")
    assert (fault.code, fault.message) == ("ValidationError", f"The specified value for {place} is invalid. {rule}")


def test_violations_are_told_in_the_order_of_a_java_map() -> None:
    body = "MaxPasswordAge=1096&MinimumPasswordLength=129&PasswordReusePrevention=25"
    assert refusal(form("iam", "UpdateAccountPasswordPolicy", body), "iam").message == (
        "3 validation errors detected: Value at 'minimumPasswordLength' failed to satisfy constraint: Member must have "
        "value less than or equal to 128; Value at 'passwordReusePrevention' failed to satisfy constraint: Member must "
        "have value less than or equal to 24; Value at 'maxPasswordAge' failed to satisfy constraint: Member must have "
        "value less than or equal to 1095"
    )
    body = f"Url={'b' * 256}&ThumbprintList.member.1={'b' * 41}&ClientIDList.member.1={'b' * 256}"
    assert refusal(form("iam", "CreateOpenIDConnectProvider", body), "iam").message == (
        "3 validation errors detected: Value at 'clientIDList' failed to satisfy constraint: Member must satisfy "
        "constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal "
        "to 1]; Value at 'thumbprintList' failed to satisfy constraint: Member must satisfy constraint: [Member must "
        "have length less than or equal to 40, Member must have length greater than or equal to 40]; Value at 'url' "
        "failed to satisfy constraint: Member must have length less than or equal to 255"
    )


def test_several_violations_are_all_told() -> None:
    fault = refusal(form("sts", "AssumeRole", "RoleArn=", "RoleSessionName=ok"), "sts")
    pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u10000-\\u10FFFF]+"
    assert fault.message == (
        "2 validation errors detected: Value '' at 'roleArn' failed to satisfy constraint: Member must satisfy regular "
        f"expression pattern: {pattern}; Value '' at 'roleArn' failed to satisfy constraint: Member must have length "
        "greater than or equal to 20"
    )


def test_places_in_lists_are_counted_from_one() -> None:
    request = form(
        "iam", "TagRole", "RoleName=r", "Tags.member.1.Key=a", "Tags.member.1.Value=b", "Tags.member.2.Key=a"
    )
    assert "Value null at 'tags.2.member.value' failed" in refusal(request, "iam").message


def test_scalars_in_a_list_are_told_together() -> None:
    body = f"RoleArn={ROLE}&RoleSessionName=s1&TransitiveTagKeys.member.1=ok&TransitiveTagKeys.member.2=%21"
    assert refusal(form("sts", "AssumeRole", body), "sts").message.startswith(
        "1 validation error detected: Value '[ok, !]' at 'transitiveTagKeys' failed to satisfy constraint: Member must "
        "satisfy constraint: [Member must have length less than or equal to 128, "
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
    assert checked(request, "iam")["Tags"] == [{"Key": "名前", "Value": "ü 1"}]


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


def test_ec2_says_that_no_instances_are_specified() -> None:
    fault = refusal(form("ec2", "TerminateInstances", ""), "ec2")
    assert (fault.code, fault.message) == ("InvalidParameterCombination", "No instances specified")


def test_ec2_says_that_an_attribute_is_unknown() -> None:
    fault = refusal(form("ec2", "DescribeInstanceAttribute", "InstanceId=i-1&Attribute=abc"), "ec2")
    text = "Value (abc) for parameter attribute is invalid. Unknown attribute."
    assert (fault.code, fault.message) == ("InvalidParameterValue", text)


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


def test_what_is_read_for_a_backend_is_not_checked() -> None:
    assert read(target("DynamoDB_20120810.GetItem", {}), "dynamodb") == {}
    assert read(rest("GET", "/b", x_amz_request_payer="nobody"), "s3")["RequestPayer"] == "nobody"
    assert read(form("ec2", "CreateVpc"), "ec2") == {}


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
