"""What somebody changes of the own session: the role and the region."""

from __future__ import annotations

import re
from typing import Final

from starlette.responses import RedirectResponse, Response

from locum.console.aws import CallFailed
from locum.console.person import ROOT, Person, View, url
from locum.console.sessions import Note
from locum.core.identifiers import REGION
from locum.core.sign_in import Keys, SignedIn

_NAME: Final = re.compile(r"[^A-Za-z0-9_+=,.@-]")
_LONGEST_NAME: Final = 64


async def switch_form(person: Person) -> Response:
    """The form for another role: also the target of links with account, roleName and displayName, as AWS has them."""
    given = {"account": person.query("account", person.session.signed.account), "role": person.query("roleName")}
    return person.page("switch_role.html", given=given, error="")


async def switch(person: Person) -> Response:
    """Assume a role as the one who signed in."""
    session = person.session
    first = session.base or session.signed
    account, role = person.field("account"), person.field("role")
    arn = role if role.startswith("arn:") else f"arn:aws:iam::{account}:role/{role.lstrip('/')}"
    person.aws.keys = first.keys
    try:
        name = _NAME.sub("-", first.name)[:_LONGEST_NAME]
        answer = await person.aws.change("sts", "assume_role", RoleArn=arn, RoleSessionName=name)
    except CallFailed as failed:
        return person.page("switch_role.html", 400, given={"account": account, "role": role}, error=failed)
    given = answer["Credentials"]
    ends = given["Expiration"].timestamp()
    keys = Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], ends)
    assumed = answer["AssumedRoleUser"]["Arn"]
    session.base = first
    session.signed = SignedIn(keys, assumed.split(":")[4], assumed, assumed.split("/", 1)[1], "role-session")
    session.tell(Note(f"You act as {assumed} now.", tuple(person.aws.commands)))
    return RedirectResponse(ROOT, 303)


async def switch_back(person: Person) -> Response:
    """Be who signed in."""
    session = person.session
    if session.base is not None:
        session.signed, session.base = session.base, None
    return RedirectResponse(ROOT, 303)


async def region_form(person: Person) -> Response:
    """The form for another region."""
    return person.page("region.html", error="")


async def change_region(person: Person) -> Response:
    """Have the pages show another region."""
    region = person.field("region")
    if not REGION.fullmatch(region):
        return person.page("region.html", 400, error=f"{region} is no region: one reads like eu-west-1.")
    person.session.region = region
    return RedirectResponse(ROOT, 303)


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("switch-role"), switch_form),
    ("POST", url("switch-role"), switch),
    ("POST", url("switch-back"), switch_back),
    ("GET", url("region"), region_form),
    ("POST", url("region"), change_region),
)
