"""Rules of EventBridge: the calls by which their events come to their targets.

Queues, topics, functions and log groups let EventBridge in by their own policies, for the rule (aws:SourceArn); to all
else, and wherever a target has a role, it goes in that role, which was passed with the target. EventBridge User Guide,
"Using resource-based policies" and "Event bus targets".
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.backends.moto import internals
from locum.backends.moto.deliveries import Collected, Request, Source, collector, invoke, send_message
from locum.backends.moto.event_inputs import input_of, text_at
from locum.backends.port import BackendCall, DeadLetter
from locum.core.actors import ServiceRole
from locum.core.arn import Arn
from locum.core.calls import Patience
from locum.core.clock import iso8601
from locum.core.event_patterns import event_pattern, matches
from locum.core.principal import Source as OnBehalfOf

_log: Final = logging.getLogger("locum.backends")

EVENTS: Final = "events.amazonaws.com"
_FORWARDED: Final = "Lineage=forwarded"
"""The beginning of the trace header of an event that a rule has sent to a bus: no rule sends it on to another one.

Behind it are the account and the region that the event came from, which it keeps. EventBridge alone is believed.
"""
_SCHEDULED: Final = ("aws.events", "Scheduled Event")
_SESSION: Final = "AWS_Events_Invoke"
"""[U] The session name; AWS's has a digest behind it."""
_MEMBERS: Final = ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")


class _Sent(NamedTuple):
    """An event on its way to one target: the rule, the event, and the text that the target gets."""

    rule: Any
    target: Mapping[str, Any]
    arn: Arn
    event: Mapping[str, Any]
    text: str
    collected: Collected


def divert_events() -> None:
    """Replace the method of moto's rules that delivers, when EventBridge is loaded. Idempotent."""
    internals.divert_events(_send_to_targets)


def _send_to_targets(rule: Any, original: dict[str, Any], transform_input: bool = True) -> None:
    """The replacement of `moto.events.models.Rule.send_to_targets`."""
    if not str(rule.state).startswith("ENABLED") or (collected := collector(rule.arn)) is None:
        return
    event = _event(original, rule, collected)
    if _is_scheduled(event, collected):
        if rule.scheduled_expression and event["resources"] == [rule.arn]:
            send(rule, event, collected)
        return
    pattern = rule.event_pattern.dump()
    if not pattern:
        return
    try:
        passes = matches(event_pattern(pattern), event)
    except ValueError as error:
        _log.warning("the pattern of %s is not understood: %s", rule.arn, error)
        return
    if passes:
        send(rule, event, collected, transform=transform_input)


def _is_scheduled(event: Mapping[str, Any], collected: Collected) -> bool:
    """Whether it is the event of a schedule (`agents.event_schedules`), which is for one rule alone."""
    return collected.call.origin.account == EVENTS and (event["source"], event["detail-type"]) == _SCHEDULED


def send(rule: Any, event: Mapping[str, Any], collected: Collected, *, transform: bool = True) -> None:
    """Send `event` to the targets of a rule."""
    variables = {
        "aws.events.rule-arn": rule.arn,
        "aws.events.rule-name": rule.name,
        "aws.events.event.ingestion-time": iso8601(collected.call.origin.at),
    }
    for target in rule.targets:
        arn = Arn.find(target["Arn"])
        build = None if arn is None else _TARGETS.get(arn.service)
        if arn is None or build is None:
            _log.warning("%s has a target that Locum does not send to: %s", rule.arn, target["Arn"])
            continue
        text = input_of(target if transform else {}, event, variables)
        sent = _Sent(rule, target, arn, event, text, collected)
        for request in build(sent):
            _add(sent, request)


def _event(original: Mapping[str, Any], rule: Any, collected: Collected) -> dict[str, Any]:
    """The event as targets get it. moto gives its time as a number, and account and region of the bus."""
    sender, (account, region) = collected.call.origin.account, _came_from(collected.call)
    event = {name: original[name] for name in (*_MEMBERS, "replay-name") if name in original}
    if isinstance(event.get("time"), int | float):
        event["time"] = iso8601(float(event["time"]))
    event["account"] = sender if sender.isdigit() else account or rule.account_id
    return event | ({"region": region} if region else {})


