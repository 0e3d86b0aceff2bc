"""Managed policies: the list, the making of one, versions and what differs between them."""

from __future__ import annotations

import asyncio
import difflib
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import CallFailed, attempt
from locum.console.pages.forms import change
from locum.console.person import Person, View, url
from locum.console.rendering import document

_OF_AWS: Final = 2_000


async def listing(person: Person) -> Response:
    """The policies of the account, or AWS's."""
    scope = "AWS" if person.query("scope") == "AWS" else "Local"
    policies = await person.aws.listed("iam", "list_policies", "Policies", most=_OF_AWS, Scope=scope)
    return person.page("policies.html", policies=policies, scope=scope)


async def form(person: Person) -> Response:
    """The form for a new policy."""
    return _form(person, "", "", "", None)


async def create(person: Person) -> Response:
    """Make a policy."""
    name, text, description = person.field("name"), person.field("document"), person.field("description")
    described = {"Description": description} if description else {}
    try:
        made = await person.aws.change("iam", "create_policy", PolicyName=name, PolicyDocument=text, **described)
    except CallFailed as failed:
        return _form(person, name, text, description, failed)
    return person.done(f"The policy {name} is made.", url("policies", made["Policy"]["Arn"]))


def _form(person: Person, name: str, text: str, description: str, failed: CallFailed | None) -> Response:
    usual = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [], "Resource": []}]}
    given = {"name": name, "description": description, "document": text or usual}
    return person.page("policy_new.html", 400 if failed else 200, given=given, failed=failed)


async def show(person: Person) -> Response:
    """The page of one policy: its document, its versions, who has it, and what differs from an earlier version."""
    aws, arn = person.aws, person.path["arn"]
    policy = (await aws.call("iam", "get_policy", PolicyArn=arn))["Policy"]
    versions, holders = await asyncio.gather(
        aws.listed("iam", "list_policy_versions", "Versions", PolicyArn=arn),
        attempt(aws.call("iam", "list_entities_for_policy", PolicyArn=arn)),
    )
    shown = person.query("version", policy["DefaultVersionId"])
    text = await _document(person, arn, shown)
    against = person.query("against")
    differs = await asyncio.to_thread(_difference, await _document(person, arn, against), text) if against else None
    values = {"versions": versions, "holders": holders, "shown": shown, "text": text}
    own = arn.split(":")[4] == person.session.signed.account
    return person.page("policy.html", policy=policy, against=against, differs=differs, own=own, **values)


async def _document(person: Person, arn: str, version: str) -> str:
    answer = await person.aws.call("iam", "get_policy_version", PolicyArn=arn, VersionId=version)
    return document(answer["PolicyVersion"]["Document"])


def _difference(before: str, after: str) -> list[tuple[str, str]]:
    """The lines of both, each with `ins`, `del` or nothing."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[tuple[str, str]] = []
    for _, start, end, since, until in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if old[start:end] == new[since:until]:
            lines += [("", line) for line in old[start:end]]
        else:
            lines += [("del", line) for line in old[start:end]] + [("ins", line) for line in new[since:until]]
    return lines


async def add_version(person: Person) -> Response:
    """Put another version, which is the default one."""
    arn, text = person.field("arn"), person.field("document")
    try:
        await person.aws.change(
            "iam", "create_policy_version", PolicyArn=arn, PolicyDocument=text, SetAsDefault=True
        )  # fmt: skip
    except CallFailed as failed:
        again = {"action": url("policy-versions"), "fields": {"arn": arn}, "name": "document"}
        values: dict[str, Any] = {"text": text, "back": url("policies", arn), "again": again}
        return person.page("refused_policy.html", 400, failed=failed, type="IDENTITY_POLICY", **values)
    return person.done("The new version is in force with the next call.", url("policies", arn))


async def delete(person: Person) -> Response:
    """Delete a policy with its versions; who has it, has to be parted from it before."""
    arn = person.field("arn")
    try:
        for version in await person.aws.listed("iam", "list_policy_versions", "Versions", PolicyArn=arn):
            if not version["IsDefaultVersion"]:
                await person.aws.change(
                    "iam", "delete_policy_version", PolicyArn=arn, VersionId=version["VersionId"]
                )  # fmt: skip
        await person.aws.change("iam", "delete_policy", PolicyArn=arn)
    except CallFailed as failed:
        return person.failed(failed, url("policies", arn))
    return person.done("The policy is deleted.", url("policies"))


def _page(person: Person) -> str:
    return url("policies", person.field("arn"))


def _changing(operation: str, text: str) -> View:
    return change("iam", operation, text, _page, PolicyArn="arn", VersionId="version")


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("policies"), listing),
    ("GET", url("policies", "new"), form),
    ("POST", url("policies", "new"), create),
    ("POST", url("policies", "delete"), delete),
    ("GET", f"{url('policies')}/{{arn:path}}", show),
    ("POST", url("policy-versions"), add_version),
    ("POST", url("policy-versions", "default"),
     _changing("set_default_policy_version", "That version is in force with the next call.")),
    ("POST", url("policy-versions", "delete"), _changing("delete_policy_version", "The version is deleted.")),
)  # fmt: skip
