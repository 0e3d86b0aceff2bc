"""What somebody does with an organization: makes it, its units and accounts, and moves and ends them."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import CallFailed
from locum.console.pages.forms import changing, filled
from locum.console.person import Person, View, url
from locum.console.sessions import Note

_SERVICE: Final = "organizations"
_LOOKS: Final = 10
_BETWEEN: Final = 0.1
"""Seconds between two looks at whether an account is made."""


def _all(_person: Person) -> str:
    return url("organization")


def _page(person: Person) -> str:
    return url("organization", person.path["id"])


async def create_account(person: Person) -> Response:
    """Make an account, and wait a moment for it; it goes into a unit where the form names one."""
    given = {"AccountName": person.field("name"), "Email": person.field("email")}
    role, unit = person.field("role"), person.field("unit")
    try:
        asked = await person.aws.change(_SERVICE, "create_account", **given, **filled(RoleName=role))
        status = await _made(person, asked["CreateAccountStatus"])
        if status["State"] == "SUCCEEDED" and unit:
            await _move(person, status["AccountId"], unit)
    except CallFailed as failed:
        return person.failed(failed, url("organization"))
    if status["State"] == "FAILED":
        person.session.tell(Note(f"The account was not made: {status.get('FailureReason', '')}.", is_error=True))
    text = {"SUCCEEDED": f"The account {status.get('AccountId', '')} is made."}
    return person.done(text.get(status["State"], "The account was asked for."), url("organization"))


async def _made(person: Person, status: dict[str, Any]) -> dict[str, Any]:
    """How the making of an account goes, once it has ended or has taken a while. Raises CallFailed."""
    for _ in range(_LOOKS):
        if status["State"] != "IN_PROGRESS":
            break
        await asyncio.sleep(_BETWEEN)
        named = {"CreateAccountRequestId": status["Id"]}
        status = (await person.aws.call(_SERVICE, "describe_create_account_status", **named))["CreateAccountStatus"]
    return status


async def move(person: Person) -> Response:
    """Move an account to another unit."""
    try:
        await _move(person, person.path["id"], person.field("to"))
    except CallFailed as failed:
        return person.failed(failed, _page(person))
    return person.done("The account is moved: other policies are in force for it now.", _page(person))


async def _move(person: Person, account: str, unit: str) -> None:
    (parent,) = await person.aws.listed(_SERVICE, "list_parents", "Parents", ChildId=account)
    where = {"SourceParentId": parent["Id"], "DestinationParentId": unit}
    await person.aws.change(_SERVICE, "move_account", AccountId=account, **where)


def _unit(person: Person) -> dict[str, Any]:
    return {"ParentId": person.path["id"], "Name": person.field("name")}


def _renamed(person: Person) -> dict[str, Any]:
    return {"OrganizationalUnitId": person.path["id"], "Name": person.field("name")}


def _own_unit(person: Person) -> dict[str, Any]:
    return {"OrganizationalUnitId": person.path["id"]}


def _account(person: Person) -> dict[str, Any]:
    return {"AccountId": person.path["id"]}


def _policy(person: Person) -> dict[str, Any]:
    return {"PolicyId": person.field("policy"), "TargetId": person.path["id"]}


def _type(person: Person) -> dict[str, Any]:
    return {"RootId": person.path["id"], "PolicyType": person.field("type")}


_PATH: Final = f"{url('organization')}/{{id}}"

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("POST", url("organization"),
     changing(_SERVICE, "create_organization", "The organization is made, and this is its management account.",
              lambda _: {"FeatureSet": "ALL"}, _all)),
    ("POST", url("organization-accounts"), create_account),
    ("POST", f"{_PATH}/move", move),
    ("POST", f"{_PATH}/units", changing(_SERVICE, "create_organizational_unit", "The unit is made.", _unit, _all)),
    ("POST", f"{_PATH}/rename",
     changing(_SERVICE, "update_organizational_unit", "The unit has another name.", _renamed, _page)),
    ("POST", f"{_PATH}/delete",
     changing(_SERVICE, "delete_organizational_unit", "The unit is deleted.", _own_unit, _all)),
    ("POST", f"{_PATH}/close", changing(_SERVICE, "close_account", "The account is closed.", _account, _page)),
    ("POST", f"{_PATH}/attach",
     changing(_SERVICE, "attach_policy", "The policy is attached, and in force with the next call.", _policy, _page)),
    ("POST", f"{_PATH}/detach", changing(_SERVICE, "detach_policy", "The policy is detached.", _policy, _page)),
    ("POST", f"{_PATH}/enable",
     changing(_SERVICE, "enable_policy_type", "Policies of this type are in force now.", _type, _all)),
    ("POST", f"{_PATH}/disable",
     changing(_SERVICE, "disable_policy_type", "Policies of this type are not in force any more.", _type, _all)),
)  # fmt: skip
