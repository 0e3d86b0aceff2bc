"""Forms that upload to S3: how they are read, and the PutObject that they are."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.errors import Fault
from locum.core.http import HttpRequest, HttpResponse
from locum.wire import answer_to_form, codec_of, filled, is_post_form, put_object_request, read_post_form
from support.post_forms import BOUNDARY, encoded, form

URL = "http://127.0.0.1:4566/bucket"


def refusal(request: HttpRequest) -> str:
    with pytest.raises(Fault) as caught:
        put_object_request(request, filled(read_post_form(request)))
    return caught.value.code


def put(fields: dict[str, str], file: bytes = b"content", filename: str = "x.txt", url: str = URL) -> HttpRequest:
    request = form(url, encoded(fields, file, filename))
    return put_object_request(request, filled(read_post_form(request)))


def params(request: HttpRequest) -> dict[str, Any]:
    codec = codec_of("s3", "PutObject")
    assert codec is not None
    return codec.parse(request, request.body)


def test_a_form_is_read_whatever_the_case_of_its_names() -> None:
    read = read_post_form(form(URL, encoded({"KeY": "k", "Content-Type": "a/b"}, b"\r\n--x\r\n\x00\xff")))
    assert read.fields == {"key": "k", "content-type": "a/b"}
    assert (read.file, read.filename) == (b"\r\n--x\r\n\x00\xff", "x.txt")


def test_what_follows_the_file_is_ignored() -> None:
    body = encoded({"key": "k"}).replace(
        f"--{BOUNDARY}--".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="acl"\r\n\r\npublic-read\r\n--{BOUNDARY}--'.encode(),
    )
    assert read_post_form(form(URL, body)).fields == {"key": "k"}


@pytest.mark.parametrize(
    ("name", "read"),
    [("a.txt", "a.txt"), ("a/b\\c.txt", "c.txt"), ("%22a%22", '"a"'), ("é.txt", "é.txt"), ("", "")],
)
def test_the_name_of_the_file_is_filled_in_without_its_path(name: str, read: str) -> None:
    found = params(put({"key": "in/${filename}", "x-amz-meta-name": "${filename}"}, filename=name))
    assert found["Key"] == f"in/{read}"


def test_fields_become_the_headers_of_the_put_and_no_others_do() -> None:
    fields = {
        "key": "a b/é",
        "acl": "private",
        "Content-Type": "text/plain",
        "Cache-Control": "no-cache",
        "x-amz-meta-Colour": "green",
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-copy-source": "other/secret",
        "x-amz-security-token": "token",
        "authorization": "AWS4-HMAC-SHA256 x",
        "content-length": "1",
        "x-moto-account-id": "1",
        "tagging": "<Tagging><TagSet><Tag><Key>a</Key><Value>1 2</Value></Tag></TagSet></Tagging>",
    }
    request = put(fields)
    assert {"x-amz-copy-source", "authorization", "x-moto-account-id", "x-amz-security-token"}.isdisjoint(
        request.headers
    )
    assert request.method == "PUT"
    assert request.raw_path == "/bucket/a%20b/%C3%A9"
    assert params(request) == {
        "Bucket": "bucket",
        "Key": "a b/é",
        "ACL": "private",
        "ContentType": "text/plain",
        "ContentLength": 7,
        "CacheControl": "no-cache",
        "Metadata": {"colour": "green"},
        "StorageClass": "STANDARD_IA",
        "Tagging": "a=1%202",
        "Body": b"content",
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MalformedPOSTRequest"),
        (b"key=k&file=x", "MalformedPOSTRequest"),
        (encoded({"key": "k"})[:-20], "MalformedPOSTRequest"),
        (b"preamble\r\n" + encoded({"key": "k"}), "MalformedPOSTRequest"),
        (encoded({"key": "k"}).replace(b'name="key"', b"nope"), "MalformedPOSTRequest"),
        (encoded({"key": "k"}).replace(b'form-data; name="key"', b'attachment; name="key"'), "MalformedPOSTRequest"),
        (encoded({"key": "k"}).replace(b"\r\n\r\nk", b"\r\nk"), "MalformedPOSTRequest"),
        (encoded({"key": "k"}).replace(b"\r\n\r\nk", b"\r\n\r\n\xff"), "MalformedPOSTRequest"),
        (encoded({"key": "k"}).replace(b'name="file"', b'name="data"'), "InvalidArgument"),
        (encoded([("key", "k"), ("Key", "other")]), "InvalidArgument"),
        (encoded({}), "InvalidArgument"),
        (encoded({"key": ""}), "InvalidArgument"),
        (encoded({"key": "k" * 1025}), "KeyTooLongError"),
        (encoded({"key": "k", "x-ignore-a": "a" * 20_480}), "MaxPostPreDataLengthExceededError"),
        (encoded({"key": "k", "a" * 20_480: "a"}), "MaxPostPreDataLengthExceededError"),
        (encoded({"key": "k", "tagging": "<Tagging>"}), "MalformedXML"),
        (encoded({"key": "k", "x-amz-meta-a": "b\r\nx-amz-copy-source: other/secret"}), "InvalidArgument"),
        (encoded({"key": "k", "x-amz-meta-a%0D%0Ax-amz-copy-source": "other/secret"}), "InvalidArgument"),
        (encoded({"key": "k", "x-amz-meta-a b": "c"}), "InvalidArgument"),
        (encoded({"key": "k", "tagging": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}), "MalformedXML"),
    ],
)
def test_what_is_no_such_form_is_refused(body: bytes, code: str) -> None:
    assert refusal(form(URL, body)) == code


@pytest.mark.parametrize("boundary", ["", '""', "a" * 71, "a\x00b"])
def test_a_boundary_that_is_none_is_refused(boundary: str) -> None:
    request = form(URL, encoded({"key": "k"}), **{"content-type": f"multipart/form-data; boundary={boundary}"})
    assert refusal(request) == "MalformedPOSTRequest"


@pytest.mark.parametrize(
    ("url", "headers", "wanted"),
    [
        (URL, {}, True),
        ("http://bucket.s3.localhost:4566/", {}, True),
        ("http://127.0.0.1:4566/bucket/key", {}, False),
        ("http://127.0.0.1:4566/", {}, False),
        (URL, {"content-type": "application/x-www-form-urlencoded"}, False),
        (URL, {"authorization": "AWS4-HMAC-SHA256 x"}, False),
        (URL, {"x-amz-target": "DynamoDB_20120810.ListTables"}, False),
    ],
)
def test_only_a_form_to_a_bucket_is_one(url: str, headers: dict[str, str], wanted: bool) -> None:
    assert is_post_form(form(url, b"", **headers)) is wanted


ANSWER = HttpResponse(200, [("ETag", '"e"'), ("x-amz-version-id", "v"), ("Content-Type", "text/html")])


@pytest.mark.parametrize(
    ("fields", "status", "location"),
    [
        ({}, 204, "http://127.0.0.1:4566/bucket/a%2Fb"),
        ({"success_action_status": "200"}, 200, "http://127.0.0.1:4566/bucket/a%2Fb"),
        ({"success_action_status": "201"}, 201, "http://127.0.0.1:4566/bucket/a%2Fb"),
        ({"success_action_status": "404"}, 204, "http://127.0.0.1:4566/bucket/a%2Fb"),
        (
            {"success_action_redirect": "https://x.example/done", "success_action_status": "201"},
            303,
            "https://x.example/done?bucket=bucket&key=a%2Fb&etag=%22e%22",
        ),
        ({"redirect": "http://x.example/?a=b"}, 303, "http://x.example/?a=b&bucket=bucket&key=a%2Fb&etag=%22e%22"),
        ({"redirect": "javascript:alert(1)"}, 204, "http://127.0.0.1:4566/bucket/a%2Fb"),
        ({"redirect": "http://x.example/\r\nset-cookie: a"}, 204, "http://127.0.0.1:4566/bucket/a%2Fb"),
    ],
)
def test_the_answer_is_the_one_that_the_form_asks_for(fields: dict[str, str], status: int, location: str) -> None:
    request = form(URL, encoded({"key": "a/b"} | fields))
    read = read_post_form(request)
    answer = answer_to_form(put_object_request(request, read), read, ANSWER)
    headers = dict(answer.headers)
    assert (answer.status, headers["Location"], headers["ETag"], headers["x-amz-version-id"]) == (
        status, location, '"e"', "v",
    )  # fmt: skip
    assert bytes(answer.body) == (  # type: ignore[arg-type]
        b'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse><Location>http://127.0.0.1:4566/bucket/a%2Fb</Location>'
        b'<Bucket>bucket</Bucket><Key>a/b</Key><ETag>"e"</ETag></PostResponse>'
        if status == 201
        else b""
    )


def test_an_error_is_answered_as_it_is() -> None:
    request = form(URL, encoded({"key": "k", "redirect": "http://x.example/"}))
    read = read_post_form(request)
    error = HttpResponse(404, [], b"<Error/>")
    assert answer_to_form(put_object_request(request, read), read, error) is error
