"""Policies of an organization: the list, the making of one, and the page of one."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import CallFailed, attempt
from locum.console.pages.forms import changing
from locum.console.pages.organization import KINDS, every_policy, tree_of
from locum.console.person import Person, View, url

_SERVICE: Final = "organizations"
_FOLDER: Final = "organization-policies"
_STARTS: Final[dict[str, dict[str, Any]]] = {
    "SERVICE_CONTROL_POLICY": {"Effect": "Deny", "Action": [], "Resource": "*"},
    "RESOURCE_CONTROL_POLICY": {"Effect": "Deny", "Principal": "*", "Action": [], "Resource": "*"},
}
"""The statement that the form of a new policy begins with."""


async def listing(person: Person) -> Response:
    """The policies of the organization, and the form for another one."""
    return await _listing(person, None)


async def create(person: Person) -> Response:
    """Make a policy. Where it is refused, the page has what was typed."""
    given = {"Name": person.field("name"), "Description": person.field("description"), "Type": person.field("type")}
    try:
        made = await person.aws.change(_SERVICE, "create_policy", Content=person.field("document"), **given)
    except CallFailed as failed:
        return await _listing(person, failed)
    own_id = made["Policy"]["PolicySummary"]["Id"]
    return person.done("The policy is made. It is in force where it is attached.", url(_FOLDER, own_id))


async def _listing(person: Person, failed: CallFailed | None) -> Response:
    policies = await attempt(every_policy(person.aws))
    kind = person.field("type") or person.query("type")
    kind = kind if kind in KINDS else next(iter(KINDS))
    start = {"Version": "2012-10-17", "Statement": [_STARTS[kind]]}
    given = {"name": "", "description": "", "document": start} | dict(person.form)
    values = {"policies": policies, "given": given, "kinds": KINDS, "kind": kind}
    return person.page("organization_policies.html", 400 if failed else 200, failed=failed, **values)


async def show(person: Person) -> Response:
    """The page of one policy."""
    own_id = person.path["id"]
    policy, targets, tree = await asyncio.gather(
        person.aws.call(_SERVICE, "describe_policy", PolicyId=own_id),
        attempt(person.aws.listed(_SERVICE, "list_targets_for_policy", "Targets", PolicyId=own_id)),
        attempt(tree_of(person.aws)),
    )
    summary = policy["Policy"]["PolicySummary"]
    values = {"content": policy["Policy"]["Content"], "targets": targets, "tree": tree, "kinds": KINDS}
    return person.page("organization_policy.html", policy=summary, **values)


async def update(person: Person) -> Response:
    """Change a policy. Where it is refused, the page has what was typed."""
    own_id, document = person.path["id"], person.field("document")
    kind = person.field("type")
    try:
        await person.aws.change(_SERVICE, "update_policy", PolicyId=own_id, Content=document)
    except CallFailed as failed:
        again = {"action": person.request.url.path, "fields": {"type": kind}, "name": "document"}
        values = {"failed": failed, "text": document, "back": url(_FOLDER, own_id), "again": again}
        return person.page("refused_policy.html", 400, type=kind if kind in KINDS else next(iter(KINDS)), **values)
    return person.done("The policy is in force with the next call, where it is attached.", url(_FOLDER, own_id))


def _target(person: Person) -> dict[str, Any]:
    return {"PolicyId": person.path["id"], "TargetId": person.field("target")}


def _named(person: Person) -> dict[str, Any]:
    return {"PolicyId": person.path["id"]}


def _page(person: Person) -> str:
    return url(_FOLDER, person.path["id"])


_PATH: Final = f"{url(_FOLDER)}/{{id}}"

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url(_FOLDER), listing),
    ("POST", url(_FOLDER), create),
    ("GET", _PATH, show),
    ("POST", f"{_PATH}/update", update),
    ("POST", f"{_PATH}/attach",
     changing(_SERVICE, "attach_policy", "The policy is attached, and in force with the next call.", _target, _page)),
    ("POST", f"{_PATH}/detach", changing(_SERVICE, "detach_policy", "The policy is detached.", _target, _page)),
    ("POST", f"{_PATH}/delete",
     changing(_SERVICE, "delete_policy", "The policy is deleted.", _named, lambda _: url(_FOLDER))),
)  # fmt: skip
