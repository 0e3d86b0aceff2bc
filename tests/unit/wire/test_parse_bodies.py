"""Reading JSON, CBOR and XML bodies, and what REST binds elsewhere."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import pytest

from locum.core.http import HttpRequest
from support.wire_requests import read, refusal, rest, target

GET_ITEM = "DynamoDB_20120810.GetItem"


def test_json_values_are_read_by_the_shape() -> None:
    item = {"TableName": "t", "Key": {"k": {"B": "AAE="}, "n": {"N": "1"}}, "ConsistentRead": True, "Other": 1}
    assert read(target(GET_ITEM, item), "dynamodb") == {
        "TableName": "t",
        "Key": {"k": {"B": b"\x00\x01"}, "n": {"N": "1"}},
        "ConsistentRead": True,
    }


def test_null_is_the_same_as_absent_and_no_body_is_an_empty_one() -> None:
    assert read(target(GET_ITEM, {"TableName": None}), "dynamodb") == {}
    assert read(target(GET_ITEM, b""), "dynamodb") == {}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"TableName": 1}, "NUMBER_VALUE cannot be converted to String"),
        ({"TableName": 1.5}, "DECIMAL_VALUE cannot be converted to String"),
        ({"TableName": True}, "TRUE_VALUE cannot be converted to String"),
        ({"TableName": []}, "Start of list found where not expected"),
        ({"TableName": {}}, "Start of structure or map found where not expected."),
        ({"ConsistentRead": "true"}, "STRING_VALUE cannot be converted to Boolean"),
        ({"Key": "x"}, "STRING_VALUE cannot be converted to Map"),
        ({"Key": {"k": {"B": "***"}}}, "Invalid base64 encoded data"),
        ([], "Start of list found where not expected"),
        (b"{", "Unable to parse the request body as JSON"),
        (b'{"TableName": "\xff"}', "Unable to parse the request body as JSON"),
        (b'{"TableName": "\\ud800"}', "Unable to parse the request body as JSON"),
        (b'{"TableName": "a", "TableName": "b"}', "Unable to parse the request body as JSON"),
        (b'{"Limit": NaN}', "Unable to parse the request body as JSON"),
        (b"[" * 100_000, "Unable to parse the request body as JSON"),
    ],
)
def test_malformed_json_is_a_serialization_exception(body: Any, message: str) -> None:
    fault = refusal(target(GET_ITEM, body), "dynamodb")
    assert (fault.code, fault.status, fault.message) == ("SerializationException", 400, message)


def test_a_value_nested_without_end_is_refused() -> None:
    body = b'{"Key":{"k":' + b'{"M":{"k":' * 5000 + b"{}" + b"}}" * 5000 + b"}}"
    assert refusal(target(GET_ITEM, body), "dynamodb").code == "SerializationException"


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        (1_700_000_000, 1_700_000_000),
        (1_700_000_000.5, 1_700_000_000.5),
        (1_700_000_000.0, 1_700_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000),
        ("2023-11-14T22:13:20.5Z", 1_700_000_000.5),
        ("Tue, 14 Nov 2023 22:13:20 GMT", 1_700_000_000),
        ("1700000000", 1_700_000_000),
    ],
)
def test_instants_are_taken_in_every_format_of_smithy(sent: Any, seconds: float) -> None:
    request = target("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents", {"StartTime": sent})
    read_ = read(request, "cloudtrail")["StartTime"]
    assert (read_, type(read_)) == (seconds, type(seconds))


@pytest.mark.parametrize(
    "sent", ["soon", "2023-13-01T00:00:00Z", "2023-W01-1", 1e20, True, "Tue, 14 Foo 2023 22:13:20 GMT"]
)
def test_what_is_no_instant_is_refused(sent: Any) -> None:
    request = target("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents", {"StartTime": sent})
    assert refusal(request, "cloudtrail").code == "SerializationException"


def cbor(value: Any, operation: str = "PutMetricData") -> HttpRequest:
    body = value if isinstance(value, bytes) else cbor2.dumps(value)
    path = f"/service/GraniteServiceVersion20100801/operation/{operation}"
    return HttpRequest("POST", path, "", {"smithy-protocol": "rpc-v2-cbor"}, body)


def test_cbor_is_read_by_the_shape() -> None:
    datum = {"MetricName": "m", "Value": 1.5, "Timestamp": cbor2.CBORTag(1, 1_700_000_000)}
    assert read(cbor({"Namespace": "n", "MetricData": [datum]}), "monitoring") == {
        "Namespace": "n",
        "MetricData": [{"MetricName": "m", "Value": 1.5, "Timestamp": 1_700_000_000}],
    }
    assert read(cbor(b""), "monitoring") == {}


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"\x81" * 100_000,
        bytes.fromhex("a16a4d657472696344617461d81c81d81d00"),
        {"Namespace": 1},
        {"MetricData": {}},
    ],
)
def test_malformed_cbor_is_a_serialization_exception(body: Any) -> None:
    assert refusal(cbor(body), "monitoring").code == "SerializationException"


def test_xml_is_read_whatever_its_namespace() -> None:
    body = (
        b'<?xml version="1.0"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet> true </Quiet>'
        b"<Object><Key> a </Key></Object><Object><Key>b&amp;<![CDATA[<c>]]></Key><VersionId>1</VersionId></Object>"
        b"<Unknown>1</Unknown></Delete>"
    )
    assert read(rest("POST", "/b?delete", body), "s3")["Delete"] == {
        "Quiet": True,
        "Objects": [{"Key": " a "}, {"Key": "b&<c>", "VersionId": "1"}],
    }


def test_attributes_of_xml_are_members() -> None:
    body = (
        b'<AccessControlPolicy><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        b' xsi:type="CanonicalUser"><ID>x</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList>'
        b"</AccessControlPolicy>"
    )
    grants = read(rest("PUT", "/b?acl", body), "s3")["AccessControlPolicy"]["Grants"]
    assert grants == [{"Grantee": {"Type": "CanonicalUser", "ID": "x"}, "Permission": "READ"}]


BOMB = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;&b;">]><Delete><Object><Key>&c;</Key></Object></Delete>'


@pytest.mark.parametrize(
    "body",
    [
        b"<Delete>",
        b"<Delete><Object><Key><x/></Key></Object></Delete>",
        b"<Delete><Quiet>yes</Quiet></Delete>",
        b"<Delete><Quiet>true</Quiet><Quiet>false</Quiet></Delete>",
        b"<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
        b"<!DOCTYPE Delete><Delete/>",
        BOMB,
        ('<?xml version="1.0" encoding="utf-16"?>' + BOMB.decode()).encode("utf-16"),
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&b;</Key></Object></Delete>',
        b"not xml",
    ],
)
def test_malformed_or_dangerous_xml_is_refused(body: bytes) -> None:
    assert refusal(rest("POST", "/b?delete", body), "s3").code == "MalformedXML"


def test_rest_binds_headers_prefixes_query_and_payload() -> None:
    request = rest(
        "PUT", "/b/k", b"raw", x_amz_meta_a="1", x_amz_meta_b_c="2", x_amz_acl="private", content_type="text/plain"
    )
    assert read(request, "s3") == {
        "Bucket": "b",
        "Key": "k",
        "Body": b"raw",
        "Metadata": {"a": "1", "b-c": "2"},
        "ACL": "private",
        "ContentType": "text/plain",
    }


def test_a_query_parameter_that_comes_twice_is_refused() -> None:
    fault = refusal(rest("GET", "/b?prefix=a&prefix=b"), "s3")
    assert (fault.code, fault.members["ArgumentName"]) == ("InvalidArgument", "prefix")


def test_lists_in_the_query_string_are_repeated_parameters() -> None:
    request = rest("DELETE", "/2017-03-31/tags/arn%3Aaws%3Alambda?tagKeys=a&tagKeys=b%2Cc")
    assert read(request, "lambda") == {"Resource": "arn:aws:lambda", "TagKeys": ["a", "b,c"]}


def test_lists_in_a_header_may_be_quoted() -> None:
    request = rest("GET", "/b/k?attributes", x_amz_object_attributes='ETag, "a,b" ,"c\\"d",ObjectSize')
    assert read(request, "s3")["ObjectAttributes"] == ["ETag", "a,b", 'c"d', "ObjectSize"]


def test_rest_json_reads_raw_payloads_raw() -> None:
    request = rest("POST", "/2015-03-31/functions/f/invocations", b'{"a":', x_amz_log_type="Tail")
    assert read(request, "lambda") == {"FunctionName": "f", "Payload": b'{"a":', "LogType": "Tail"}


def test_rest_json_refuses_what_is_not_json() -> None:
    assert refusal(rest("POST", "/2015-03-31/functions", b"{"), "lambda").code == "SerializationException"
    body = json.dumps({"FunctionName": "f", "Timeout": "x"}).encode()
    fault = refusal(rest("POST", "/2015-03-31/functions", body), "lambda")
    assert fault.message == "STRING_VALUE cannot be converted to Integer"
