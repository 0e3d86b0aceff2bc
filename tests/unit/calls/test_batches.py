"""DeleteObjects: what may be deleted is, and the answer tells of the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore import UNSIGNED

from locum.calls import batches
from locum.calls.request_context import RequestContext
from locum.wire import codec_of
from support.inprocess import InProcess, refusal

ELSEWHERE = "888899991111"
NAME = "batches"


@pytest.fixture(scope="module")
def s3(plane: InProcess) -> Any:
    client = plane.client("s3")
    client.create_bucket(Bucket=NAME)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:DeleteObject"],
        "Resource": f"arn:aws:s3:::{NAME}/open/*",
    }
    client.put_bucket_policy(Bucket=NAME, Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    return client


@pytest.fixture(scope="module")
def foreign(plane: InProcess) -> Any:
    """The root user of another account."""
    return plane.client("s3", plane.account(ELSEWHERE))


def delete(client: Any, *keys: str, **more: Any) -> Any:
    return client.delete_objects(Bucket=NAME, Delete={"Objects": [{"Key": key} for key in keys], **more})


def put(s3: Any, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket=NAME, Key=key, Body=b"x")


def left(s3: Any) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=NAME).get("Contents", ())]


def test_those_are_deleted_that_may_be_and_the_others_are_told_of(s3: Any, foreign: Any, plane: InProcess) -> None:
    put(s3, "open/1", "shut/1", "open/2")
    answer = delete(foreign, "open/1", "shut/1", "open/2")
    assert [deleted["Key"] for deleted in answer["Deleted"]] == ["open/1", "open/2"]
    (error,) = answer["Errors"]
    assert (error["Key"], error["Code"]) == ("shut/1", "AccessDenied")
    assert "s3:DeleteObject" in error["Message"]
    assert left(s3) == ["shut/1"]
    record = plane.record(answer["ResponseMetadata"]["RequestId"])
    assert (record.status, record.verdict) == (200, "implicit-deny")
    assert "shut/1" in record.denial
    s3.delete_object(Bucket=NAME, Key="shut/1")


def test_where_none_may_be_deleted_each_is_told_of(s3: Any, foreign: Any) -> None:
    put(s3, "shut/1")
    answer = delete(foreign, "shut/1", "shut/none")
    assert "Deleted" not in answer
    assert [error["Key"] for error in answer["Errors"]] == ["shut/1", "shut/none"]
    assert left(s3) == ["shut/1"]
    s3.delete_object(Bucket=NAME, Key="shut/1")


def test_nobody_in_particular_is_refused_where_nothing_may_be_deleted(s3: Any, plane: InProcess) -> None:
    nobody = plane.client("s3", signature_version=UNSIGNED)
    objects = {"Objects": [{"Key": "shut/1"}, {"Key": "shut/2"}]}
    assert refusal(nobody.delete_objects, Bucket=NAME, Delete=objects)[:2] == ("AccessDenied", 403)
    (latest,) = plane.records(1)
    assert latest.stranger


def test_a_batch_of_more_objects_than_s3_takes_is_refused_as_a_whole(s3: Any, foreign: Any) -> None:
    put(s3, "open/1")
    objects = {"Objects": [{"Key": "open/1"}, *({"Key": f"shut/{n}"} for n in range(batches.LARGEST))]}
    assert refusal(foreign.delete_objects, Bucket=NAME, Delete=objects)[:2] == ("AccessDenied", 403)
    assert left(s3) == ["open/1"]
    s3.delete_object(Bucket=NAME, Key="open/1")


def test_a_quiet_answer_has_the_errors_alone(s3: Any, foreign: Any) -> None:
    put(s3, "open/1", "shut/1")
    answer = delete(foreign, "open/1", "shut/1", Quiet=True)
    assert "Deleted" not in answer
    assert [error["Key"] for error in answer["Errors"]] == ["shut/1"]
    assert left(s3) == ["shut/1"]
    s3.delete_object(Bucket=NAME, Key="shut/1")


def test_a_version_takes_its_own_permission(s3: Any, plane: InProcess) -> None:
    nobody = plane.client("s3", signature_version=UNSIGNED)
    put(s3, "open/1")
    objects = [{"Key": "open/1", "VersionId": "null"}, {"Key": "open/2"}]
    answer = nobody.delete_objects(Bucket=NAME, Delete={"Objects": objects})
    assert [deleted["Key"] for deleted in answer["Deleted"]] == ["open/2"]
    assert [(error["Key"], error["VersionId"]) for error in answer["Errors"]] == [("open/1", "null")]
    assert left(s3) == ["open/1"]
    s3.delete_object(Bucket=NAME, Key="open/1")


def test_of_a_bucket_that_is_not_there_nothing_is_told_but_that(plane: InProcess) -> None:
    objects = {"Objects": [{"Key": "k"}]}
    nobody = plane.client("s3", signature_version=UNSIGNED)
    assert refusal(nobody.delete_objects, Bucket="batches-none", Delete=objects)[:2] == ("NoSuchBucket", 404)
    own = plane.client("s3", plane.user("deletes-nothing"))
    assert refusal(own.delete_objects, Bucket="batches-none", Delete=objects)[:2] == ("AccessDenied", 403)


def test_a_backend_is_passed_a_request_for_what_is_allowed_alone(plane: InProcess) -> None:
    objects = [{"Key": "allowed"}, {"Key": "withheld"}]
    request = plane.request("s3", "delete_objects", Bucket=NAME, Delete={"Objects": objects})
    context = RequestContext(request, "id", 0.0, plane.node.runtime.ledger.state, "us-east-1")
    context.codec, context.params = codec_of("s3", "DeleteObjects"), {"Bucket": NAME, "Delete": {"Objects": objects}}
    batches.restrict(context, ({"Key": "allowed"},))
    assert context.body == context.request.body
    assert b"allowed" in context.body
    assert b"withheld" not in context.body
    assert not any(name.startswith("x-amz-checksum-") for name in context.request.headers)
