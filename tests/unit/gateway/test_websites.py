"""Websites of S3: what a browser gets that signs nothing."""

from __future__ import annotations

import json

import pytest

from locum.core.http import HttpRequest
from support.inprocess import Answer, InProcess

HOST = "site.s3-website.localhost:4566"
CONFIGURATION = {
    "IndexDocument": {"Suffix": "index.html"},
    "ErrorDocument": {"Key": "error.html"},
    "RoutingRules": [
        {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}},
        {
            "Condition": {"KeyPrefixEquals": "lost/", "HttpErrorCodeReturnedEquals": "404"},
            "Redirect": {"HostName": "other.example", "Protocol": "https", "HttpRedirectCode": "302"},
        },
    ],
}


@pytest.fixture(scope="module", autouse=True)
def site(plane: InProcess) -> str:
    s3 = plane.client("s3")
    for name in ("site", "elsewhere", "no-site"):
        s3.create_bucket(Bucket=name)
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*"}
    hidden = {**public, "Effect": "Deny", "Resource": "arn:aws:s3:::site/hidden"}
    listed = {**public, "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::site"}
    s3.put_bucket_policy(
        Bucket="site", Policy=json.dumps({"Version": "2012-10-17", "Statement": [public, hidden, listed]})
    )
    s3.put_bucket_website(Bucket="site", WebsiteConfiguration=CONFIGURATION)
    target = {"RedirectAllRequestsTo": {"HostName": "www.example", "Protocol": "https"}}
    s3.put_bucket_website(Bucket="elsewhere", WebsiteConfiguration=target)
    for key in ("index.html", "docs/index.html", "error.html", "a b.txt", "hidden"):
        s3.put_object(Bucket="site", Key=key, Body=key.encode(), ContentType="text/html")
    s3.put_object(Bucket="site", Key="moved", Body=b"", WebsiteRedirectLocation="/a%20b.txt")
    return "site"


def get(plane: InProcess, path: str, host: str = HOST, method: str = "GET", **headers: str) -> Answer:
    return plane.send(HttpRequest(method, path, "", {"host": host} | headers))


@pytest.mark.parametrize(
    ("path", "body"), [("/", b"index.html"), ("/docs/", b"docs/index.html"), ("/a%20b.txt", b"a b.txt")]
)
def test_a_path_is_the_object_or_the_index_of_a_folder(plane: InProcess, path: str, body: bytes) -> None:
    answer = get(plane, path)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, body, "text/html")
    head = get(plane, path, method="HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(body)))


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/moved", 301, "/a%20b.txt"),
        ("/old/a%20b", 301, f"http://{HOST}/new/a%20b"),
        ("/lost/x", 302, "https://other.example/lost/x"),
    ],
)
def test_rules_and_objects_redirect(plane: InProcess, path: str, status: int, location: str) -> None:
    answer = get(plane, path)
    assert (answer.status, answer.headers["location"]) == (status, location)


def test_a_whole_site_may_be_elsewhere(plane: InProcess) -> None:
    answer = get(plane, "/a/b", "elsewhere.s3-website-us-east-1.amazonaws.com")
    assert (answer.status, answer.headers["location"]) == (301, "https://www.example/a/b")


@pytest.mark.parametrize(("path", "status"), [("/none", 404), ("/hidden", 403)])
def test_an_error_is_the_error_document_with_its_own_status(plane: InProcess, path: str, status: int) -> None:
    answer = get(plane, path)
    assert (answer.status, answer.body) == (status, b"error.html")


@pytest.mark.parametrize(
    ("host", "method", "status", "code"),
    [
        ("no-site.s3-website.localhost:4566", "GET", 404, b"NoSuchWebsiteConfiguration"),
        ("nowhere.s3-website.localhost:4566", "GET", 404, b"NoSuchWebsiteConfiguration"),
        (HOST, "PUT", 405, b"MethodNotAllowed"),
        (HOST, "DELETE", 405, b"MethodNotAllowed"),
    ],
)
def test_what_is_no_page_is_refused_in_html(plane: InProcess, host: str, method: str, status: int, code: bytes) -> None:
    answer = get(plane, "/index.html", host, method)
    assert (answer.status, code in answer.body) == (status, True)
    assert answer.headers["content-type"].startswith("text/html")
    assert plane.client("s3").head_object(Bucket="site", Key="index.html")["ContentLength"] == 10


def test_each_page_is_a_call_that_nobody_made_and_a_signature_changes_nothing(plane: InProcess) -> None:
    answer = get(plane, "/index.html")
    record = plane.record(answer.headers["x-amz-request-id"])
    assert (record.operation, record.verdict, record.identity.access_key_id) == ("GetObject", "allow", "")
    signed = plane.request("s3", "get_object", Bucket="site", Key="hidden")
    signed.headers = {**signed.headers, "host": HOST}
    signed.raw_path = "/hidden"
    assert plane.send(signed).status == 403


def test_what_a_page_shows_of_the_request_is_escaped(plane: InProcess) -> None:
    answer = get(plane, "/<script>", "no-site.s3-website.localhost:4566")
    assert b"<script>" not in answer.body
