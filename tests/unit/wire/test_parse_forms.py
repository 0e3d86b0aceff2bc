"""Reading the query protocol and EC2's variant."""

from __future__ import annotations

import pytest

from locum.core.http import HttpRequest
from support.wire_requests import FORM, form, read, refusal, rest


def test_lists_and_structures_are_read_in_the_order_of_their_numbers() -> None:
    request = form(
        "iam", "TagRole", "RoleName=r", *(f"Tags.member.{n}.Key=k{n}&Tags.member.{n}.Value=" for n in (10, 9, 2))
    )
    assert read(request, "iam")["Tags"] == [{"Key": f"k{n}", "Value": ""} for n in (2, 9, 10)]


def test_an_empty_list_is_sent_as_an_empty_value() -> None:
    assert read(form("iam", "TagRole", "RoleName=r", "Tags="), "iam") == {"RoleName": "r", "Tags": []}


def test_plus_and_percent_are_decoded() -> None:
    request = form("iam", "CreateRole", "RoleName=r", "AssumeRolePolicyDocument=%7B+%7D", "Description=%C3%BC%2B")
    assert read(request, "iam") == {"RoleName": "r", "AssumeRolePolicyDocument": "{ }", "Description": "ü+"}


def test_ec2_has_names_of_its_own_and_flat_lists() -> None:
    request = form(
        "ec2",
        "RunInstances",
        "MinCount=1",
        "MaxCount=2",
        "IamInstanceProfile.Name=p",
        "SecurityGroupId.1=sg-1",
        "TagSpecification.1.ResourceType=instance",
        "TagSpecification.1.Tag.1.Key=a",
        "TagSpecification.1.Tag.1.Value=b",
        "UserData=aGk%3D",
        "DryRun=false",
    )
    assert read(request, "ec2") == {
        "MinCount": 1,
        "MaxCount": 2,
        "IamInstanceProfile": {"Name": "p"},
        "SecurityGroupIds": ["sg-1"],
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
        "UserData": "aGk=",
        "DryRun": False,
    }


def test_unknown_names_are_passed_over() -> None:
    assert read(form("sts", "GetCallerIdentity", "Foo=1", "Bar.member.1=2"), "sts") == {}
    request = rest("GET", "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Credential=a%2Fb&X-Amz-Signature=0")
    assert read(request, "sts") == {}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (("MaxItems=1", "MaxItems=2"), "Duplicate parameter: MaxItems"),
        (("PathPrefix=/", "%50athPrefix=/x/"), "Duplicate parameter: PathPrefix"),
        (("Action=DeleteUser",), "Duplicate parameter: Action"),
        (("%41ction=DeleteUser",), "Duplicate parameter: Action"),
        (("MaxItems=abc",), "STRING_VALUE can not be converted to an Integer: 'abc'"),
        (
            ("MaxItems=99999999999999999999999",),
            "STRING_VALUE can not be converted to an Integer: '99999999999999999999999'",
        ),
        (("MaxItems=1_0",), "STRING_VALUE can not be converted to an Integer: '1_0'"),
        (("MaxItems.1=1",), "Start of list found where not expected."),
        (("MaxItems.x=1",), "Start of structure or map found where not expected."),
        (("Marker=%ff",), "The request has a value that is not UTF-8"),
    ],
)
def test_a_malformed_form_is_refused(pairs: tuple[str, ...], message: str) -> None:
    fault = refusal(form("iam", "ListUsers", *pairs), "iam")
    assert (fault.code, fault.status, fault.message) == ("MalformedInput", 400, message)


@pytest.mark.parametrize(
    "pairs",
    [
        ("Tags=x",),
        ("Tags.1.Key=x",),
        ("Tags.member.x.Key=x",),
        ("Tags.member.1=x",),
        ("Tags.member.1.Key=x", "Tags.member=y"),
        ("Tags.member.1.Key=x", "Tags.member.1.Key=y"),
        ("Tags=x", "Tags.member.1.Key=x"),
        ("Tags.member.1.Key=x", "Tags=x"),
        (f"Tags.member.{'9' * 5000}.Key=x",),
    ],
)
def test_a_list_that_is_none_is_refused(pairs: tuple[str, ...]) -> None:
    assert refusal(form("iam", "TagRole", "RoleName=r", *pairs), "iam").code == "MalformedInput"


def test_a_parameter_in_both_body_and_query_string_is_refused() -> None:
    request = form("iam", "GetUser", "UserName=a")
    both = HttpRequest("POST", "/", "UserName=b", FORM, request.body)
    assert refusal(both, "iam").message == "Duplicate parameter: UserName"
    hidden = HttpRequest("POST", "/", "Action=GetUser&Version=2010-05-08", FORM, b"%41ction=DeleteUser&UserName=x")
    assert refusal(hidden, "iam").code in ("InvalidAction", "MalformedInput")


def test_names_nested_without_end_are_harmless() -> None:
    assert read(form("iam", "ListUsers", "a" + ".a" * 100_000 + "=1"), "iam") == {}


def test_sqs_is_still_understood_in_the_query_protocol() -> None:
    pairs = (
        "Action=SendMessageBatch&Version=2012-11-05"
        "&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=b"
        "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n"
        "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=Binary"
        "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.BinaryValue=AAE%3D"
    )
    request = HttpRequest("POST", "/123456789012/q", "", FORM, pairs.encode())
    assert read(request, "sqs") == {
        "QueueUrl": "http://localhost:4566/123456789012/q",
        "Entries": [
            {
                "Id": "a",
                "MessageBody": "b",
                "MessageAttributes": {"n": {"DataType": "Binary", "BinaryValue": b"\x00\x01"}},
            }
        ],
    }


def test_sqs_attributes_and_tags_have_the_names_they_had() -> None:
    body = (
        b"Action=CreateQueue&Version=2012-11-05&QueueName=q"
        b"&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=5&Tag.1.Key=k&Tag.1.Value=v"
    )
    assert read(HttpRequest("POST", "/", "", FORM, body), "sqs") == {
        "QueueName": "q",
        "Attributes": {"VisibilityTimeout": "5"},
        "tags": {"k": "v"},
    }
    body = b"Action=ReceiveMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Fq&AttributeName.1=All"
    assert read(HttpRequest("POST", "/", "", FORM, body), "sqs") == {"QueueUrl": "http://q", "AttributeNames": ["All"]}
