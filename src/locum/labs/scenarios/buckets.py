"""Labs about applications that read a bucket."""

from __future__ import annotations

import re
from typing import Final

from botocore.exceptions import ClientError

from locum.labs import inside, making
from locum.labs.documents import EC2, allow, deny, document, trusting
from locum.labs.lab import INSIDE, written
from locum.labs.world import Broken, World

_KEY: Final = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")


def _guarding(world: World, bucket: str, reader: str) -> str:
    """A bucket policy that keeps all but `reader` (a role's ARN) and the account's root user from its objects."""
    others = {"aws:PrincipalArn": [reader, f"arn:aws:iam::{world.account}:root"]}
    statement = deny("s3:GetObject", f"arn:aws:s3:::{bucket}/*", ArnNotEquals=others)
    return document(statement | {"Principal": "*"})


def _build_faults(world: World) -> None:
    bucket = making.bucket(world, "reports", **{"report.txt": "all is well\n"})
    making.profile(world, "app", allow("s3:GetObject", f"arn:aws:s3:::{bucket}"))
    making.role(world, "other", trusting(Service=EC2), allow("s3:*"))
    policy = _guarding(world, bucket, world.arn("role", "application"))
    world.do("s3", "put_bucket_policy", Bucket=bucket, Policy=policy)
    making.instance(world, "instance")


def _check_faults(world: World) -> None:
    instance, bucket = world.notes["instance"], world.notes["reports"]
    making.described(world, instance)
    if (worn := inside.worn(world, instance)) != world.name("app"):
        raise Broken(f"{instance} runs as {worn}, and not as {world.name('app')}")
    key, role = inside.of_instance(world, instance), world.arn("role", "app")
    world.must(
        "The program in the instance has credentials, and cannot read the report",
        "s3", "get_object", key, Bucket=bucket, Key="report.txt",
    )  # fmt: skip
    policy, report = _bucket_policy(world, bucket), f"arn:aws:s3:::{bucket}/report.txt"
    for action in ("s3:DeleteObject", "s3:PutObject"):
        if world.could(role, action, report, policy):
            raise Broken(f"The report can be read; but {worn} may {action} as well, which is too much")
    if world.could(world.arn("role", "other"), "s3:GetObject", report, policy):
        raise Broken(
            f"The report can be read; but by {world.name('other')} as well: the bucket's policy has to keep it out"
        )


def _bucket_policy(world: World, bucket: str) -> str:
    try:
        return str(world.do("s3", "get_bucket_policy", Bucket=bucket)["Policy"])
    except ClientError:
        return ""


def _solve_faults(world: World) -> None:
    bucket = world.notes["reports"]
    making.attach(world, world.notes["instance"], "app")
    making.grant(world, "app", allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    policy = _guarding(world, bucket, world.arn("role", "app"))
    world.do("s3", "put_bucket_policy", Bucket=bucket, Policy=policy)


THREE_FAULTS: Final = written(
    "three-faults", _build_faults, _check_faults, _solve_faults, services=("ec2", "s3"), requires=(INSIDE,)
)


def _build_keys(world: World) -> None:
    user = making.user(world, "app")
    key = world.do("iam", "create_access_key", UserName=user)["AccessKey"]
    settings = f"[app]\ncolour = green\naws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = "
    bucket = making.bucket(world, "config", **{"app.ini": f"{settings}{key['SecretAccessKey']}\n"})
    reading = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")
    world.do("iam", "put_user_policy", UserName=user, PolicyName=making.INLINE, PolicyDocument=document(reading))
    making.role(world, "app", trusting(Service=EC2), reading)
    making.instance(world, "instance")


def _check_keys(world: World) -> None:
    instance, bucket = world.notes["instance"], world.notes["config"]
    making.described(world, instance)
    answer = world.must(
        "The application in the instance cannot read app.ini with a role",
        "s3", "get_object", inside.of_instance(world, instance), Bucket=bucket, Key="app.ini",
    )  # fmt: skip
    text = answer["Body"].read().decode()
    if _KEY.search(text):
        raise Broken("The application has a role; but app.ini still has an access key in it")
    if "colour" not in text:
        raise Broken("app.ini has lost its other settings (colour)")
    keys = world.do("iam", "list_access_keys", UserName=world.name("app"))["AccessKeyMetadata"]
    for key in keys:
        if key["Status"] == "Active":
            raise Broken(f"Nobody needs {key['AccessKeyId']} any more, and whoever has read app.ini can still use it")


def _solve_keys(world: World) -> None:
    name, bucket = world.name("app"), world.notes["config"]
    making.hold(world, "app")
    making.attach(world, world.notes["instance"], "app")
    world.do("s3", "put_object", Bucket=bucket, Key="app.ini", Body=b"[app]\ncolour = green\n")
    for key in world.do("iam", "list_access_keys", UserName=name)["AccessKeyMetadata"]:
        which = {"UserName": name, "AccessKeyId": key["AccessKeyId"]}
        world.do("iam", "update_access_key", Status="Inactive", **which)


HARD_CODED_KEYS: Final = written(
    "hard-coded-keys", _build_keys, _check_keys, _solve_keys, services=("ec2", "s3"), requires=(INSIDE,)
)
