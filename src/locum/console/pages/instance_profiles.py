"""Instance profiles: what an instance wears, with the one role in each."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from locum.console.aws import CallFailed, attempt
from locum.console.pages.forms import change
from locum.console.person import Person, View, url

_FOLDER: Final = "instance-profiles"


async def listing(person: Person) -> Response:
    """All instance profiles of the account."""
    profiles = await person.aws.listed("iam", "list_instance_profiles", "InstanceProfiles")
    return person.page("instance_profiles.html", profiles=profiles)


async def create(person: Person) -> Response:
    """Make an instance profile."""
    name = person.field("name")
    try:
        await person.aws.change("iam", "create_instance_profile", InstanceProfileName=name)
    except CallFailed as failed:
        return person.failed(failed, url(_FOLDER))
    return person.done(f"The instance profile {name} is made.", url(_FOLDER, name))


async def show(person: Person) -> Response:
    """The page of one instance profile."""
    answer = await person.aws.call("iam", "get_instance_profile", InstanceProfileName=person.path["name"])
    roles = await attempt(person.aws.listed("iam", "list_roles", "Roles"))
    return person.page("instance_profile.html", profile=answer["InstanceProfile"], roles=roles)


async def delete(person: Person) -> Response:
    """Delete an instance profile; its role stays."""
    name = person.path["name"]
    try:
        answer = await person.aws.call("iam", "get_instance_profile", InstanceProfileName=name)
        for role in answer["InstanceProfile"]["Roles"]:
            await person.aws.change(
                "iam", "remove_role_from_instance_profile", InstanceProfileName=name, RoleName=role["RoleName"]
            )
        await person.aws.change("iam", "delete_instance_profile", InstanceProfileName=name)
    except CallFailed as failed:
        return person.failed(failed, url(_FOLDER, name))
    return person.done(f"The instance profile {name} is deleted.", url(_FOLDER))


def _page(person: Person) -> str:
    return url(_FOLDER, person.path["name"])


def _changing(operation: str, text: str) -> View:
    return change("iam", operation, text, _page, InstanceProfileName="name", RoleName="role")


_PATH: Final = f"{url(_FOLDER)}/{{name}}"

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url(_FOLDER), listing),
    ("POST", url(_FOLDER), create),
    ("GET", _PATH, show),
    ("POST", f"{_PATH}/delete", delete),
    ("POST", f"{_PATH}/role", _changing("add_role_to_instance_profile", "The role is in the profile.")),
    ("POST", f"{_PATH}/role/remove",
     _changing("remove_role_from_instance_profile", "The profile has no role any more.")),
)  # fmt: skip
