"""Groups: the list, the making of one, and the page of one with its members and policies."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response

from locum.console.aws import CallFailed, attempt
from locum.console.pages.forms import change
from locum.console.pages.identities import GROUP, part, policies_of, routes
from locum.console.person import Person, View, url


async def listing(person: Person) -> Response:
    """All groups of the account."""
    return person.page("groups.html", groups=await person.aws.listed("iam", "list_groups", "Groups"))


async def create(person: Person) -> Response:
    """Make a group."""
    name = person.field("name")
    try:
        await person.aws.change("iam", "create_group", GroupName=name)
    except CallFailed as failed:
        return person.failed(failed, url("groups"))
    return person.done(f"The group {name} is made.", url("groups", name))


async def show(person: Person) -> Response:
    """The page of one group."""
    name = person.path["name"]
    answer = await person.aws.call("iam", "get_group", GroupName=name)
    members, policies, users = await asyncio.gather(
        person.aws.listed("iam", "get_group", "Users", GroupName=name),
        policies_of(person.aws, GROUP, name),
        attempt(person.aws.listed("iam", "list_users", "Users")),
    )
    return person.page(
        "group.html", group=answer["Group"], kind=GROUP, members=members, policies=policies, users=users
    )  # fmt: skip


async def delete(person: Person) -> Response:
    """Delete a group; its members stay."""
    aws, name = person.aws, person.path["name"]
    try:
        await part(aws, GROUP, name, _HELD)
        await aws.change("iam", "delete_group", GroupName=name)
    except CallFailed as failed:
        return person.failed(failed, url("groups", name))
    return person.done(f"The group {name} is deleted.", url("groups"))


_HELD: Final = (("get_group", "Users", "UserName", "remove_user_from_group"),)


def _page(person: Person) -> str:
    return url("groups", person.path["name"])


def _changing(operation: str, text: str) -> View:
    return change("iam", operation, text, _page, GroupName="name", UserName="user")


_PATH: Final = f"{url('groups')}/{{name}}"

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("groups"), listing),
    ("POST", url("groups"), create),
    ("GET", _PATH, show),
    ("POST", f"{_PATH}/delete", delete),
    ("POST", f"{_PATH}/members", _changing("add_user_to_group", "The user is in the group.")),
    ("POST", f"{_PATH}/members/leave",
     _changing("remove_user_from_group", "The user is not in the group any more.")),
    *routes(GROUP),
)  # fmt: skip