def _came_from(call: BackendCall) -> tuple[str, str]:
    """The account and the region of an event that EventBridge sends on from another bus; empty for any other."""
    entries: Sequence[Mapping[str, Any]] = call.params.get("Entries") or ({},)
    begin, *rest = str(entries[0].get("TraceHeader", "")).split(";")
    if call.origin.account != EVENTS or begin != _FORWARDED or len(rest) != 2:
        return "", ""
    return rest[0], rest[1]


def _add(sent: _Sent, request: Request) -> None:
    rule, target, arn = sent.rule, sent.target, sent.arn
    source = Source(EVENTS, rule.arn, rule.account_id)
    role = target.get("RoleArn")
    retry = target.get("RetryPolicy") or {}
    sent.collected.add(
        source,
        arn.account or rule.account_id,
        arn.region or rule.region_name,
        request,
        role=None if not role else ServiceRole(EVENTS, role, _SESSION, OnBehalfOf(rule.account_id, rule.arn)),
        patience=Patience(retry.get("MaximumRetryAttempts", 185), float(retry.get("MaximumEventAgeInSeconds", 86_400))),
        dead_letter=_dead_letter(sent),
    )


def _dead_letter(sent: _Sent) -> DeadLetter | None:
    """The message to the target's dead-letter queue. EventBridge User Guide, "Using dead-letter queues"."""
    queue = Arn.find((sent.target.get("DeadLetterConfig") or {}).get("Arn") or "")
    if queue is None:
        return None
    told = {"RULE_ARN": sent.rule.arn, "TARGET_ARN": str(sent.arn)}
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}
    request = send_message(queue, input_of({}, sent.event, {}), {"MessageAttributes": attributes})
    return DeadLetter(request.parameters, queue.region)


# -- targets -------------------------------------------------------------------------------------------------


def _to_function(sent: _Sent) -> list[Request]:
    """A function gets JSON: of a template that is none, the text as a string."""
    try:
        json.loads(sent.text)
    except (ValueError, RecursionError):
        return [invoke(sent.arn, json.dumps(sent.text).encode())]
    return [invoke(sent.arn, sent.text.encode())]


def _to_queue(sent: _Sent) -> list[Request]:
    group = (sent.target.get("SqsParameters") or {}).get("MessageGroupId")
    return [send_message(sent.arn, sent.text, {"MessageGroupId": group} if group else None)]


def _to_topic(sent: _Sent) -> list[Request]:
    return [Request("sns", "Publish", {"TopicArn": str(sent.arn), "Message": sent.text})]


def _to_stream(sent: _Sent) -> list[Request]:
    path = (sent.target.get("KinesisParameters") or {}).get("PartitionKeyPath")
    key = (text_at(path, sent.event) if path else "") or str(sent.event.get("id", ""))
    record = {"StreamARN": str(sent.arn), "Data": sent.text.encode(), "PartitionKey": key}
    return [Request("kinesis", "PutRecord", record)]


def _to_log_group(sent: _Sent) -> list[Request]:
    """EventBridge User Guide, "CloudWatch Logs permissions": it makes a stream and puts the event."""
    origin, name = sent.collected.call.origin, sent.arn.resource.removeprefix("log-group:").removesuffix(":*")
    group = {"logGroupName": name, "logStreamName": f"{origin.request_id}-{sum(1 for _ in sent.collected)}"}
    put = {**group, "logEvents": [{"timestamp": int(origin.at * 1000), "message": sent.text}]}
    return [Request("logs", "CreateLogStream", group), Request("logs", "PutLogEvents", put)]


def _to_state_machine(sent: _Sent) -> list[Request]:
    return [Request("stepfunctions", "StartExecution", {"stateMachineArn": str(sent.arn), "input": sent.text})]


def _to_bus(sent: _Sent) -> list[Request]:
    """The event goes on as it is: a bus gets no transformed one. It goes over one bus more, and no further."""
    event = sent.event
    if not sent.arn.resource.startswith("event-bus/") or any(_came_from(sent.collected.call)):
        return []
    entry = {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"], ensure_ascii=False),
        "Resources": list(event.get("resources") or ()),
        "EventBusName": str(sent.arn),
        "TraceHeader": f"{_FORWARDED};{event['account']};{event['region']}",
    }
    return [Request("events", "PutEvents", {"Entries": [entry]})]


_TARGETS: Final[Mapping[str, Callable[[_Sent], list[Request]]]] = {
    "events": _to_bus,
    "kinesis": _to_stream,
    "lambda": _to_function,
    "logs": _to_log_group,
    "sns": _to_topic,
    "sqs": _to_queue,
    "states": _to_state_machine,
}
