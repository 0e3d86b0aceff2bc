from __future__ import annotations

import json
from functools import cache
from typing import Any

import botocore.session
import cbor2
import pytest

from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.wire.faults import render_fault


@cache
def service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


def body(response: HttpResponse) -> bytes:
    assert isinstance(response.body, bytes)
    return response.body


def test_a_query_fault_is_what_iam_sends() -> None:
    fault = Fault("NoSuchEntity", "The role with name <r> cannot be found.", 404)
    response = render_fault(fault, "query", service("iam"), None, "id-1")
    assert response.status == 404
    assert response.headers == [("x-amzn-RequestId", "id-1"), ("Content-Type", "text/xml")]
    assert body(response) == (
        b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
        b"<Code>NoSuchEntity</Code><Message>The role with name &lt;r&gt; cannot be found.</Message></Error>"
        b"<RequestId>id-1</RequestId></ErrorResponse>"
    )


def test_a_fault_without_a_text_has_no_message() -> None:
    response = render_fault(Fault("ReportNotPresent", "", 410), "query", service("iam"), None, "id-1")
    assert response.status == 410
    assert b"<Error><Type>Sender</Type><Code>ReportNotPresent</Code></Error>" in body(response)


def test_a_shape_s_name_becomes_the_code_that_aws_documents() -> None:
    response = render_fault(Fault("MalformedPolicyDocumentException", "m"), "query", service("iam"), None, "id")
    assert b"<Code>MalformedPolicyDocument</Code>" in body(response)


def test_a_fault_of_ours_is_blamed_on_the_receiver() -> None:
    response = render_fault(Fault("ServiceFailure", "m", 500), "query", service("iam"), None, "id")
    assert b"<Type>Receiver</Type>" in body(response)


def test_an_ec2_fault_is_what_ec2_sends() -> None:
    fault = Fault("InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist")
    response = render_fault(fault, "ec2", service("ec2"), None, "id-1")
    assert response.headers == [("x-amzn-RequestId", "id-1"), ("Content-Type", "text/xml;charset=UTF-8")]
    assert body(response) == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>'
        b"<Message>The instance ID 'i-1' does not exist</Message></Error></Errors><RequestID>id-1</RequestID>"
        b"</Response>"
    )


def test_a_json_fault_names_its_type_twice_and_carries_modelled_members() -> None:
    fault = Fault("ConstraintViolationException", "m", members={"Reason": "ACCOUNT_NUMBER_LIMIT_EXCEEDED"})
    response = render_fault(fault, "json", service("organizations"), None, "id-1")
    assert response.headers == [
        ("x-amzn-RequestId", "id-1"),
        ("x-amzn-ErrorType", "ConstraintViolationException"),
        ("Content-Type", "application/x-amz-json-1.1"),
    ]
    assert json.loads(body(response)) == {
        "__type": "ConstraintViolationException",
        "Message": "m",
        "Reason": "ACCOUNT_NUMBER_LIMIT_EXCEEDED",
    }


def test_a_modelled_member_keeps_its_type() -> None:
    item = {"k": {"B": b"\x00"}}
    fault = Fault("ConditionalCheckFailedException", "m", members={"Item": item})
    response = render_fault(fault, "json", service("dynamodb"), None, "id")
    assert json.loads(body(response))["Item"] == {"k": {"B": "AA=="}}


def test_a_rest_json_fault_has_its_type_in_a_header_and_header_members_as_headers() -> None:
    fault = Fault("ThrottlingException", "slow", 429, members={"retryAfterSeconds": 5})
    response = render_fault(fault, "rest-json", service("accessanalyzer"), None, "id-1")
    assert response.status == 429
    assert response.headers == [
        ("x-amzn-RequestId", "id-1"),
        ("x-amzn-ErrorType", "ThrottlingException"),
        ("Retry-After", "5"),
        ("Content-Type", "application/json"),
    ]
    assert json.loads(body(response)) == {"message": "slow"}


def test_a_member_cannot_state_another_error_type_beside_ours() -> None:
    fault = Fault("AccessDeniedException", "m", 403, members={"errorType": "Other"})
    response = render_fault(fault, "rest-json", service("account"), None, "id")
    types = [value for name, value in response.headers if name.lower() == "x-amzn-errortype"]
    assert types == ["AccessDeniedException"]


