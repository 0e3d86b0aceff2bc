"""What is told of an event of a stack by DescribeStackEvents and by messages to topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum.core.clock import iso8601_ms
from locum.services.cloudformation.drafts import STACK
from locum.services.cloudformation.shown import as_json
from locum.state import Stack, StackEvent


def is_of_stack(stack: Stack, it: StackEvent) -> bool:
    """Whether an event is of the stack itself, and not of a resource of it."""
    return it.type == STACK and it.physical == stack.arn


def event_id(stack: Stack, it: StackEvent) -> str:
    """The id of an event: of a resource it has its name; with its status and time where it tells of its properties."""
    if is_of_stack(stack, it):
        return it.id
    return f"{it.logical}-{it.status}-{iso8601_ms(it.at)}" if it.properties else f"{it.logical}-{it.id}"


def properties_told(kept: Mapping[str, Any]) -> str:
    """The properties of a resource as JSON, without secrets, of what an event has `kept`; empty where it has none."""
    properties = kept.get("shown", kept.get("properties"))
    return "" if properties is None else as_json(properties)
