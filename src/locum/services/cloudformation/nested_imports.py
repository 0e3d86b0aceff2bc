"""Imports of stacks, which become nested ones of another stack.

CloudFormation User Guide, "Nest an existing stack": a stack is not imported into a nested one, nor one that has nested
ones itself. Its template and its tags must be those that the resource has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.services.cloudformation.lookup import parent_of, stack_at
from locum.services.cloudformation.nesting import parts_of
from locum.services.cloudformation.proposals import decoded_once
from locum.services.cloudformation.providers.base import Found, Reading, Request, Resource
from locum.services.cloudformation.providers.cloudformation import outputs_in
from locum.services.cloudformation.providers.reading import absent
from locum.services.cloudformation.providers.steps import Steps
from locum.services.cloudformation.templates import s3_object
from locum.services.verbs import Settings
from locum.state import Event, Stack, State, put

_IMPORTABLE: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_ABSENT: Final = "does not exist"


def read_stack(resource: Resource) -> Reading:
    """A stack, by its ARN. Raises Fault where there is none."""
    try:
        (told,) = (yield Request("cloudformation", "DescribeStacks", {"StackName": resource.physical}))["Stacks"]
    except Fault as fault:
        raise absent(resource) if _ABSENT in fault.message else fault from fault
    if told["StackId"] != resource.physical or told["StackStatus"] == "DELETE_COMPLETE":
        raise absent(resource)
    return Found({}, outputs_in(told))


def unlike(resource: Resource, settings: Settings) -> Steps[str]:
    """In what a stack is not what the properties of the resource say that it is; empty where it is that.

    Raises Fault where its template, or that at the TemplateURL, cannot be read.
    """
    properties, arn = resource.properties, resource.physical
    (told,) = (yield Request("cloudformation", "DescribeStacks", {"StackName": arn}))["Stacks"]
    if _pairs(told.get("Tags")) != _pairs(properties.get("Tags")):
        return _DIFFERS.format("Tags", resource.logical, "don't", arn)
    kept = yield Request("cloudformation", "GetTemplate", {"StackName": arn})
    named = s3_object(str(properties.get("TemplateURL")), settings)
    content: bytes = (yield Request("s3", "GetObject", named.params, named.region))["Body"]
    if _decoded(kept["TemplateBody"]) != decoded_once(content.decode("utf-8", "replace")):
        return _DIFFERS.format("Template", resource.logical, "doesn't", arn)
    return ""


_DIFFERS: Final = "{} of resource [{}] defined in the template {} match those of stack {}."


def _decoded(body: Any) -> Mapping[str, Any]:
    return body if isinstance(body, Mapping) else decoded_once(str(body))


def _pairs(tags: Any) -> dict[str, str]:
    return {str(it["Key"]): str(it["Value"]) for it in tags or ()}


def hindrance(state: State, outer: Stack, arn: str) -> str:
    """The reason that the stack with that ARN cannot be nested in `outer`; empty where it can be."""
    inner, around = stack_at(state, outer.account, outer.region, arn), parent_of(state, outer)
    if around is not None and not around.deleted:  # nor in one that retained it: two might be in one another
        return "Stacks cannot be imported into a child stack."
    if inner is None or inner.id == outer.id:
        return f"Stack {arn} cannot be nested in itself."
    if any(True for _ in parts_of(state, inner)):
        return "Stacks to be imported cannot have any child stacks."
    if inner.status not in _IMPORTABLE:
        return f"Stack {arn} is not in an importable status, current stack status is {inner.status}."
    if inner.protected:  # it would have the protection of whoever has the root
        return f"Stack [{inner.name}] cannot be nested while TerminationProtection is enabled"
    return ""


def nested_in(state: State, outer: Stack, arn: str) -> tuple[Event, ...]:
    """The events by which a stack becomes one that is nested in `outer`."""
    return _placed(state, outer, arn, outer.arn)


def let_go(state: State, outer: Stack, arn: str) -> tuple[Event, ...]:
    """The events by which a stack is by itself again."""
    return _placed(state, outer, arn, "")


def _placed(state: State, outer: Stack, arn: str, parent: str) -> tuple[Event, ...]:
    inner = stack_at(state, outer.account, outer.region, arn)
    return () if inner is None else (put(replace(inner, parent=parent, root=parent)),)
