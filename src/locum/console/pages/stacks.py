"""Stacks: the list, and the page of one with its events, resources and drift."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import Aws, attempt
from locum.console.pages.stack_templates import template_text
from locum.console.person import Person, View, url
from locum.console.rendering import segment

_EVENTS: Final = 100
_GONE: Final = "DELETE_COMPLETE"
_RESTING: Final = "REVIEW_IN_PROGRESS"
"""A stack that its first change set was made for, and not executed: nothing is under way."""
_PAGES: Final = {
    "AWS::EC2::Instance": "instances",
    "AWS::IAM::Group": "groups",
    "AWS::IAM::InstanceProfile": "instance-profiles",
    "AWS::IAM::ManagedPolicy": "policies",
    "AWS::IAM::Role": "roles",
    "AWS::IAM::User": "users",
    "AWS::AccessAnalyzer::Analyzer": "analyzers",
}
"""The types of resources that have pages, with the folder of those."""
_NESTED: Final = "AWS::CloudFormation::Stack"


async def listing(person: Person) -> Response:
    """All stacks of the account in the region; those that are deleted where the query asks for them."""
    found = await person.aws.listed("cloudformation", "list_stacks", "StackSummaries")
    deleted = bool(person.query("deleted"))
    stacks = [it for it in found if deleted or it["StackStatus"] != _GONE]
    return person.page("stacks.html", stacks=stacks, deleted=deleted, more=found.more)


def wanted(person: Person) -> str:
    """The stack that a path is about: its id where the query has one, as deleted ones have no name any more."""
    return person.query("id") or person.path["name"]


async def stack_of(aws: Aws, name: str) -> dict[str, Any]:
    """A stack, as CloudFormation describes it. Raises CallFailed."""
    stack: dict[str, Any] = (await aws.call("cloudformation", "describe_stacks", StackName=name))["Stacks"][0]
    return stack


def is_under_way(stack: dict[str, Any]) -> bool:
    """Whether something is being done with a stack."""
    status: str = stack["StackStatus"]
    return status.endswith("_IN_PROGRESS") and status != _RESTING


async def show(person: Person) -> Response:
    """The page of one stack."""
    aws, stack = person.aws, await stack_of(person.aws, wanted(person))
    own: dict[str, Any] = {"StackName": stack["StackId"]}
    resources, changes, template = await asyncio.gather(
        attempt(aws.listed("cloudformation", "list_stack_resources", "StackResourceSummaries", **own)),
        attempt(aws.listed("cloudformation", "list_change_sets", "Summaries", **own)),
        attempt(aws.call("cloudformation", "get_template", **own)),
    )
    text = template_text(template.value["TemplateBody"]) if template.value is not None else ""
    values = {"resources": resources, "changes": changes, "template": template, "text": text}
    return person.page(
        "stack.html", stack=stack, page_of=page_of, gone=stack["StackStatus"] == _GONE,
        under_way=is_under_way(stack), detection=person.query("detection"), **values,
    )  # fmt: skip


def page_of(resource: dict[str, Any]) -> str:
    """The address of the page of a resource of a stack, empty where the console has none."""
    kind, own_id = resource["ResourceType"], resource.get("PhysicalResourceId", "")
    if kind == _NESTED and own_id.count("/") == 2:
        return f"{url('stacks', own_id.split('/')[1])}?id={segment(own_id)}"
    if kind == "AWS::AccessAnalyzer::Analyzer":
        own_id = own_id.rsplit("/", 1)[-1]
    return url(_PAGES[kind], own_id) if kind in _PAGES and own_id else ""


async def events(person: Person) -> Response:
    """The events of a stack. A page that has watched something come to its end is loaded again."""
    name = wanted(person)
    stack, found = await asyncio.gather(
        stack_of(person.aws, name),
        attempt(
            person.aws.listed("cloudformation", "describe_stack_events", "StackEvents", most=_EVENTS, StackName=name)
        ),
    )
    under_way = is_under_way(stack)
    if person.query("watching") and not under_way:
        return Response(headers={"hx-refresh": "true"})
    return person.part("stack_events.html", stack=stack, events=found, under_way=under_way)


async def drift(person: Person) -> Response:
    """How a stack's resources differ from its template, once a detection has come to its end."""
    aws, detection = person.aws, person.query("detection")
    status: dict[str, Any] = {}
    if detection:
        status = await aws.call(
            "cloudformation", "describe_stack_drift_detection_status", StackDriftDetectionId=detection
        )
    under_way = status.get("DetectionStatus") == "DETECTION_IN_PROGRESS"
    drifts = None
    if not under_way:
        named: dict[str, Any] = {"StackName": wanted(person)}
        drifts = await attempt(
            aws.listed("cloudformation", "describe_stack_resource_drifts", "StackResourceDrifts", **named)
        )
    return person.part("stack_drift.html", detection=status, drifts=drifts, asked=person.request.url.query)


_PATH: Final = f"{url('stacks')}/{{name}}"

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("stacks"), listing),
    ("GET", _PATH, show),
    ("GET", f"{_PATH}/events", events),
    ("GET", f"{_PATH}/drift", drift),
)
