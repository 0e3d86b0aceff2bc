"""Roles: the list, the making of one, and the page of one."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import Aws, CallFailed, Listed, attempt
from locum.console.pages.identities import ROLE, policies_of, routes
from locum.console.person import Person, View, url

FOR_EC2: Final = "ec2.amazonaws.com"
SERVICES: Final = (
    FOR_EC2, "lambda.amazonaws.com", "ecs-tasks.amazonaws.com", "cloudformation.amazonaws.com", "states.amazonaws.com",
    "events.amazonaws.com", "pods.eks.amazonaws.com", "ssm.amazonaws.com", "rolesanywhere.amazonaws.com",
)  # fmt: skip
"""The services that the form offers, with the names that trust policies have for them."""


async def listing(person: Person) -> Response:
    """All roles of the account."""
    roles = await person.aws.listed("iam", "list_roles", "Roles")
    return person.page("roles.html", roles=roles)


async def form(person: Person) -> Response:
    """The form for a new role."""
    return _form(person, {}, None)


async def create(person: Person) -> Response:
    """Make a role; one for EC2 with the instance profile of its name, as AWS's console does."""
    name, trust = person.field("name"), _trust(person)
    described = {"Description": text} if (text := person.field("description")) else {}
    try:
        await person.aws.change("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=trust, **described)
    except CallFailed as failed:
        return _form(person, dict(person.form), failed)
    try:
        await _furnish(person, name)
    except CallFailed as failed:  # the role is there: its page tells what was done, and what was not
        return person.failed(failed, url("roles", name))
    return person.done(f"The role {name} is made.", url("roles", name))


async def _furnish(person: Person, name: str) -> None:
    """What a new role gets beside its trust. Raises CallFailed."""
    aws = person.aws
    if person.field("trusted") == "service" and person.field("service") == FOR_EC2:
        await aws.change("iam", "create_instance_profile", InstanceProfileName=name)
        await aws.change("iam", "add_role_to_instance_profile", InstanceProfileName=name, RoleName=name)
    for arn in person.fields("arn"):
        await aws.change("iam", "attach_role_policy", RoleName=name, PolicyArn=arn)
    if person.field("document"):
        await aws.change(
            "iam", "put_role_policy", RoleName=name, PolicyName="permissions", PolicyDocument=person.field("document")
        )


def _trust(person: Person) -> str:
    """The trust policy that the form asks for, as JSON."""
    if person.field("trusted") == "custom":
        return person.field("trust")
    statement: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    if person.field("trusted") == "account":
        statement["Principal"] = {"AWS": f"arn:aws:iam::{person.field('account')}:root"}
        if person.field("external_id"):
            statement["Condition"] = {"StringEquals": {"sts:ExternalId": person.field("external_id")}}
    else:
        statement["Principal"] = {"Service": person.field("service")}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _form(person: Person, given: dict[str, Any], failed: CallFailed | None) -> Response:
    usual = {"name": "", "description": "", "trusted": "service", "service": FOR_EC2, "trust": "", "document": ""}
    usual |= {"account": person.session.signed.account, "external_id": ""}
    values = {"given": usual | given, "chosen": person.fields("arn"), "services": SERVICES}
    return person.page("role_new.html", 400 if failed else 200, failed=failed, **values)


async def show(person: Person) -> Response:
    """The page of one role."""
    name = person.path["name"]
    role = (await person.aws.call("iam", "get_role", RoleName=name))["Role"]
    policies, profiles, accessed = await asyncio.gather(
        policies_of(person.aws, ROLE, name),
        attempt(person.aws.listed("iam", "list_instance_profiles_for_role", "InstanceProfiles", RoleName=name)),
        attempt(last_accessed(person.aws, role["Arn"])),
    )
    values = {"policies": policies, "profiles": profiles, "accessed": accessed}
    return person.page("role.html", role=role, kind=ROLE, **values)


async def last_accessed(aws: Aws, arn: str) -> Listed:
    """The services that an identity may use, with when it last did: the access advisor. Raises CallFailed."""
    job = (await aws.call("iam", "generate_service_last_accessed_details", Arn=arn))["JobId"]
    for _ in range(_LOOKS):
        answer = await aws.call("iam", "get_service_last_accessed_details", JobId=job)
        if answer["JobStatus"] != "IN_PROGRESS":
            break
        await asyncio.sleep(_BETWEEN)
    found = Listed(answer.get("ServicesLastAccessed", ()))
    found.sort(key=lambda service: (service.get("LastAuthenticated") is None, service["ServiceName"]))
    return found


_LOOKS: Final = 20
_BETWEEN: Final = 0.1
"""Seconds between two looks at the report."""

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("roles"), listing),
    ("GET", url("roles", "new"), form),
    ("POST", url("roles", "new"), create),
    ("GET", f"{url('roles')}/{{name}}", show),
    *routes(ROLE),
)
