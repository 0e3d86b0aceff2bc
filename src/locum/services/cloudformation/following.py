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
from locum.services.cloudformation.templates import CLOUDFORMATION
from locum.state import Stack, StackEvent, State
from locum.state.autoscaling import regional

SESSION: Final = "AWSCloudFormation"
_SUBJECT: Final = "AWS CloudFormation Notification"


def actor_of(stack: Stack) -> Actor:
    """The actor of the calls of a stack: its role, or its caller by way of CloudFormation."""
    if stack.role:
        return ServiceRole(CLOUDFORMATION, stack.role, SESSION, Source(stack.account, stack.arn))
    return on_behalf_of(stack.caller, CLOUDFORMATION)


def following(state: State, it: StackEvent, _now: float) -> Iterator[ServiceCall]:
    """The messages about an event. The properties of resources are not told: they may be secret."""
    stack = state.get(Stack, it.account, regional(it.region, it.stack))
    if stack is None or not stack.notifications:
        return
    told = {
        "StackId": stack.arn,
        "Timestamp": iso8601_ms(it.at),
        "EventId": it.id,
        "LogicalResourceId": it.logical,
        "Namespace": it.account,
        "PhysicalResourceId": it.physical,
        "PrincipalId": stack.caller.principal.user_id,
        "ResourceProperties": "null",
        "ResourceStatus": it.status,
        "ResourceStatusReason": it.reason,
        "ResourceType": it.type,
        "StackName": stack.name,
        "ClientRequestToken": it.token or "null",
    }
    message = "".join(f"{name}='{value}'\n" for name, value in told.items())
    for topic in stack.notifications:
        arn = Arn.find(topic)
        if arn is not None and arn.service == "sns":
            params = {"TopicArn": topic, "Subject": _SUBJECT, "Message": message}
            yield ServiceCall(actor_of(stack), "sns", "Publish", params, arn.region)
