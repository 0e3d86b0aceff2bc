"""What somebody does with an instance: its state, its profile, the options of its metadata service, its tags."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import Aws, CallFailed
from locum.console.pages.forms import Given, changing
from locum.console.pages.instances import options_of
from locum.console.person import Person, View, url


def _page(person: Person) -> str:
    return url("instances", person.path["id"])


def _one(person: Person) -> dict[str, Any]:
    return {"InstanceIds": [person.path["id"]]}


def _options(person: Person) -> dict[str, Any]:
    return {"InstanceId": person.path["id"], **options_of(person)}


def _tag(person: Person) -> dict[str, Any]:
    tag = {"Key": person.field("key"), "Value": person.field("value")}
    return {"Resources": [person.path["id"]], "Tags": [tag]}


def _tag_key(person: Person) -> dict[str, Any]:
    return {"Resources": [person.path["id"]], "Tags": [{"Key": person.field("key")}]}


async def put_profile(person: Person) -> Response:
    """Give an instance a profile, in place of one that it has."""
    given = {"Arn": person.field("profile")}
    try:
        association = await _association(person.aws, person.path["id"])
        if association:
            await person.aws.change(
                "ec2", "replace_iam_instance_profile_association", AssociationId=association, IamInstanceProfile=given
            )
        else:
            await person.aws.change(
                "ec2", "associate_iam_instance_profile", InstanceId=person.path["id"], IamInstanceProfile=given
            )
    except CallFailed as failed:
        return person.failed(failed, _page(person))
    return person.done(
        "The instance has the profile. Programs get credentials of its role within seconds.", _page(person)
    )


async def take_profile(person: Person) -> Response:
    """Take its profile from an instance."""
    try:
        association = await _association(person.aws, person.path["id"])
        await person.aws.change("ec2", "disassociate_iam_instance_profile", AssociationId=association)
    except CallFailed as failed:
        return person.failed(failed, _page(person))
    return person.done("The instance has no profile any more, and gets no credentials.", _page(person))


async def _association(aws: Aws, own_id: str) -> str:
    """The id of the association that an instance has its profile by, empty without one. Raises CallFailed."""
    found = await aws.listed(
        "ec2", "describe_iam_instance_profile_associations", "IamInstanceProfileAssociations",
        Filters=[{"Name": "instance-id", "Values": [own_id]}],
    )  # fmt: skip
    ids = [it["AssociationId"] for it in found if it["State"] in {"associating", "associated"}]
    return ids[0] if ids else ""


_PATH: Final = f"{url('instances')}/{{id}}"
_CHANGES: Final[tuple[tuple[str, str, str, Given], ...]] = (
    ("start", "start_instances", "The instance is being started.", _one),
    ("stop", "stop_instances", "The instance is being stopped.", _one),
    ("reboot", "reboot_instances", "The instance is rebooted.", _one),
    ("terminate", "terminate_instances", "The instance is being terminated.", _one),
    ("metadata", "modify_instance_metadata_options", "The options are in force with the next request.", _options),
    ("tag", "create_tags", "The tag is set.", _tag),
    ("untag", "delete_tags", "The tag is removed.", _tag_key),
)
"""The last segment of the path, the operation, what is told when it is done, and the parameters."""

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    *(
        ("POST", f"{_PATH}/{segment}", changing("ec2", operation, text, given, _page))
        for segment, operation, text, given in _CHANGES
    ),
    ("POST", f"{_PATH}/profile", put_profile),
    ("POST", f"{_PATH}/profile/delete", take_profile),
)