def test_an_s3_fault_is_what_s3_sends() -> None:
    fault = Fault("NoSuchKey", "The specified key does not exist.", 404, resource="/b/k&", members={"Key": "k&"})
    response = render_fault(fault, "rest-xml", service("s3"), None, "ID1")
    headers = dict(response.headers)
    assert body(response).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        "<Message>The specified key does not exist.</Message><Key>k&amp;</Key><Resource>/b/k&amp;</Resource>"
        f"<RequestId>ID1</RequestId><HostId>{headers['x-amz-id-2']}</HostId></Error>"
    )
    assert headers["x-amz-request-id"] == "ID1"
    assert headers["Content-Type"] == "application/xml"


def test_the_answer_to_a_head_has_no_body() -> None:
    head = service("s3").operation_model("HeadObject")
    response = render_fault(Fault("NoSuchKey", "m", 404), "rest-xml", service("s3"), head, "id")
    assert (response.status, response.body) == (404, b"")


def test_not_modified_has_no_body() -> None:
    response = render_fault(Fault("NotModified", "m", 304), "rest-xml", service("s3"), None, "id")
    assert (response.status, response.body) == (304, b"")


def test_a_rest_xml_fault_of_another_service_has_the_form_of_query() -> None:
    response = render_fault(Fault("NoSuchHostedZone", "m", 404), "rest-xml", service("route53"), None, "id-1")
    assert body(response) == (
        b'<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Error><Type>Sender</Type>'
        b"<Code>NoSuchHostedZone</Code><Message>m</Message></Error><RequestId>id-1</RequestId></ErrorResponse>"
    )


def test_a_cbor_fault_names_its_type_and_the_code_of_the_former_query_protocol() -> None:
    fault = Fault("InvalidParameterCombination", "m")
    response = render_fault(fault, "smithy-rpc-v2-cbor", service("cloudwatch"), None, "id-1")
    assert response.headers == [
        ("x-amzn-RequestId", "id-1"),
        ("smithy-protocol", "rpc-v2-cbor"),
        ("x-amzn-query-error", "InvalidParameterCombination;Sender"),
        ("Content-Type", "application/cbor"),
    ]
    assert cbor2.loads(body(response)) == {"__type": "InvalidParameterCombinationException", "message": "m"}


def test_sqs_tells_the_code_of_its_former_query_protocol() -> None:
    response = render_fault(Fault("QueueDoesNotExist", "m"), "json", service("sqs"), None, "id")
    assert ("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender") in response.headers
    assert json.loads(body(response))["__type"] == "QueueDoesNotExist"


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_sqs_denies_by_both_names(code: str) -> None:
    response = render_fault(Fault(code, "m", 403), "json", service("sqs"), None, "id")
    assert ("x-amzn-query-error", "AccessDenied;Sender") in response.headers
    assert json.loads(body(response))["__type"] == "AccessDeniedException"


def test_a_service_that_never_spoke_query_has_no_such_header() -> None:
    response = render_fault(Fault("AccessDeniedException", "m", 400), "json", service("dynamodb"), None, "id")
    assert "x-amzn-query-error" not in dict(response.headers)


@pytest.mark.parametrize("protocol", ["query", "ec2", "json", "rest-json", "rest-xml", "smithy-rpc-v2-cbor"])
def test_a_fault_can_be_told_before_anyone_knows_the_service(protocol: str) -> None:
    response = render_fault(Fault("InvalidAction", "what?", 400), protocol, None, None, "id")
    assert response.status == 400
    assert b"InvalidAction" in body(response) + dict(response.headers).get("x-amzn-ErrorType", "").encode()
    assert b"what?" in body(response)


@pytest.mark.parametrize("protocol", ["json", "rest-json", "smithy-rpc-v2-cbor"])
def test_a_code_cannot_end_its_header(protocol: str) -> None:
    response = render_fault(Fault("X\r\nSet-Cookie: a=b", "m"), protocol, service("sqs"), None, "id")
    for name, value in response.headers:
        assert (name + value).isprintable()


def test_a_message_with_control_characters_stays_well_formed_xml() -> None:
    response = render_fault(Fault("X", "a\x00b\r"), "query", service("iam"), None, "id")
    assert "<Message>a\ufffdb&#xD;</Message>" in body(response).decode()


def test_members_that_no_model_knows_are_told_all_the_same() -> None:
    fault = Fault("Whatever", "m", members={"BucketName": "b<", "Absent": None})
    assert b"<BucketName>b&lt;</BucketName>" in body(render_fault(fault, "rest-xml", service("s3"), None, "id"))
    response = render_fault(fault, "json", service("dynamodb"), None, "id")
    assert json.loads(body(response)) == {"__type": "Whatever", "message": "m", "BucketName": "b<"}
