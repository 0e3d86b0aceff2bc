"""Subscription filters of log groups: the calls by which what is logged comes to a function or a stream.

A function lets CloudWatch Logs in by its policy, for the log group (aws:SourceArn); a stream is written to in the role
of the filter. CloudWatch Logs User Guide, "Real-time processing of log data with subscriptions".
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from locum.backends.moto import internals
from locum.backends.moto.deliveries import Request, Source, collector, invoke
from locum.backends.moto.lookups import refusal
from locum.core.actors import ServiceRole
from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.core.principal import Source as OnBehalfOf

LOGS: Final = "logs.amazonaws.com"
_SESSION: Final = "CWLogs-Subscription"
"""[U] The session name."""
_TEST: Final = [{"id": "", "timestamp": 0, "message": "CWL CONTROL MESSAGE: Checking health of destination."}]
_TERM: Final = re.compile(r'\s*([-?]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"{\[]+))')

Event = dict[str, Any]
"""`id`, `timestamp` (epoch milliseconds), `message`."""


def divert_logs() -> None:
    """Replace the functions of moto's Logs that reach other services, when it is loaded. Idempotent."""
    internals.find_log_groups()
    internals.divert_logs(_put_subscription_filter, _send_log_events)


def _put_subscription_filter(
    backend: Any, log_group_name: str, filter_name: str, filter_pattern: str, destination_arn: str, role_arn: str
) -> None:
    """The replacement of `LogsBackend.put_subscription_filter`: the destination is tried before the filter is kept."""
    group, arn = internals.log_group_of(backend, log_group_name), Arn.find(destination_arn)
    matcher(filter_pattern or "")
    if arn is None or arn.service not in ("kinesis", "lambda"):
        raise refusal("send logs to anything but functions and streams of Kinesis")
    if arn.service == "kinesis" and not role_arn:
        text = "destinationArn for vendor kinesis cannot be used without roleArn"
        raise Fault("InvalidParameterException", text, 400)
    undo = internals.put_subscription(group, filter_name, filter_pattern, destination_arn, role_arn)
    collected = collector(group.arn)
    if collected is None:
        return
    collected.undo = undo
    if arn.service == "lambda":
        _deliver(group, arn, role_arn, invoke(arn, b"", "DryRun"), required=True)
    else:
        data = _packed(group, "", filter_name, _TEST, kind="CONTROL_MESSAGE")
        _deliver(group, arn, role_arn, _record(arn, data, filter_name), required=True)


def _send_log_events(
    stream: Any, service: str, destination_arn: str, filter_name: str, log_events: Sequence[Event]
) -> None:
    """The replacement of `LogStream._send_log_events`."""
    group, arn = stream.log_group, Arn.find(destination_arn)
    kept = group.subscription_filters.get(filter_name)
    if arn is None or kept is None:
        return
    passes = matcher(kept.filter_pattern or "")
    found = [event for event in log_events if passes(str(event["message"]))]
    if not found:
        return
    data = _packed(group, stream.log_stream_name, filter_name, found)
    if arn.service == "lambda":
        event = {"awslogs": {"data": base64.b64encode(data).decode()}}
        _deliver(group, arn, "", invoke(arn, json.dumps(event).encode()))
    elif arn.service == "kinesis":
        _deliver(group, arn, kept.role_arn, _record(arn, data, stream.log_stream_name))


def _deliver(group: Any, arn: Arn, role: str, request: Request, *, required: bool = False) -> None:
    collected = collector(group.arn)
    if collected is None:
        return
    account, where = group.account_id, f"{str(group.arn).removesuffix(':*')}:*"
    actor = None
    if role and arn.service != "lambda":
        actor = ServiceRole(LOGS, role, _SESSION, OnBehalfOf(account, where))
    source = Source(LOGS, where, account)
    collected.add(source, arn.account, arn.region, request, required=required, role=actor)


def _record(stream: Arn, data: bytes, key: str) -> Request:
    return Request("kinesis", "PutRecord", {"StreamARN": str(stream), "Data": data, "PartitionKey": key or "-"})


def _packed(group: Any, stream: str, name: str, events: Sequence[Event], kind: str = "DATA_MESSAGE") -> bytes:
    """The message to a destination: JSON, in gzip's format."""
    message = {
        "messageType": kind,
        "owner": group.account_id,
        "logGroup": group.name,
        "logStream": stream,
        "subscriptionFilters": [name],
        "logEvents": list(events),
    }
    return gzip.compress(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0)


@lru_cache(256)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a message matches a filter pattern of terms: all of them, any of `?those`, none of `-those`.

    CloudWatch Logs User Guide, "Filter pattern syntax". Raises Fault for patterns of JSON and of columns.
    """
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    at = 0
    while pattern[at:].strip():
        found = _TERM.match(pattern, at)
        if found is None:
            raise refusal("filter logs by JSON or columns")
        terms[found[1]].append(found[3] if found[2] is None else found[2].replace('\\"', '"'))
        at = found.end()

    def matches(message: str) -> bool:
        some = terms["?"]
        if any(term in message for term in terms["-"]) or (some and not any(term in message for term in some)):
            return False
        return all(term in message for term in terms[""])

    return matches
