"""Uploads by form, as `generate_presigned_post` makes them: who may, what, and what is recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.http import asgi
from support.inprocess import Answer, InProcess, Key, refusal
from support.post_forms import encoded, form

PUT = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::forms/*"}


@pytest.fixture(scope="module", autouse=True)
def bucket(plane: InProcess) -> str:
    plane.client("s3").create_bucket(Bucket="forms")
    return "forms"


def session(plane: InProcess, name: str, *statements: dict[str, Any]) -> Key:
    """Credentials of a new role that may do what `statements` say."""
    iam = plane.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=_document(*statements))
    caller = plane.user(f"{name}-caller", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    given = plane.client("sts", caller).assume_role(RoleArn=arn, RoleSessionName="web")["Credentials"]
    return Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def post(
    plane: InProcess,
    signer: Key | None,
    key: str = "up/${filename}",
    file: bytes = b"hello",
    *,
    add: dict[str, str] | None = None,
    version: str | None = None,
    **options: Any,
) -> Answer:
    """The answer to the form that boto3 makes for `signer`, filled in with `add`."""
    config = {} if version is None else {"signature_version": version}
    made = plane.client("s3", signer, **config).generate_presigned_post("forms", key, **options)
    return plane.send(form(made["url"], encoded(made["fields"] | (add or {}), file)))


def stored(plane: InProcess, key: str = "up/x.txt") -> bytes:
    body: bytes = plane.client("s3").get_object(Bucket="forms", Key=key)["Body"].read()
    return body


@pytest.mark.parametrize("version", [None, "s3v4"])
def test_a_role_that_may_put_lets_a_browser_put(plane: InProcess, version: str | None) -> None:
    signer = session(plane, f"web-{version}", PUT)
    answer = post(plane, signer, f"{version}/${{filename}}", version=version)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["location"] == f"http://127.0.0.1:4566/forms/{version}%2Fx.txt"
    assert stored(plane, f"{version}/x.txt") == b"hello"


def test_a_signer_who_may_not_put_lets_nobody_put(plane: InProcess) -> None:
    reader = plane.user("form-reader", {**PUT, "Action": "s3:GetObject"})
    answer = post(plane, reader, "up/denied")
    assert answer.status == 403
    assert b"is not authorized to perform: s3:PutObject on resource" in answer.body
    assert refusal(plane.client("s3").head_object, Bucket="forms", Key="up/denied")[1] == 404


def test_the_call_is_recorded_as_the_put_that_it_is(plane: InProcess) -> None:
    answer = post(plane, None, "up/recorded")
    record = plane.record(answer.headers["x-amz-request-id"])
    assert (record.service, record.operation, record.status) == ("s3", "PutObject", 200)
    assert record.parameters["key"] == "up/recorded"
    assert record.signing is not None
    assert record.signing[:2] == ("POST", "AWS")
    assert record.verdict == "allow"


def test_a_policy_sees_that_it_is_a_form_and_what_its_fields_set(plane: InProcess) -> None:
    condition = {"StringEquals": {"s3:authType": "POST", "s3:x-amz-acl": "public-read"}}
    acl = {"Effect": "Allow", "Action": "s3:PutObjectAcl", "Resource": "*"}
    signer = plane.user(
        "form-acl", PUT, acl, {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    )
    fields, conditions = {"acl": "public-read"}, [{"acl": "public-read"}]
    assert post(plane, signer, "up/acl", Fields=fields, Conditions=conditions).status == 403
    assert post(plane, signer, "up/acl", Fields={"acl": "private"}, Conditions=[{"acl": "private"}]).status == 204


def test_an_acl_takes_its_own_permission(plane: InProcess) -> None:
    signer = plane.user("form-no-acl", PUT)
    answer = post(plane, signer, "up/acl", Fields={"acl": "private"}, Conditions=[{"acl": "private"}])
    assert answer.status == 403
    assert b"s3:PutObjectAcl" in answer.body


@pytest.mark.parametrize(
    ("add", "told"),
    [
        ({"acl": "public-read"}, b"Extra input fields: acl"),
        ({"x-amz-meta-a": "b"}, b"Extra input fields: x-amz-meta-a"),
        (
            {"key": "elsewhere"},
            b"Policy Condition failed: [&quot;starts-with&quot;, &quot;$key&quot;, &quot;up/&quot;]",
        ),
        ({"x-amz-copy-source": "forms/up/x.txt"}, b"Extra input fields: x-amz-copy-source"),
    ],
)
def test_a_field_that_the_signer_did_not_agree_to_is_refused(
    plane: InProcess, add: dict[str, str], told: bytes
) -> None:
    answer = post(plane, None, add=add)
    assert answer.status == 403
    assert told.replace(b"&quot;", b'"') in answer.body.replace(b"&quot;", b'"')


def test_a_form_goes_to_the_bucket_it_was_signed_for(plane: InProcess) -> None:
    plane.client("s3").create_bucket(Bucket="other-forms")
    made = plane.client("s3").generate_presigned_post("forms", "up/x")
    answer = plane.send(form(made["url"].replace("/forms", "/other-forms"), encoded(made["fields"])))
    assert answer.status == 403
    assert b'["eq", "$bucket", "forms"]' in answer.body.replace(b"&quot;", b'"')


def test_a_file_over_its_limit_is_refused(plane: InProcess) -> None:
    limited: dict[str, Any] = {"Conditions": [["content-length-range", 2, 4]]}
    assert post(plane, None, file=b"four", **limited).status == 204
    answer = post(plane, None, file=b"fives", **limited)
    assert (answer.status, b"<Code>EntityTooLarge</Code>" in answer.body) == (400, True)
    assert b"<ProposedSize>5</ProposedSize><MaxSizeAllowed>4</MaxSizeAllowed>" in answer.body
    assert b"<Code>EntityTooSmall</Code>" in post(plane, None, file=b"1", **limited).body


def test_a_form_without_signature_is_anonymous(plane: InProcess) -> None:
    plain = encoded({"key": "open/x"})
    assert plane.send(form("http://127.0.0.1:4566/forms", plain)).status == 403
    s3 = plane.client("s3")
    statement = {**PUT, "Principal": "*", "Resource": "arn:aws:s3:::forms/open/*"}
    s3.put_bucket_policy(Bucket="forms", Policy=_document(statement))
    try:
        assert plane.send(form("http://127.0.0.1:4566/forms", plain)).status == 204
        assert plane.send(form("http://127.0.0.1:4566/forms", encoded({"key": "shut/x"}))).status == 403
    finally:
        s3.delete_bucket_policy(Bucket="forms")


def test_the_token_of_a_session_must_be_its_own_and_unexpired(plane: InProcess) -> None:
    signer = session(plane, "web-token", PUT)
    made = plane.client("s3", signer).generate_presigned_post("forms", "up/x")
    without = {name: value for name, value in made["fields"].items() if name != "x-amz-security-token"}
    assert plane.send(form(made["url"], encoded(without))).status == 403
    other = made["fields"] | {"x-amz-security-token": "A" + made["fields"]["x-amz-security-token"]}
    answer = plane.send(form(made["url"], encoded(other)))
    assert (answer.status, b"<Code>InvalidToken</Code>" in answer.body) == (400, True)


def test_a_large_file_is_read_only_where_a_key_signed_its_policy(plane: InProcess) -> None:
    large = b"x" * (asgi.FREE_BODY + 1)
    answer = post(plane, None, "up/large", large)
    assert answer.status == 204
    assert len(stored(plane, "up/large")) == len(large)
    answer = post(plane, Key("AKIAUNKNOWNUNKNOWN00", "secret"), "up/large", large)
    assert (answer.status, b"<Code>EntityTooLarge</Code>" in answer.body) == (413, True)
    answer = post(plane, Key(plane.root.access_key_id, "not its secret"), "up/large", large)
    assert answer.status == 413
    assert plane.send(form("http://127.0.0.1:4566/forms", encoded({"key": "k"}, large))).status == 413


def test_a_bucket_that_is_not_there_is_told(plane: InProcess) -> None:
    made = plane.client("s3").generate_presigned_post("no-such-forms", "up/x")
    answer = plane.send(form(made["url"], encoded(made["fields"])))
    assert (answer.status, b"<Code>NoSuchBucket</Code>" in answer.body) == (404, True)


def test_a_form_to_a_bucket_in_the_host_name_is_taken(plane: InProcess) -> None:
    made = plane.client("s3").generate_presigned_post("forms", "up/host")
    answer = plane.send(form("http://forms.s3.localhost:4566/", encoded(made["fields"])))
    assert (answer.status, answer.headers["location"]) == (204, "http://forms.s3.localhost:4566/up%2Fhost")
    assert stored(plane, "up/host") == b"content"
