"""What there is of a lab, and its removal: found by name, so that it is all, whatever the learner made of it.

Each function of `FINDERS` yields what there is of a lab in a service, in the order in which it can be removed, as
`Thing`: what it is called, and the function that removes it with all that hangs on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from locum.labs import sweeping_iam
from locum.labs.things import Thing
from locum.labs.world import TAG, World, code_of

_GONE: Final = ("NoSuchEntity", "NoSuchBucket", "ResourceNotFoundException", "NoSuchBucketPolicy", "ParameterNotFound")


class Swept(NamedTuple):
    """What was removed, and what could not be, each with the reason."""

    removed: list[str]
    left: list[str]


def found(world: World, services: tuple[str, ...]) -> Iterator[Thing]:
    """All that there is of a lab, of IAM last: other things name its roles."""
    for service, find in FINDERS.items():
        if service in services:
            yield from find(world)
    yield from sweeping_iam.found(world)


def sweep(world: World, services: tuple[str, ...]) -> Swept:
    """Remove all that there is of a lab."""
    return _removed(found(world, services))


def sweep_identities(world: World) -> Swept:
    """Remove what there is of a lab in IAM."""
    return _removed(sweeping_iam.found(world))


def _removed(things: Iterator[Thing]) -> Swept:
    swept = Swept([], [])
    for thing in things:
        try:
            thing.remove()
        except (ClientError, BotoCoreError) as error:
            if code_of(error) not in _GONE:
                swept.left.append(f"{thing.name}: {error}")
                continue
        swept.removed.append(thing.name)
    return swept


def _instances(world: World) -> Iterator[Thing]:
    states = ["pending", "running", "stopping", "stopped"]
    filters = [{"Name": f"tag:{TAG}", "Values": [world.lab]}, {"Name": "instance-state-name", "Values": states}]
    for reservation in world.pages("ec2", "describe_instances", "Reservations", Filters=filters):
        for instance in reservation["Instances"]:
            name = instance["InstanceId"]
            yield Thing(f"instance {name}", partial(_terminate, world, name))


def _terminate(world: World, name: str) -> None:
    """Terminate an instance, also one that the learner has protected."""
    try:
        world.do("ec2", "terminate_instances", InstanceIds=[name])
    except ClientError as error:
        if code_of(error) != "OperationNotPermitted":
            raise
        world.do("ec2", "modify_instance_attribute", InstanceId=name, DisableApiTermination={"Value": False})
        world.do("ec2", "terminate_instances", InstanceIds=[name])


def _templates(world: World) -> Iterator[Thing]:
    filters = [{"Name": "launch-template-name", "Values": [f"{world.prefix}*"]}]
    for template in world.pages("ec2", "describe_launch_templates", "LaunchTemplates", Filters=filters):
        name = template["LaunchTemplateName"]
        if name.startswith(world.prefix):
            remove = partial(world.do, "ec2", "delete_launch_template", LaunchTemplateName=name)
            yield Thing(f"launch template {name}", remove)


def _ec2(world: World) -> Iterator[Thing]:
    yield from _instances(world)
    yield from _templates(world)


def _groups(world: World) -> Iterator[Thing]:
    for group in world.pages("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"):
        name = group["AutoScalingGroupName"]
        if name.startswith(world.prefix):
            remove = partial(
                world.do, "autoscaling", "delete_auto_scaling_group", AutoScalingGroupName=name, ForceDelete=True
            )
            yield Thing(f"Auto Scaling group {name}", remove)


def _buckets(world: World) -> Iterator[Thing]:
    for bucket in world.do("s3", "list_buckets")["Buckets"]:
        if bucket["Name"].startswith(world.prefix):
            yield Thing(f"bucket {bucket['Name']}", partial(_remove_bucket, world, bucket["Name"]))


def _remove_bucket(world: World, name: str) -> None:
    """A policy that denies it goes first: root may always remove that."""
    world.do("s3", "delete_bucket_policy", Bucket=name)
    for member in ("Versions", "DeleteMarkers"):
        for each in world.pages("s3", "list_object_versions", member, Bucket=name):
            world.do("s3", "delete_object", Bucket=name, Key=each["Key"], VersionId=each["VersionId"])
    world.do("s3", "delete_bucket", Bucket=name)


class _Kind(NamedTuple):
    """A kind of things that are listed by name and deleted by name."""

    service: str
    called: str
    listing: str
    member: str
    name: str
    deletion: str
    parameter: str


_TABLES: Final = _Kind("dynamodb", "table", "list_tables", "TableNames", "", "delete_table", "TableName")
_FUNCTIONS: Final = _Kind(
    "lambda", "function", "list_functions", "Functions", "FunctionName", "delete_function", "FunctionName"
)
_PARAMETERS: Final = _Kind(
    "ssm", "parameter", "describe_parameters", "Parameters", "Name", "delete_parameter", "Name"
)  # fmt: skip


def _named(kind: _Kind, world: World) -> Iterator[Thing]:
    for each in world.pages(kind.service, kind.listing, kind.member):
        name = each[kind.name] if kind.name else each
        if name.lstrip("/").startswith(world.prefix):
            yield Thing(f"{kind.called} {name}", partial(_delete, kind, world, name))


def _delete(kind: _Kind, world: World, name: str) -> None:
    named: dict[str, Any] = {kind.parameter: name}
    if kind is _TABLES and world.do("dynamodb", "describe_table", **named)["Table"].get("DeletionProtectionEnabled"):
        world.do("dynamodb", "update_table", DeletionProtectionEnabled=False, **named)
    world.do(kind.service, kind.deletion, **named)


def _queues(world: World) -> Iterator[Thing]:
    for url in world.pages("sqs", "list_queues", "QueueUrls", QueueNamePrefix=world.prefix):
        yield Thing(f"queue {url.rpartition('/')[2]}", partial(world.do, "sqs", "delete_queue", QueueUrl=url))


FINDERS: Final[dict[str, Callable[[World], Iterator[Thing]]]] = {
    "autoscaling": _groups,
    "ec2": _ec2,
    "s3": _buckets,
    "sqs": _queues,
    "dynamodb": partial(_named, _TABLES),
    "lambda": partial(_named, _FUNCTIONS),
    "ssm": partial(_named, _PARAMETERS),
}
"""By service, in the order in which what is there can be removed: groups before their instances."""
