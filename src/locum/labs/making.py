"""What labs make, each under a name of the lab and with its tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.identifiers import OWN_IMAGE
from locum.labs.documents import EC2, document, trusting
from locum.labs.world import Broken, World

INLINE: Final = "access"
"""The name of inline policies."""


def role(world: World, suffix: str, trust: str, *statements: Mapping[str, Any], **more: Any) -> str:
    """The ARN of a new role, with an inline policy of `statements`."""
    name = world.name(suffix)
    made = world.do("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=trust, Tags=world.tags, **more)
    grant(world, suffix, *statements)
    return str(made["Role"]["Arn"])


def grant(world: World, suffix: str, *statements: Mapping[str, Any]) -> None:
    """Have a role's inline policy be `statements`."""
    if statements:
        name, text = world.name(suffix), document(*statements)
        world.do("iam", "put_role_policy", RoleName=name, PolicyName=INLINE, PolicyDocument=text)


def profile(world: World, suffix: str, *statements: Mapping[str, Any]) -> str:
    """The name of a new role for EC2, and of the instance profile that holds it."""
    role(world, suffix, trusting(Service=EC2), *statements)
    hold(world, suffix)
    return world.name(suffix)


def hold(world: World, suffix: str) -> None:
    """Make the instance profile of the name of a role, and put the role in it."""
    name = world.name(suffix)
    world.do("iam", "create_instance_profile", InstanceProfileName=name, Tags=world.tags)
    world.do("iam", "add_role_to_instance_profile", InstanceProfileName=name, RoleName=name)


def user(world: World, suffix: str, *statements: Mapping[str, Any], **more: Any) -> str:
    """The name of a new user, with an inline policy of `statements`."""
    name = world.name(suffix)
    world.do("iam", "create_user", UserName=name, Tags=world.tags, **more)
    if statements:
        world.do("iam", "put_user_policy", UserName=name, PolicyName=INLINE, PolicyDocument=document(*statements))
    return name


def policy(world: World, suffix: str, *statements: Mapping[str, Any]) -> str:
    """The ARN of a new managed policy."""
    made = world.do(
        "iam", "create_policy",
        PolicyName=world.name(suffix), PolicyDocument=document(*statements), Tags=world.tags,
    )  # fmt: skip
    return str(made["Policy"]["Arn"])


def instance(world: World, suffix: str, profile: str = "", tokens: str = "required", hops: int = 2) -> str:
    """The id of a new instance, which is noted and shown as `suffix`."""
    name = world.name(suffix)
    wears: dict[str, Any] = {"IamInstanceProfile": {"Name": profile}} if profile else {}
    answer = world.do(
        "ec2", "run_instances",
        ImageId=OWN_IMAGE, MinCount=1, MaxCount=1,
        MetadataOptions={"HttpTokens": tokens, "HttpPutResponseHopLimit": hops},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [*world.tags, {"Key": "Name", "Value": name}]}],
        **wears,
    )  # fmt: skip
    return world.note(suffix, str(answer["Instances"][0]["InstanceId"]))


def bucket(world: World, suffix: str, **objects: str) -> str:
    """The name of a new bucket with objects of the names in `objects`."""
    name = world.bucket(suffix)
    place: dict[str, Any] = (
        {} if world.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": world.region}}
    )
    world.do("s3", "create_bucket", Bucket=name, **place)
    for key, text in objects.items():
        world.do("s3", "put_object", Bucket=name, Key=key, Body=text.encode())
    return world.note(suffix, name)


def table(world: World, suffix: str, **more: Any) -> str:
    """The ARN of a new table, whose partition key is `id`."""
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", *more.pop("attributes", ()))]
    made = world.do(
        "dynamodb", "create_table",
        TableName=world.name(suffix), AttributeDefinitions=attributes, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], Tags=world.tags, **more,
    )  # fmt: skip
    return str(made["TableDescription"]["TableArn"])


def described(world: World, instance_id: str) -> dict[str, Any]:
    """The instance as EC2 describes it. Raises Broken where it does not run any more."""
    answer = world.do("ec2", "describe_instances", InstanceIds=[instance_id])
    found: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
    if found["State"]["Name"] != "running":
        raise Broken(f"{instance_id} is {found['State']['Name']}: it has to go on running")
    return found


def attached(world: World, instance_id: str) -> dict[str, Any]:
    """The association of the instance with a profile; empty where there is none."""
    answer = world.do(
        "ec2", "describe_iam_instance_profile_associations",
        Filters=[{"Name": "instance-id", "Values": [instance_id]}],
    )  # fmt: skip
    found: list[dict[str, Any]] = answer["IamInstanceProfileAssociations"]
    return found[0] if found else {}


def attach(world: World, instance_id: str, suffix: str) -> None:
    """Have the instance have a profile of the lab, whatever it has now."""
    wanted, there = {"Name": world.name(suffix)}, attached(world, instance_id)
    if there:
        world.do(
            "ec2", "replace_iam_instance_profile_association",
            AssociationId=there["AssociationId"], IamInstanceProfile=wanted,
        )  # fmt: skip
    else:
        world.do("ec2", "associate_iam_instance_profile", InstanceId=instance_id, IamInstanceProfile=wanted)
