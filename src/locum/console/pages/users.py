"""Users: the list, the making of one, and the page of one with its groups, password, keys and devices."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import Aws, CallFailed, attempt
from locum.console.pages.forms import change
from locum.console.pages.identities import USER, part, policies_of, routes
from locum.console.pages.roles import last_accessed
from locum.console.person import Person, View, url


async def listing(person: Person) -> Response:
    """All users of the account."""
    return person.page("users.html", users=await person.aws.listed("iam", "list_users", "Users"))


async def create(person: Person) -> Response:
    """Make a user."""
    name = person.field("name")
    try:
        await person.aws.change("iam", "create_user", UserName=name)
    except CallFailed as failed:
        return person.failed(failed, url("users"))
    return person.done(f"The user {name} is made. It may do nothing yet, and cannot sign in.", url("users", name))


async def show(person: Person) -> Response:
    """The page of one user."""
    aws, name = person.aws, person.path["name"]
    user = (await aws.call("iam", "get_user", UserName=name))["User"]
    policies, groups, every, keys, devices, password, accessed = await asyncio.gather(
        policies_of(aws, USER, name),
        attempt(aws.listed("iam", "list_groups_for_user", "Groups", UserName=name)),
        attempt(aws.listed("iam", "list_groups", "Groups")),
        attempt(access_keys(aws, UserName=name)),
        attempt(aws.listed("iam", "list_mfa_devices", "MFADevices", UserName=name)),
        attempt(aws.call("iam", "get_login_profile", UserName=name)),
        attempt(last_accessed(aws, user["Arn"])),
    )
    values = {"policies": policies, "groups": groups, "every": every, "keys": keys, "devices": devices}
    return person.page("user.html", user=user, kind=USER, password=password, accessed=accessed, **values)


async def access_keys(aws: Aws, **whose: Any) -> list[dict[str, Any]]:
    """The access keys of a user or of the caller, each with its last use. Raises CallFailed."""
    keys = await aws.listed("iam", "list_access_keys", "AccessKeyMetadata", **whose)
    uses = await asyncio.gather(
        *(attempt(aws.call("iam", "get_access_key_last_used", AccessKeyId=key["AccessKeyId"])) for key in keys)
    )
    return [
        key | {"Used": {} if use.value is None else use.value["AccessKeyLastUsed"]}
        for key, use in zip(keys, uses, strict=True)
    ]


async def create_key(person: Person) -> Response:
    """Make an access key; this page alone has its secret."""
    name = person.path["name"]
    try:
        key = (await person.aws.change("iam", "create_access_key", UserName=name))["AccessKey"]
    except CallFailed as failed:
        return person.failed(failed, url("users", name))
    return person.page("access_key.html", key=key, back=url("users", name), commands=person.aws.commands)


async def set_password(person: Person) -> Response:
    """Give a user a password, the first one or another."""
    name, password = person.path["name"], str(person.form.get("password", ""))
    given = {"UserName": name, "Password": password, "PasswordResetRequired": person.field("reset") == "yes"}
    try:
        try:
            await person.aws.change("iam", "update_login_profile", **given)
        except CallFailed as failed:
            if not failed.missing:
                raise
            await person.aws.change("iam", "create_login_profile", **given)
    except CallFailed as failed:
        return person.failed(failed, url("users", name))
    return person.done(f"{name} can sign in to the console with that password.", url("users", name))


async def delete(person: Person) -> Response:
    """Delete a user with all that keeps it from being deleted."""
    name = person.path["name"]
    try:
        await _empty(person.aws, name)
        await person.aws.change("iam", "delete_user", UserName=name)
    except CallFailed as failed:
        return person.failed(failed, url("users", name))
    return person.done(f"The user {name} is deleted.", url("users"))


async def _empty(aws: Aws, name: str) -> None:
    """Take from a user what it has. Raises CallFailed."""
    await part(aws, USER, name, _HELD)
    try:
        await aws.change("iam", "delete_login_profile", UserName=name)
    except CallFailed as failed:
        if not failed.missing:
            raise


_HELD: Final = (
    ("list_groups_for_user", "Groups", "GroupName", "remove_user_from_group"),
    ("list_access_keys", "AccessKeyMetadata", "AccessKeyId", "delete_access_key"),
    ("list_mfa_devices", "MFADevices", "SerialNumber", "deactivate_mfa_device"),
)


def _page(person: Person) -> str:
    return url("users", person.path["name"])


def _changing(operation: str, text: str, **members: str) -> View:
    return change("iam", operation, text, _page, UserName="name", **members)


_PATH: Final = f"{url('users')}/{{name}}"

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("users"), listing),
    ("POST", url("users"), create),
    ("GET", _PATH, show),
    ("POST", f"{_PATH}/delete", delete),
    ("POST", f"{_PATH}/password", set_password),
    ("POST", f"{_PATH}/password/delete", _changing("delete_login_profile", "The user has no password any more.")),
    ("POST", f"{_PATH}/keys", create_key),
    ("POST", f"{_PATH}/keys/update",
     _changing("update_access_key", "The key is changed.", AccessKeyId="key", Status="status")),
    ("POST", f"{_PATH}/keys/delete", _changing("delete_access_key", "The key is deleted.", AccessKeyId="key")),
    ("POST", f"{_PATH}/devices/deactivate",
     _changing("deactivate_mfa_device", "The device is not the user's any more.", SerialNumber="serial")),
    ("POST", f"{_PATH}/groups", _changing("add_user_to_group", "The user is in the group.", GroupName="group")),
    ("POST", f"{_PATH}/groups/leave",
     _changing("remove_user_from_group", "The user is not in the group any more.", GroupName="group")),
    *routes(USER),
)  # fmt: skip
