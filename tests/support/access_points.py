"""Access points of S3, each of a bucket of its own, and the policies of both."""

from __future__ import annotations

import json
from typing import Any

from support.inprocess import InProcess, Key, refusal

HERE, AWAY = "000000000000", "444455556666"
REGION = "us-east-1"
LOCAL = "http://localhost:4566"
DENIED = ("AccessDenied", 403)
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def arn(name: str, account: str = HERE) -> str:
    return f"arn:aws:s3:{REGION}:{account}:accesspoint/{name}"


def inside(name: str, key: str = "*", account: str = HERE) -> str:
    return f"{arn(name, account)}/object/{key}"


def bucket(name: str, key: str | None = None) -> str:
    """The ARN of the bucket of the access point `name`, or of an object in it."""
    return f"arn:aws:s3:::{name}-data{'' if key is None else f'/{key}'}"


def allow(actions: Any, *resources: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources), **more}


def deny(actions: Any, *resources: str, **more: Any) -> dict[str, Any]:
    return {**allow(actions, *resources, **more), "Effect": "Deny"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def delegating(name: str, account: str = HERE) -> dict[str, Any]:
    """The statement with which a bucket leaves the decision to the access points of `account`."""
    condition = {"StringEquals": {"s3:DataAccessPointAccount": account}}
    return allow("s3:*", bucket(name), bucket(name, "*"), Principal="*", Condition=condition)


class Point:
    """A new access point `name` of `account`, and its new bucket `NAME-data`, which has the object `k` (`content`)."""

    def __init__(self, plane: InProcess, name: str, *, owner: Key | None = None, **more: Any) -> None:
        self.plane, self.name = plane, name
        self.s3, self.control = plane.client("s3", owner), plane.client("s3control", owner)
        self.account = plane.client("sts", owner).get_caller_identity()["Account"]
        self.bucket = f"{name}-data"
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_object(Bucket=self.bucket, Key="k", Body=b"content")
        self.create(**more)

    def create(self, **more: Any) -> None:
        given = {"AccountId": self.account, "Name": self.name, "Bucket": self.bucket, **more}
        self.alias = str(self.control.create_access_point(**given)["Alias"])

    @property
    def arn(self) -> str:
        return arn(self.name, self.account)

    def permit(self, *statements: dict[str, Any]) -> None:
        """Put the policy of the access point."""
        self.control.put_access_point_policy(AccountId=self.account, Name=self.name, Policy=document(*statements))

    def permit_bucket(self, *statements: dict[str, Any]) -> None:
        """Put the policy of the bucket."""
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=document(*statements))

    def delete(self) -> None:
        self.control.delete_access_point(AccountId=self.account, Name=self.name)


def code(call: Any, **params: Any) -> tuple[str, int]:
    return refusal(call, **params)[:2]


def read(client: Any, name: str, key: str = "k") -> bytes:
    content: bytes = client.get_object(Bucket=name, Key=key)["Body"].read()
    return content
