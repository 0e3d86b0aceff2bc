"""What somebody does with a role: its trust, its sessions, its end."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import Aws, CallFailed
from locum.console.pages.identities import ROLE, part
from locum.console.person import Person, View, url

REVOKES: Final = "AWSRevokeOlderSessions"
"""The inline policy by which AWS's console revokes the sessions of a role: IAM User Guide, "Revoke IAM role temporary
security credentials"."""


async def put_trust(person: Person) -> Response:
    """Put another trust policy. Where it is refused, the page has what was typed."""
    name, document = person.path["name"], person.field("trust")
    try:
        await person.aws.change("iam", "update_assume_role_policy", RoleName=name, PolicyDocument=document)
    except CallFailed as failed:
        again = {"action": person.request.url.path, "fields": {}, "name": "trust"}
        values = {"failed": failed, "text": document, "back": url("roles", name), "again": again}
        return person.page("refused_policy.html", 400, type="TRUST_POLICY", **values)
    return person.done("The trust policy is in force with the next call.", url("roles", name))


async def update(person: Person) -> Response:
    """Change description and the longest session."""
    name = person.path["name"]
    try:
        seconds = int(person.field("seconds") or 3600)
        description = person.field("description")
        await person.aws.change(
            "iam", "update_role", RoleName=name, Description=description, MaxSessionDuration=seconds
        )
    except ValueError:
        failed = CallFailed("ValidationError", "The longest session is a number of seconds.", "iam:UpdateRole")
        return person.failed(failed, url("roles", name))
    except CallFailed as failed:
        return person.failed(failed, url("roles", name))
    return person.done("The role is changed.", url("roles", name))


async def revoke(person: Person) -> Response:
    """Deny everything to sessions that were issued before now."""
    name = person.path["name"]
    now = datetime.fromtimestamp(person.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    condition = {"DateLessThan": {"aws:TokenIssueTime": now}}
    statement = {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    try:
        await person.aws.change("iam", "put_role_policy", RoleName=name, PolicyName=REVOKES, PolicyDocument=document)
    except CallFailed as failed:
        return person.failed(failed, url("roles", name))
    return person.done("Sessions that were issued before now are denied everything.", url("roles", name))


async def delete(person: Person) -> Response:
    """Delete a role with all that keeps it from being deleted, as AWS's console does."""
    name = person.path["name"]
    try:
        await _empty(person.aws, name)
        await person.aws.change("iam", "delete_role", RoleName=name)
    except CallFailed as failed:
        return person.failed(failed, url("roles", name))
    return person.done(f"The role {name} is deleted.", url("roles"))


async def _empty(aws: Aws, name: str) -> None:
    """Take policies and instance profiles from a role; the profile of its own name is deleted. Raises CallFailed."""
    of_role: dict[str, Any] = {"RoleName": name}
    for profile in await aws.listed("iam", "list_instance_profiles_for_role", "InstanceProfiles", **of_role):
        of_profile = {"InstanceProfileName": profile["InstanceProfileName"]}
        await aws.change("iam", "remove_role_from_instance_profile", **of_profile, **of_role)
        if profile["InstanceProfileName"] == name:
            await aws.change("iam", "delete_instance_profile", **of_profile)
    await part(aws, ROLE, name)


_PATH: Final = f"{url('roles')}/{{name}}"

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("POST", f"{_PATH}/trust", put_trust),
    ("POST", f"{_PATH}/update", update),
    ("POST", f"{_PATH}/revoke", revoke),
    ("POST", f"{_PATH}/delete", delete),
)
