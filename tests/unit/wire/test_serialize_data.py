from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import botocore.session
import cbor2
import pytest

from locum.core.http import HttpResponse
from locum.wire.serialize import compile_serializer


@cache
def operation(service: str, name: str) -> Any:
    return botocore.session.get_session().get_service_model(service).operation_model(name)


def plain(response: HttpResponse) -> Any:
    assert isinstance(response.body, bytes)
    return json.loads(response.body)


def test_a_json_answer_is_what_organizations_sends() -> None:
    account = {"Id": "123456789012", "JoinedTimestamp": 1_790_000_000.25, "Name": None}
    response = compile_serializer(operation("organizations", "DescribeAccount"), "json")({"Account": account}, "id-1")
    assert response.headers == [("x-amzn-RequestId", "id-1"), ("Content-Type", "application/x-amz-json-1.1")]
    assert response.body == b'{"Account":{"Id":"123456789012","JoinedTimestamp":1790000000.25}}'


def test_a_json_operation_without_output_answers_no_body() -> None:
    response = compile_serializer(operation("organizations", "DeleteOrganization"), "json")({}, "id")
    assert (response.status, response.body) == (200, b"")


def test_the_content_type_has_the_json_version_of_the_service() -> None:
    response = compile_serializer(operation("dynamodb", "ListTables"), "json")({}, "id")
    assert ("Content-Type", "application/x-amz-json-1.0") in response.headers
    assert response.body == b"{}"


def test_instants_obey_the_format_of_the_model() -> None:
    analyzer = {"createdAt": 1_790_000_000, "lastResourceAnalyzedAt": 1_790_000_000.5}
    response = compile_serializer(operation("accessanalyzer", "GetAnalyzer"), "rest-json")({"analyzer": analyzer}, "id")
    assert plain(response)["analyzer"] == {
        "createdAt": "2026-09-21T14:13:20Z",
        "lastResourceAnalyzedAt": "2026-09-21T14:13:20.500Z",
    }


def test_blobs_and_sets_and_tuples_are_written_as_json_has_them() -> None:
    item = {"b": {"B": b"\x00\xff"}, "s": {"SS": ("x", "y")}, "e": {"L": []}}
    response = compile_serializer(operation("dynamodb", "GetItem"), "json")({"Item": item}, "id")
    assert plain(response) == {"Item": {"b": {"B": "AP8="}, "s": {"SS": ["x", "y"]}, "e": {"L": []}}}


@pytest.mark.parametrize(("value", "written"), [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")])
def test_numbers_that_json_does_not_have_are_strings(value: float, written: str) -> None:
    answer = {"ConsumedCapacity": {"CapacityUnits": value}}
    response = compile_serializer(operation("dynamodb", "GetItem"), "json")(answer, "id")
    assert plain(response) == {"ConsumedCapacity": {"CapacityUnits": written}}


def test_a_lone_surrogate_is_escaped_not_fatal() -> None:
    response = compile_serializer(operation("sqs", "GetQueueUrl"), "json")({"QueueUrl": "\ud800é"}, "id")
    assert response.body == b'{"QueueUrl":"\\ud800\\u00e9"}'


def test_a_member_unknown_anywhere_inside_is_refused_by_name() -> None:
    serialize = compile_serializer(operation("organizations", "DescribeAccount"), "json")
    with pytest.raises(ValueError, match="Account has no member 'Nane'"):
        serialize({"Account": {"Nane": "typo"}}, "id")


def test_a_cbor_answer_has_tagged_instants_and_names_its_protocol() -> None:
    alarm = {"AlarmName": "a", "StateUpdatedTimestamp": 1_790_000_000.5}
    serialize = compile_serializer(operation("cloudwatch", "DescribeAlarms"), "smithy-rpc-v2-cbor")
    response = serialize({"MetricAlarms": [alarm]}, "id-1")
    assert response.headers == [
        ("x-amzn-RequestId", "id-1"),
        ("smithy-protocol", "rpc-v2-cbor"),
        ("Content-Type", "application/cbor"),
    ]
    assert isinstance(response.body, bytes)
    assert cbor2.dumps(cbor2.CBORTag(1, 1_790_000_000.5)) in response.body
    assert cbor2.loads(response.body)["MetricAlarms"][0]["AlarmName"] == "a"


def test_a_cbor_operation_without_output_answers_neither_body_nor_content_type() -> None:
    response = compile_serializer(operation("cloudwatch", "DeleteAlarms"), "smithy-rpc-v2-cbor")({}, "id-1")
    assert response.body == b""
    assert "Content-Type" not in dict(response.headers)


def test_an_event_stream_goes_out_as_the_frames_it_was_given() -> None:
    serialize = compile_serializer(operation("kinesis", "SubscribeToShard"), "json")
    response = serialize({"EventStream": b"frames"}, "id")
    assert response.body == b"frames"
    assert ("Content-Type", "application/vnd.amazon.eventstream") in response.headers
