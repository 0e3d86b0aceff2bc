"""Presigned URLs as boto3 makes them by default for an endpoint that is not AWS's: of Signature Version 2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import HmacV1Auth, HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from locum.core.http import HttpRequest
from support.inprocess import Answer, InProcess, Key

READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shared/*"}


@pytest.fixture(scope="module", autouse=True)
def bucket(plane: InProcess) -> str:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="shared")
    s3.put_object(Bucket="shared", Key="a b/é", Body=b"content")
    return "shared"


def fetched(
    plane: InProcess, url: str, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """The answer to whoever has the URL."""
    parts = urlsplit(url)
    sent = {"host": parts.netloc} | dict(headers or {})
    return plane.send(HttpRequest(method, parts.path, parts.query, sent, body))


def presigned(plane: InProcess, key: Key | None = None, method: str = "get_object", **parameters: Any) -> str:
    client = plane.client("s3", key, **parameters.pop("config", {}))
    url: str = client.generate_presigned_url(method, Params={"Bucket": "shared", "Key": "a b/é"} | parameters)
    assert "AWSAccessKeyId=" in url
    assert "X-Amz-" not in url
    return url


def test_a_url_that_boto3_makes_by_default_reads_what_its_maker_may_read(plane: InProcess) -> None:
    reader, nobody = plane.user("v2-reader", READ), plane.user("v2-nobody")
    assert fetched(plane, presigned(plane, reader))[::2] == (200, b"content")
    refused = fetched(plane, presigned(plane, nobody))
    assert refused.status == 403
    assert b"<Code>AccessDenied</Code>" in refused.body
    assert fetched(plane, presigned(plane, reader), "DELETE").status == 403


def test_the_credentials_of_a_role_sign_too_and_its_token_is_checked(plane: InProcess) -> None:
    role = plane.client("iam").create_role(
        RoleName="v2-signer",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"AWS": "000000000000"},
                    "Action": "sts:AssumeRole",
                },
            }
        ),
    )["Role"]
    document = json.dumps({"Version": "2012-10-17", "Statement": READ})
    plane.client("iam").put_role_policy(RoleName="v2-signer", PolicyName="own", PolicyDocument=document)
    caller = plane.user("v2-caller", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    given = plane.client("sts", caller).assume_role(RoleArn=role["Arn"], RoleSessionName="session")["Credentials"]
    key = Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    url = presigned(plane, key)
    assert fetched(plane, url).status == 200
    assert fetched(plane, url.replace("x-amz-security-token=", "x-amz-security-token=A")).status == 400


def test_overrides_of_headers_are_part_of_the_signature(plane: InProcess) -> None:
    url = presigned(plane, ResponseContentDisposition='attachment; filename="a b.txt"')
    answer = fetched(plane, url)
    assert answer.status == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="a b.txt"'
    assert b"SignatureDoesNotMatch" in fetched(plane, url.replace("attachment", "inline")).body


def test_a_url_puts_what_its_maker_says_and_nothing_else(plane: InProcess) -> None:
    url = presigned(plane, method="put_object", Key="new", ContentType="text/plain", Metadata={"a": "b"})
    assert fetched(plane, url, "PUT", b"x").status == 403
    plain = {"content-type": "text/plain"}
    assert fetched(plane, url, "PUT", b"x", plain).status == 200
    assert fetched(plane, url, "PUT", b"x", plain | {"x-amz-acl": "public-read"}).status == 403
    put = plane.client("s3").head_object(Bucket="shared", Key="new")
    assert (put["ContentType"], put["ContentLength"], put["Metadata"]) == ("text/plain", 1, {"a": "b"})


def test_a_bucket_in_the_host_name_is_part_of_the_signature(plane: InProcess) -> None:
    endpoint = {"endpoint_url": "http://s3.localhost:4566", "s3": {"addressing_style": "virtual"}}
    url = presigned(plane, config=endpoint)
    assert urlsplit(url).netloc == "shared.s3.localhost:4566"
    assert fetched(plane, url).status == 200
    assert fetched(plane, url.replace("shared.s3", "shored.s3")).status == 403


def test_a_url_past_its_end_has_expired(plane: InProcess) -> None:
    url = presigned(plane)
    end = url.rpartition("Expires=")[2]
    answer = fetched(plane, url.replace(f"Expires={end}", "Expires=1000000000"))
    assert answer.status == 403
    assert b"<Message>Request has expired</Message>" in answer.body


def test_an_unknown_key_is_told_as_s3_does(plane: InProcess) -> None:
    answer = fetched(plane, presigned(plane, Key("AKIAUNKNOWNUNKNOWN00", "secret")))
    assert answer.status == 403
    assert b"<Code>InvalidAccessKeyId</Code>" in answer.body


def test_a_policy_may_refuse_version_2_alone(plane: InProcess) -> None:
    deny = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"StringEquals": {"s3:signatureversion": "AWS", "s3:authType": "REST-QUERY-STRING"}},
    }
    careful = plane.user("v2-careful", READ, deny)
    assert fetched(plane, presigned(plane, careful)).status == 403
    newer = plane.client("s3", careful, signature_version="s3v4").generate_presigned_url(
        "get_object", Params={"Bucket": "shared", "Key": "a b/é"}
    )
    assert fetched(plane, newer).status == 200
    assert plane.client("s3", careful).get_object(Bucket="shared", Key="a b/é")["ContentLength"] == 7


def test_a_policy_may_limit_the_age_of_a_signature(plane: InProcess) -> None:
    old = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"NumericGreaterThanEquals": {"s3:signatureAge": "0"}},
    }
    limited = plane.user("v2-limited", READ, old)
    assert fetched(plane, presigned(plane, limited)).status == 403
    assert plane.client("s3", limited).get_object(Bucket="shared", Key="a b/é")["ContentLength"] == 7


def test_version_2_in_a_header_is_refused(plane: InProcess) -> None:
    request = AWSRequest("GET", "http://127.0.0.1:4566/shared/new", headers={})
    HmacV1Auth(Credentials(plane.root.access_key_id, plane.root.secret_access_key)).add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    answer = plane.send(HttpRequest("GET", "/shared/new", "", {"host": "127.0.0.1:4566"} | headers))
    assert answer.status == 400
    assert (
        b"The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256." in answer.body
    )


def test_no_other_service_takes_version_2(plane: InProcess) -> None:
    request = AWSRequest("GET", "http://127.0.0.1:4566/v20180820/jobs", headers={"x-amz-account-id": "000000000000"})
    HmacV1QueryAuth(Credentials(plane.root.access_key_id, plane.root.secret_access_key)).add_auth(request)
    parts = urlsplit(request.url)
    headers = {"host": parts.netloc, "x-amz-account-id": "000000000000"}
    assert plane.send(HttpRequest("GET", parts.path, parts.query, headers)).status == 400


def test_the_record_tells_how_the_url_was_signed(plane: InProcess) -> None:
    answer = fetched(plane, presigned(plane))
    record = plane.record(answer.headers["x-amz-request-id"])
    assert record.signing == ("REST-QUERY-STRING", "AWS", 0, "")
    assert record.presigned
    assert record.identity.access_key_id == plane.root.access_key_id
