"""Analyzers of IAM Access Analyzer, and what they have found."""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import Aws, CallFailed, attempt
from locum.console.pages.forms import changing, number
from locum.console.person import Person, View, url

TYPES: Final = (
    ("ACCOUNT", "who outside of this account may do something with its resources"),
    ("ACCOUNT_UNUSED_ACCESS", "access of this account that nobody uses"),
    ("ACCOUNT_INTERNAL_ACCESS", "who within this account may do something with the resources below"),
    ("ORGANIZATION", "who outside of the organization may do something with its resources"),
    ("ORGANIZATION_UNUSED_ACCESS", "access of the organization's accounts that nobody uses"),
    ("ORGANIZATION_INTERNAL_ACCESS", "who within the organization may do something with the resources below"),
)
STATES: Final = ("ACTIVE", "ARCHIVED", "RESOLVED")
_SERVICE: Final = "accessanalyzer"
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


async def listing(person: Person) -> Response:
    """The analyzers of the account in the region, and the form for another one."""
    return await _listing(person, None)


async def create(person: Person) -> Response:
    """Make an analyzer."""
    name, kind = person.field("name"), person.field("type")
    try:
        configuration = _configuration(person, kind)
        await person.aws.change(_SERVICE, "create_analyzer", analyzerName=name, type=kind, **configuration)
    except CallFailed as failed:
        return await _listing(person, failed)
    return person.done(f"The analyzer {name} is made. It looks at everything now.", url("analyzers", name))


async def _listing(person: Person, failed: CallFailed | None) -> Response:
    analyzers = await person.aws.listed(_SERVICE, "list_analyzers", "analyzers")
    given = {"name": "", "type": "ACCOUNT", "days": "90", "resources": ""} | dict(person.form)
    values = {"analyzers": analyzers, "types": dict(TYPES), "given": given}
    return person.page("analyzers.html", 400 if failed else 200, failed=failed, **values)


def _configuration(person: Person, kind: str) -> dict[str, Any]:
    """The parameters that an analyzer of a kind takes beside its name. Raises CallFailed."""
    if kind.endswith("UNUSED_ACCESS"):
        return {"configuration": {"unusedAccess": {"unusedAccessAge": number(person, "days")}}}
    if kind.endswith("INTERNAL_ACCESS"):
        resources = [{"resourceArns": person.field("resources").split()}]
        return {"configuration": {"internalAccess": {"analysisRule": {"inclusions": resources}}}}
    return {}


async def show(person: Person) -> Response:
    """The page of an analyzer, with what it has found."""
    analyzer = await _analyzer(person.aws, person.path["name"])
    state = person.query("status", "ACTIVE")
    chosen: dict[str, Any] = {"filter": {"status": {"eq": [state]}}} if state in STATES else {}
    found = await attempt(
        person.aws.listed(_SERVICE, "list_findings_v2", "findings", analyzerArn=analyzer["arn"], **chosen)
    )
    values = {"findings": found, "state": state, "states": STATES, "types": dict(TYPES), "words": words}
    return person.page("analyzer.html", analyzer=analyzer, **values)


async def _analyzer(aws: Aws, name: str) -> dict[str, Any]:
    """An analyzer. Raises CallFailed."""
    found: dict[str, Any] = (await aws.call(_SERVICE, "get_analyzer", analyzerName=name))["analyzer"]
    return found


async def show_finding(person: Person) -> Response:
    """The page of one finding."""
    analyzer = await _analyzer(person.aws, person.path["name"])
    named = {"analyzerArn": analyzer["arn"], "id": person.path["finding"]}
    finding = await person.aws.call(_SERVICE, "get_finding_v2", **named)
    details = [_facts(value) for detail in finding["findingDetails"] for value in detail.values()]
    return person.page("finding.html", analyzer=analyzer, finding=finding, details=details, words=words)


def words(name: str) -> str:
    """The name of a member or type as words: "last accessed"."""
    return _WORDS.sub(" ", name).lower()


def _facts(detail: dict[str, Any]) -> list[tuple[str, Any]]:
    """What a detail of a finding tells, without what is empty in it."""
    return [(words(name), _plain(value)) for name, value in detail.items() if value not in ({}, [], "", None)]


def _plain(value: Any) -> Any:
    """Lists of texts and maps of texts as one text; all else as it is."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return ", ".join(f"{name}: {item}" for name, item in value.items())
    return value


async def mark(person: Person) -> Response:
    """Archive findings, or have them be active again."""
    name, state = person.path["name"], person.field("status")
    ids = person.fields("id")
    where = url("analyzers", name, *(("findings", ids[0]) if person.field("from") == "finding" and ids else ()))
    try:
        analyzer = await _analyzer(person.aws, name)
        await person.aws.change(_SERVICE, "update_findings", analyzerArn=analyzer["arn"], status=state, ids=ids)
    except CallFailed as failed:
        return person.failed(failed, where)
    return person.done("Archived." if state == "ARCHIVED" else "Active again.", where)


async def look_again(person: Person) -> Response:
    """Have an analyzer look at a resource now."""
    where = url("analyzers", person.path["name"])
    try:
        analyzer = await _analyzer(person.aws, person.path["name"])
        given = {"analyzerArn": analyzer["arn"], "resourceArn": person.field("resource")}
        await person.aws.change(_SERVICE, "start_resource_scan", **given)
    except CallFailed as failed:
        return person.failed(failed, where)
    return person.done("The analyzer looks at the resource.", where)


def _named(person: Person) -> dict[str, Any]:
    return {"analyzerName": person.path["name"]}


_PATH: Final = f"{url('analyzers')}/{{name}}"
_DELETED: Final = "The analyzer is deleted, with its findings."

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("analyzers"), listing),
    ("POST", url("analyzers"), create),
    ("GET", _PATH, show),
    ("POST", f"{_PATH}/mark", mark),
    ("POST", f"{_PATH}/scan", look_again),
    ("POST", f"{_PATH}/delete",
     changing(_SERVICE, "delete_analyzer", _DELETED, _named, lambda _: url("analyzers"))),
    ("GET", f"{_PATH}/findings/{{finding}}", show_finding),
)  # fmt: skip
