"""A call through an access point of S3 reaches the bucket where both permit it, by each of the point's names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.inprocess import InProcess, Key, refusal

HERE = "000000000000"
LOCAL = "http://localhost:4566"
DENIED = ("AccessDenied", 403)


def arn(name: str, account: str = HERE) -> str:
    return f"arn:aws:s3:us-east-1:{account}:accesspoint/{name}"


def allow(actions: Any, *resources: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources), **more}


def deny(actions: Any, *resources: str, **more: Any) -> dict[str, Any]:
    return {**allow(actions, *resources, **more), "Effect": "Deny"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def point(plane: InProcess, name: str, *statements: dict[str, Any], key: Key | None = None, **more: Any) -> str:
    """The alias of a new access point `name` of the new bucket `NAME-data`, which has an object `k`."""
    s3, control = plane.client("s3", key), plane.client("s3control", key)
    account = plane.client("sts", key).get_caller_identity()["Account"]
    s3.create_bucket(Bucket=f"{name}-data")
    s3.put_object(Bucket=f"{name}-data", Key="k", Body=b"content")
    made = control.create_access_point(AccountId=account, Name=name, Bucket=f"{name}-data", **more)
    if statements:
        control.put_access_point_policy(AccountId=account, Name=name, Policy=document(*statements))
    return str(made["Alias"])


def code(call: Any, **params: Any) -> tuple[str, int]:
    return refusal(call, **params)[:2]


EVERYTHING = allow("*", "*")


def test_an_object_is_read_and_written_by_the_alias(plane: InProcess) -> None:
    alias, s3 = point(plane, "by-alias"), plane.client("s3")
    assert s3.get_object(Bucket=alias, Key="k")["Body"].read() == b"content"
    s3.put_object(Bucket=alias, Key="new", Body=b"other")
    assert s3.get_object(Bucket="by-alias-data", Key="new")["Body"].read() == b"other"
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=alias)["Contents"]] == ["k", "new"]


@pytest.mark.parametrize(
    "endpoint",
    [LOCAL, "http://s3.localhost:4566", "http://127.0.0.1:4566", None],
)
def test_an_object_is_read_by_the_arn_as_boto3_sends_it(plane: InProcess, endpoint: str | None) -> None:
    name = f"by-arn-{(endpoint or 'none').rpartition('/')[2].replace('.', '-').replace(':', '-')}"
    point(plane, name)
    s3 = plane.client("s3", endpoint_url=endpoint)
    assert s3.get_object(Bucket=arn(name), Key="k")["Body"].read() == b"content"


def test_identity_policies_have_to_allow_the_access_point_and_the_bucket(plane: InProcess) -> None:
    alias = point(plane, "both")
    bucket, access_point = "arn:aws:s3:::both-data/*", f"{arn('both')}/object/*"
    for name, resources in (("only-bucket", [bucket]), ("only-point", [access_point])):
        user = plane.client("s3", plane.user(name, allow("s3:GetObject", *resources)))
        assert code(user.get_object, Bucket=alias, Key="k") == DENIED
    user = plane.client("s3", plane.user("on-both", allow("s3:GetObject", bucket, access_point)))
    assert user.get_object(Bucket=alias, Key="k")["Body"].read() == b"content"
