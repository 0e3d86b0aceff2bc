"""Who can do something, what somebody can do, and the ways to an administrator: tables and pictures."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import attempt
from locum.console.drawing import Picture, chain, picture
from locum.console.person import Person, View, url

_DRAWN: Final = 40
"""Principals, or groups of them, that are drawn; the table has all."""


def context_entries(text: str) -> list[dict[str, Any]]:
    """Condition keys from lines KEY=VALUE; a key on several lines has several values."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and key.strip():
            found.setdefault(key.strip(), []).append(value.strip())
    return [{"Key": key, "Values": values} for key, values in found.items()]


async def who_can(person: Person) -> Response:
    """Who can do an action on a resource."""
    action, resource, context = person.query("action"), person.query("resource"), person.query("context")
    found, drawn = None, None
    if action:
        asked = {"Action": action, "Resource": resource or "*", "ContextEntries": context_entries(context)}
        found = await attempt(person.aws.call("locum", "who_can", **asked))
        if found.value is not None and found.value["Groups"]:
            drawn = _who_picture(found.value["Groups"], action, resource or "*")
    values = {"action": action, "resource": resource, "context": context}
    return person.page("who_can.html", given=values, found=found, drawn=drawn)


def _who_picture(groups: list[dict[str, Any]], action: str, resource: str) -> Picture:
    """The principals, or where they are many, the groups of those alike, each with an edge to the action."""
    each = [(it["Arn"].split(":", 5)[-1], group) for group in groups for it in group["Principals"]]
    shown = each if len(each) <= _DRAWN else [(_group_text(group), group) for group in groups[:_DRAWN]]
    nodes = [(text, "node") for text, _ in shown]
    edges = [
        ((0, row), (1, 0), "with conditions" if group.get("Keys") else "", f"edge {group['Verdict']}")
        for row, (_, group) in enumerate(shown)
    ]
    return picture([nodes, [(f"{action} {resource}", "node end")]], edges)


def _group_text(group: dict[str, Any]) -> str:
    first, *others = (it["Arn"].split(":", 5)[-1] for it in group["Principals"])
    return f"{first} and {len(others)} more" if others else str(first)


async def what_can(person: Person) -> Response:
    """What a user or role can do."""
    principal, services = person.query("principal"), person.query("services").split()
    found = None
    if principal:
        asked: dict[str, Any] = {"PrincipalArn": principal} | ({"Services": services} if services else {})
        found = await attempt(person.aws.call("locum", "what_can", **asked))
    return person.page("what_can.html", principal=principal, services=" ".join(services), found=found)


async def escalations(person: Person) -> Response:
    """The ways by which somebody could become an administrator."""
    return person.page("escalations.html")


async def escalation_paths(person: Person) -> Response:
    """The same, once they are found."""
    found = await attempt(person.aws.call("locum", "find_escalation_paths"))
    pictures = []
    if found.value is not None:
        pictures = [_way(finding) for finding in found.value["Findings"]]
    return person.part("escalation_paths.html", found=found, pictures=pictures)


def _way(finding: dict[str, Any]) -> Picture:
    steps = [step.rpartition(": ")[2] for step in finding.get("Steps", ())]
    return chain([finding.get("PrincipalArn", "").split(":", 5)[-1], *steps, "administrator"])


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("who-can"), who_can),
    ("GET", url("what-can"), what_can),
    ("GET", url("escalations"), escalations),
    ("GET", url("escalations", "paths"), escalation_paths),
)
