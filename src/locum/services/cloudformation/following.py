"""What is told of the events of stacks: messages to the topics that a stack names.

API Reference, CreateStack: NotificationARNs, "The Amazon SNS topic Amazon Resource Names (ARNs) to publish stack
related events." They are published with the permissions with which the stack is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from locum.core.actors import Actor, ServiceRole, on_behalf_of
from locum.core.arn import Arn
from locum.core.calls import ServiceCall
from locum.core.clock import iso8601_ms
from locum.core.principal import Source
from locum.credentials import KeyRing
from locum.services.cloudformation.lookup import stack_of
from locum.services.cloudformation.sealing import opened
from locum.services.cloudformation.templates import CLOUDFORMATION
from locum.services.cloudformation.told_events import event_id, is_of_stack, properties_told
from locum.state import Stack, StackEvent, State

SESSION: Final = "AWSCloudFormation"
_SUBJECT: Final = "AWS CloudFormation Notification"
_LONGEST: Final = 262_144
"""Octets of a message to a topic. Properties that are longer are not told."""


def actor_of(stack: Stack) -> Actor:
    """The actor of the calls of a stack: its role, or its caller by way of CloudFormation."""
    if stack.role:
        return ServiceRole(CLOUDFORMATION, stack.role, SESSION, Source(stack.account, stack.arn))
    return on_behalf_of(stack.caller, CLOUDFORMATION)


def following(state: State, it: StackEvent, _now: float, ring: KeyRing) -> Iterator[ServiceCall]:
    """The messages about an event."""
    stack = stack_of(state, it)
    if stack is None or not stack.notifications:
        return
    kept = opened(ring, stack.account, stack.id, it.properties)
    message = _message(stack, it, properties_told(kept))
    if len(message.encode()) > _LONGEST:
        message = _message(stack, it, "")
    for topic in stack.notifications:
        arn = Arn.find(topic)
        if arn is not None and arn.service == "sns":
            params = {"TopicArn": topic, "Subject": _SUBJECT, "Message": message}
            yield ServiceCall(actor_of(stack), "sns", "Publish", params, arn.region)


def _message(stack: Stack, it: StackEvent, properties: str) -> str:
    """The message about an event, which says who began it if it is of the stack itself.

    A custom resource says what its id and its reasons are: line breaks in them would look like other fields.
    """
    told = {
        "StackId": stack.arn,
        "Timestamp": iso8601_ms(it.at),
        "EventId": event_id(stack, it),
        "LogicalResourceId": it.logical,
        "Namespace": it.account,
        "PhysicalResourceId": it.physical or None,
        "PrincipalId": stack.caller.principal.user_id if is_of_stack(stack, it) else None,
        "ResourceProperties": properties or "null",
        "ResourceStatus": it.status,
        "ResourceStatusReason": it.reason,
        "ResourceType": it.type,
        "StackName": stack.name,
        "ClientRequestToken": it.token or "null",
    }
    return "".join(f"{name}='{' '.join(value.splitlines())}'\n" for name, value in told.items() if value is not None)
