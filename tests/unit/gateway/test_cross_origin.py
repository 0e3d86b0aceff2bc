"""Browsers of other origins: preflight requests, which nobody signs, and what their answers tell."""

from __future__ import annotations

from typing import Any

import pytest

from locum.calls.cors import answer_headers, matching
from locum.core.http import HttpRequest
from support.inprocess import Answer, InProcess
from support.post_forms import encoded, form

APP = "https://app.example"
RULES: list[dict[str, Any]] = [
    {
        "AllowedOrigins": [APP, "https://*.trusted.example"],
        "AllowedMethods": ["PUT", "POST"],
        "AllowedHeaders": ["content-type", "x-amz-meta-*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 60,
    },
    {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]},
]


@pytest.fixture(scope="module", autouse=True)
def bucket(plane: InProcess) -> str:
    s3 = plane.client("s3")
    for name in ("origins", "no-origins"):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_cors(Bucket="origins", CORSConfiguration={"CORSRules": RULES})
    s3.put_object(Bucket="origins", Key="k", Body=b"x")
    return "origins"


def preflight(
    plane: InProcess, path: str, method: str, origin: str = APP, headers: str = "", query: str = ""
) -> Answer:
    sent = {"host": "127.0.0.1:4566", "origin": origin, "access-control-request-method": method}
    if headers:
        sent["access-control-request-headers"] = headers
    return plane.send(HttpRequest("OPTIONS", path, query, sent))


def test_a_request_that_the_rules_allow_may_be_made(plane: InProcess) -> None:
    answer = preflight(plane, "/origins/new", "PUT", headers="Content-Type, x-amz-meta-a")
    assert (answer.status, answer.body) == (200, b"")
    told = {name: value for name, value in answer.headers.items() if name.startswith(("access", "vary"))}
    assert told == {
        "access-control-allow-origin": APP,
        "access-control-allow-methods": "PUT, POST",
        "access-control-allow-headers": "content-type, x-amz-meta-a",
        "access-control-expose-headers": "ETag",
        "access-control-max-age": "60",
        "access-control-allow-credentials": "true",
        "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }


def test_everybody_may_read_and_sends_no_credentials(plane: InProcess) -> None:
    answer = preflight(plane, "/origins/k", "GET", "https://stranger.example")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("path", "method", "origin", "headers", "told"),
    [
        ("/origins/k", "PUT", "https://stranger.example", "", b"This CORS request is not allowed"),
        ("/origins/k", "PUT", "https://app.example.evil", "", b"This CORS request is not allowed"),
        ("/origins/k", "DELETE", APP, "", b"This CORS request is not allowed"),
        ("/origins/k", "PUT", APP, "x-amz-acl", b"This CORS request is not allowed"),
        ("/no-origins/k", "GET", APP, "", b"CORS is not enabled for this bucket."),
        ("/nowhere-origins/k", "GET", APP, "", b"CORS is not enabled for this bucket."),
    ],
)
def test_what_no_rule_allows_is_forbidden_and_recorded(
    plane: InProcess, path: str, method: str, origin: str, headers: str, told: bytes
) -> None:
    answer = preflight(plane, path, method, origin, headers)
    assert answer.status == 403
    assert b"<Code>AccessForbidden</Code>" in answer.body
    assert told in answer.body
    assert "access-control-allow-origin" not in answer.headers
    assert plane.record(answer.headers["x-amz-request-id"]).error_code == "AccessForbidden"


def test_a_preflight_for_a_presigned_url_is_not_held_to_its_signature(plane: InProcess) -> None:
    query = "AWSAccessKeyId=AKIA&Signature=x&Expires=1"
    assert preflight(plane, "/origins/k", "PUT", query=query).status == 200


def test_a_request_without_an_origin_is_no_preflight(plane: InProcess) -> None:
    headers = {"host": "h", "access-control-request-method": "PUT"}
    answer = plane.send(HttpRequest("OPTIONS", "/origins/k", "", headers))
    assert (answer.status, b"Origin request header needed" in answer.body) == (400, True)
    assert plane.send(HttpRequest("OPTIONS", "/origins/k", "", {"host": "h"})).status == 405


def test_a_preflight_opens_nothing(plane: InProcess) -> None:
    assert preflight(plane, "/origins/k", "GET").status == 200
    answer = plane.send(HttpRequest("GET", "/origins/k", "", {"host": "127.0.0.1:4566", "origin": APP}))
    assert answer.status == 403


def test_the_answer_to_a_form_tells_its_origin(plane: InProcess) -> None:
    made = plane.client("s3").generate_presigned_post("origins", "up/x")
    answer = plane.send(form(made["url"], encoded(made["fields"]), origin=APP))
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, APP)
    stranger = plane.send(form(made["url"], encoded(made["fields"]), origin="https://stranger.example"))
    assert (stranger.status, stranger.headers.get("access-control-allow-origin")) == (204, None)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.trusted.example", True),
        ("https://.trusted.example", True),
        ("https://trusted.example", False),
        ("http://a.trusted.example", False),
    ],
)
def test_a_wildcard_stands_for_any_characters(origin: str, allowed: bool) -> None:
    found = matching(RULES, origin, "PUT", [])
    assert (found is not None) is allowed
    if found is not None:
        assert dict(answer_headers(found, origin, []))["Access-Control-Allow-Origin"] == origin
