"""Status changes of commands: events for EventBridge, and the messages that NotificationConfig asks for.

AWS Systems Manager User Guide, "Amazon EventBridge event examples for Systems Manager" (EC2 Command Status-change
Notification, EC2 Command Invocation Status-change Notification) and "Monitoring status changes using Amazon SNS".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from locum.core.actors import ServiceRole
from locum.core.arn import PARTITION, Arn
from locum.core.calls import ServiceCall
from locum.core.clock import iso8601_ms
from locum.core.principal import Source
from locum.core.service_events import ServiceEvent
from locum.credentials import KeyRing
from locum.services.ssm.descriptions import invocations_of, status_of
from locum.services.ssm.documents import SERVICE
from locum.state import Command, CommandInvocation, State

_SESSION: Final = "SystemsManager"
_Told = Iterator[ServiceEvent | ServiceCall]


def following(state: State, it: CommandInvocation, now: float, _ring: KeyRing) -> _Told:
    """The events and messages about `it`, which is about to take the place of what it is in `state`."""
    command = state.get(Command, it.account, it.command)
    earlier = state.get(CommandInvocation, it.account, it.key)
    if command is None or earlier is None or earlier.status == it.status:
        return
    about = {"command-id": it.command, "document-name": command.document}
    requested = {"requested-date-time": iso8601_ms(command.requested)}
    detail = {**about, "instance-id": it.instance, **requested, "status": it.status}
    yield _event(it, "EC2 Command Invocation Status-change Notification", detail)
    yield from _message(command, "Invocation", it.status, it.details, now, it.instance)
    before = invocations_of(state, command)
    after = [it if other.key == it.key else other for other in before]
    status, details = status_of(command, after)
    if status == status_of(command, before)[0]:
        return
    expires = {"expire-after": iso8601_ms(command.requested + command.timeout)}
    yield _event(it, "EC2 Command Status-change Notification", {**about, **expires, **requested, "status": status})
    yield from _message(command, "Command", status, details, now)


def _event(it: CommandInvocation, detail_type: str, detail: Mapping[str, Any]) -> ServiceEvent:
    resources = (f"arn:{PARTITION}:ec2:{it.region}:{it.account}:instance/{it.instance}",)
    return ServiceEvent("aws.ssm", detail_type, it.account, it.region, resources, detail)


def _message(
    command: Command, kind: str, status: str, details: str, now: float, instance: str = ""
) -> Iterator[ServiceCall]:
    """The message to the topic of a command, by the role that was passed with it."""
    wanted = cast("Mapping[str, Any]", command.settings.get("NotificationConfig") or {})
    topic, events = Arn.find(str(wanted.get("NotificationArn", ""))), wanted.get("NotificationEvents") or ["All"]
    if topic is None or wanted.get("NotificationType", "Command") != kind or not {"All", status} & set(events):
        return
    role = ServiceRole(SERVICE, str(command.settings["ServiceRoleArn"]), _SESSION, Source(command.account, ""))
    told = {
        "commandId": command.id,
        "documentName": command.document,
        **({"instanceId": instance} if instance else {}),
        "requestedDateTime": iso8601_ms(command.requested),
        "status": status,
        "detailedStatus": details,
        "eventTime": iso8601_ms(now),
    }
    subject = f"EC2 Run Command Notification {command.region}"
    params = {"TopicArn": str(topic), "Subject": subject, "Message": json.dumps(told)}
    yield ServiceCall(role, "sns", "Publish", params, topic.region)
