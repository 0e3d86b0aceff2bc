"""What S3 tells of buckets and objects that are not there, and of bucket policies of other accounts."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from support.inprocess import InProcess, refusal

ELSEWHERE = "777788889999"
DENIED = ("AccessDenied", 403)
_number = count()


@pytest.fixture(scope="module")
def foreign(plane: InProcess) -> Any:
    """The root user of another account."""
    return plane.client("s3", plane.account(ELSEWHERE))


def bucket(s3: Any, *statements: dict[str, Any], **more: Any) -> str:
    name = f"absence-{next(_number)}"
    s3.create_bucket(Bucket=name, **more)
    if statements:
        resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
        listed = [{"Effect": "Allow", "Principal": "*", "Resource": resources} | statement for statement in statements]
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": listed}))
    return name


def test_everybody_is_told_that_there_is_no_such_bucket(nobody: Any, foreign: Any) -> None:
    gone = ("NoSuchBucket", 404)
    for client in (nobody, foreign):
        assert refusal(client.get_object, Bucket="absence-none", Key="k")[:2] == gone
        assert refusal(client.list_objects_v2, Bucket="absence-none")[:2] == gone
        assert refusal(client.put_object, Bucket="absence-none", Key="k", Body=b"x")[:2] == gone
    assert refusal(nobody.head_bucket, Bucket="absence-none")[:2] == ("404", 404)


def test_nobody_makes_or_lists_buckets(nobody: Any) -> None:
    assert refusal(nobody.create_bucket, Bucket="absence-made")[:2] == DENIED
    assert refusal(nobody.list_buckets)[:2] == DENIED


def test_who_may_list_a_bucket_by_its_acl_is_told_that_an_object_is_not_there(
    s3: Any, nobody: Any, foreign: Any
) -> None:
    name = bucket(s3, ACL="public-read")
    s3.put_object(Bucket=name, Key="private", Body=b"x")
    for client in (nobody, foreign):
        assert refusal(client.get_object, Bucket=name, Key="none")[:2] == ("NoSuchKey", 404)
        assert refusal(client.get_object, Bucket=name, Key="private")[:2] == DENIED
    s3.put_bucket_acl(Bucket=name, ACL="authenticated-read")
    assert refusal(nobody.get_object, Bucket=name, Key="none")[:2] == DENIED
    assert refusal(foreign.get_object, Bucket=name, Key="none")[:2] == ("NoSuchKey", 404)


def test_a_denial_tells_nothing_of_what_is_not_there(s3: Any, nobody: Any) -> None:
    name = bucket(s3, {"Effect": "Deny", "Action": "s3:GetObject"}, ACL="public-read")
    assert refusal(nobody.get_object, Bucket=name, Key="none")[:2] == DENIED
    name = bucket(s3, {"Effect": "Deny", "Action": "s3:ListBucket"}, ACL="public-read")
    assert refusal(nobody.get_object, Bucket=name, Key="none")[:2] == DENIED


def test_a_bucket_policy_is_for_the_buckets_own_account(s3: Any, foreign: Any, nobody: Any) -> None:
    name = bucket(s3, {"Action": "s3:*"})
    policy = s3.get_bucket_policy(Bucket=name)["Policy"]
    for client in (foreign, nobody):
        assert refusal(client.get_bucket_policy, Bucket=name)[:2] == ("MethodNotAllowed", 405)
        assert refusal(client.put_bucket_policy, Bucket=name, Policy=policy)[:2] == ("MethodNotAllowed", 405)
        assert refusal(client.delete_bucket_policy, Bucket=name)[:2] == ("MethodNotAllowed", 405)
        assert client.get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"] is True
    assert s3.get_bucket_policy(Bucket=name)["Policy"] == policy


def test_a_bucket_policy_that_was_put_is_answered_without_content(s3: Any) -> None:
    name = bucket(s3)
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    answer = s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204


@pytest.mark.parametrize(
    "asked",
    [
        {"ServerSideEncryption": "AES256", "SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32},
        {"ServerSideEncryption": "aes:kms"},
    ],
    ids=["two kinds", "none that exists"],
)
def test_an_object_is_encrypted_in_one_way_that_exists(s3: Any, asked: dict[str, Any]) -> None:
    assert refusal(s3.put_object, Bucket=bucket(s3), Key="k", Body=b"x", **asked)[:2] == ("InvalidArgument", 400)
