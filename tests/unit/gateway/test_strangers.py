"""Calls of nobody who is known: what they leave in the history, and how many of them a source may make."""

from __future__ import annotations

from dataclasses import replace

import pytest

from locum.audit.bounded import OCTETS
from locum.audit.record import encode
from locum.calls.throttling import throttled
from locum.core.http import HttpRequest
from locum.gateway.strangers import Allowance, Strangers
from support.inprocess import Answer, InProcess
from support.wire_requests import form, rest, target

LONG = "k" * 60_000


def request_id(answer: Answer) -> str:
    return answer.headers.get("x-amzn-requestid") or answer.headers["x-amz-request-id"]


CLAIM = "AWS4-HMAC-SHA256 Credential=AKIAAAAAAAAAAAAAAAAA/20260101/{}/s3/aws4_request, SignedHeaders=host, Signature=0"
BODY = b"<Delete>" + b"".join(b"<Object><Key>%d</Key></Object>" % n for n in range(1000)) + b"</Delete>"


@pytest.mark.parametrize(
    "request_",
    [
        rest("GET", "/bucket/" + LONG),
        rest("GET", "/" + LONG),
        rest("GET", "/bucket/key?versionId=" + LONG),
        rest("POST", "/bucket?delete", BODY),
        rest("GET", "/bucket/key", host=LONG, user_agent=LONG, referer=LONG),
        rest("PUT", "/bucket/key", b"", **{f"x_amz_meta_{n}": "v" * 500 for n in range(100)}),
        rest("GET", "/bucket/key", authorization=CLAIM.format(LONG)),
        form("sts", "AssumeRoleWithWebIdentity", *(f"{n}={LONG}" for n in ("RoleArn", "WebIdentityToken"))),
        target("DynamoDB_20120810.ListTables", {"ExclusiveStartTableName": LONG}),
    ],
    ids=["key", "bucket", "version", "many keys", "headers", "metadata", "region", "web identity", "json"],
)
def test_what_a_stranger_sends_leaves_a_few_kilobytes(plane: InProcess, request_: HttpRequest) -> None:
    answer = plane.send(request_)
    assert 400 <= answer.status < 500
    record = plane.record(request_id(answer))
    assert record.stranger
    assert len(encode(record)) <= OCTETS
    row = record.row()
    assert sum(len(column) for column in row if isinstance(column, str | bytes)) <= 2 * OCTETS


def test_a_stranger_with_a_short_call_is_explained_in_full(plane: InProcess) -> None:
    record = plane.record(request_id(plane.send(rest("GET", "/bucket/key"))))
    assert record.parameters == {"bucketName": "bucket", "key": "key"}
    assert record.explanation
    assert record.denial


@pytest.fixture
def strict(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """A plane that lets a source make two such calls, and no more."""
    monkeypatch.setattr(plane.node.gateway._pipeline, "_strangers", Strangers(Allowance(burst=2, rate=0)))
    return plane


def test_a_source_that_makes_too_many_is_told_to_slow_down_and_leaves_no_more_records(strict: InProcess) -> None:
    for _ in range(2):
        assert strict.send(rest("GET", "/bucket/key")).status == 404  # there is no such bucket
    before = strict.records(1)
    answer = strict.send(rest("GET", "/bucket/key"))
    assert answer.status == 503
    assert b"<Code>SlowDown</Code><Message>Please reduce your request rate.</Message>" in answer.body
    assert strict.records(1) == before


def test_a_source_that_makes_too_many_is_told_in_the_protocol_of_the_call(strict: InProcess) -> None:
    for _ in range(2):
        strict.send(form("iam", "ListUsers"))
    assert b"<Code>Throttling</Code>" in strict.send(form("iam", "ListUsers")).body
    assert b"ThrottlingException" in strict.send(target("DynamoDB_20120810.ListTables", {})).body


def test_others_and_those_who_are_known_are_not_slowed_down(strict: InProcess) -> None:
    for _ in range(3):
        strict.send(rest("GET", "/bucket/key"))
    assert strict.send(replace(rest("GET", "/bucket/key"), source_ip="127.0.0.2")).status == 404
    assert strict.client("sts").get_caller_identity()["Account"]
    bucket = "strangers-read-it"
    strict.client("s3").create_bucket(Bucket=bucket)
    strict.client("s3").put_object(Bucket=bucket, Key="k", Body=b"v")
    strict.client("s3").put_bucket_policy(
        Bucket=bucket,
        Policy='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",'
        f'"Resource":"arn:aws:s3:::{bucket}/*"}}}}',
    )
    answer = strict.send(rest("GET", f"/{bucket}/k"))
    assert (answer.status, answer.body) == (200, b"v")
    assert strict.record(request_id(answer)).stranger


def test_the_allowance_comes_back_with_time_and_never_exceeds_the_burst() -> None:
    strangers = Strangers(Allowance(burst=2, rate=0.5))
    assert [strangers.admit("s", 0.0) for _ in range(3)] == [True, True, False]
    assert [strangers.admit("s", 2.0) for _ in range(2)] == [True, False]
    assert [strangers.admit("s", 1000.0) for _ in range(3)] == [True, True, False]
    assert not strangers.admit("s", 0.0)  # a clock that was set back gives nothing


def test_several_processes_let_no_more_pass_than_one() -> None:
    processes = [Strangers(Allowance(burst=8, rate=2), processes=4) for _ in range(4)]
    passed = [each.admit("192.0.2.1", 0.0) for each in processes for _ in range(10)]
    assert sum(passed) == 8


def test_only_so_many_sources_are_kept() -> None:
    strangers = Strangers(Allowance(burst=1, rate=0, sources=2))
    for source in "abc":
        assert strangers.admit(source, 0.0)
    assert not strangers.admit("c", 0.0)
    assert strangers.admit("a", 0.0)


def test_what_is_not_told_apart_is_told_as_s3_does() -> None:
    assert (throttled("").code, throttled("rest-xml").status) == ("SlowDown", 503)
