from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import botocore.session
import pytest

from locum.wire.serialize import compile_serializer


@cache
def operation(service: str, name: str) -> Any:
    return botocore.session.get_session().get_service_model(service).operation_model(name)


def test_members_of_s3_go_to_headers_and_the_body_streams_through() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"

    stream = chunks()
    answer = {
        "Body": stream,
        "ContentLength": 3,
        "ETag": '"e"',
        "LastModified": 1_790_000_000,
        "Metadata": {"colour": "blue"},
        "DeleteMarker": False,
        "VersionId": None,
    }
    response = compile_serializer(operation("s3", "GetObject"), "rest-xml")(answer, "ID1")
    assert response.body is stream
    headers = dict(response.headers)
    assert headers.pop("x-amz-id-2")
    assert headers == {
        "x-amz-request-id": "ID1",
        "Content-Length": "3",
        "ETag": '"e"',
        "Last-Modified": "Mon, 21 Sep 2026 14:13:20 GMT",
        "x-amz-meta-colour": "blue",
        "x-amz-delete-marker": "false",
        "Content-Type": "binary/octet-stream",
    }


def test_a_content_type_that_the_answer_states_is_not_added_to() -> None:
    answer = {"Body": b"x", "ContentType": "text/plain"}
    response = compile_serializer(operation("s3", "GetObject"), "rest-xml")(answer, "id")
    assert [value for name, value in response.headers if name == "Content-Type"] == ["text/plain"]


@pytest.mark.parametrize("attack", ["a\r\nSet-Cookie: x=1", "a\nb", "a\x00b", "a\r\r\nb", "\u2028ü\r\nX: y"])
def test_a_value_cannot_end_its_header_and_begin_another(attack: str) -> None:
    answer = {"ContentType": attack, "Metadata": {"m": attack, attack: "v"}}
    response = compile_serializer(operation("s3", "HeadObject"), "rest-xml")(answer, "id")
    for name, value in response.headers:
        assert (name + value).isascii()
        assert (name + value).isprintable()


def test_metadata_outside_of_ascii_is_wrapped_as_s3_wraps_it() -> None:
    response = compile_serializer(operation("s3", "HeadObject"), "rest-xml")({"Metadata": {"m": "ü"}}, "id")
    assert ("x-amz-meta-m", "=?UTF-8?B?w7w=?=") in response.headers


def test_the_status_is_the_member_that_the_model_says_or_else_the_model_s() -> None:
    invoke = compile_serializer(operation("lambda", "Invoke"), "rest-json")
    response = invoke({"StatusCode": 202, "Payload": b"{}", "ExecutedVersion": "1"}, "id")
    assert (response.status, response.body) == (202, b"{}")
    assert ("X-Amz-Executed-Version", "1") in response.headers
    assert compile_serializer(operation("lambda", "DeleteAlias"), "rest-json")({}, "id").status == 204
    assert compile_serializer(operation("lambda", "CreateFunction"), "rest-json")({}, "id").status == 201


def test_a_structure_that_is_the_payload_is_the_whole_body() -> None:
    answer = {"CopyObjectResult": {"ETag": '"e"'}, "VersionId": "v"}
    response = compile_serializer(operation("s3", "CopyObject"), "rest-xml")(answer, "id")
    assert response.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        b'<ETag>"e"</ETag></CopyObjectResult>'
    )
    assert ("x-amz-version-id", "v") in response.headers


def test_flattened_lists_have_no_element_around_them() -> None:
    answer = {"Name": "b", "Contents": [{"Key": "k1"}, {"Key": "k&2"}]}
    response = compile_serializer(operation("s3", "ListObjectsV2"), "rest-xml")(answer, "id")
    assert response.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        b"<Name>b</Name><Contents><Key>k1</Key></Contents><Contents><Key>k&amp;2</Key></Contents></ListBucketResult>"
    )


def test_a_rest_json_answer_is_what_access_analyzer_sends() -> None:
    response = compile_serializer(operation("accessanalyzer", "CreateAnalyzer"), "rest-json")({"arn": "a"}, "id-1")
    assert response.headers == [("x-amzn-RequestId", "id-1"), ("Content-Type", "application/json")]
    assert response.body == b'{"arn":"a"}'


def test_an_answer_without_anything_for_the_body_has_none() -> None:
    response = compile_serializer(operation("s3", "PutObject"), "rest-xml")({"ETag": '"e"'}, "id")
    assert response.body == b""
    assert "Content-Type" not in dict(response.headers)


@pytest.mark.parametrize(
    ("service", "name", "protocol"),
    [
        ("s3", "GetObject", "rest-xml"),
        ("s3", "CopyObject", "rest-xml"),
        ("s3", "PutObject", "rest-xml"),
        ("s3", "GetBucketLocation", "rest-xml"),
        ("s3", "SelectObjectContent", "rest-xml"),
        ("lambda", "Invoke", "rest-json"),
    ],
)
def test_a_member_unknown_beside_a_payload_is_refused(service: str, name: str, protocol: str) -> None:
    with pytest.raises(ValueError, match="Etag"):
        compile_serializer(operation(service, name), protocol)({"Etag": "typo"}, "id")


def test_an_event_stream_goes_out_as_the_frames_it_was_given() -> None:
    response = compile_serializer(operation("s3", "SelectObjectContent"), "rest-xml")({"Payload": b"frames"}, "id")
    assert response.body == b"frames"
    assert ("Content-Type", "application/vnd.amazon.eventstream") in response.headers
