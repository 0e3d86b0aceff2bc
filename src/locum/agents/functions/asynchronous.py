"""Asynchronous invocations: the attempts that Lambda makes, and what it tells of their end, and whom.

An accepted event is a call that Lambda makes later for the function (`attempt`), sealed in the outbox with how often it
was tried. Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation" and "Capturing
records of Lambda asynchronous invocations".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from locum.agents.functions.execution_roles import LAMBDA
from locum.backends import BackendCall, Delivery
from locum.compute.functions.functions import InvocationResult
from locum.core.actors import ServiceRole
from locum.core.arn import Arn, queue_url
from locum.core.clock import iso8601_ms
from locum.core.functions import Function

WAIT: Final = 60.0
"""Seconds before the second attempt, and twice as many before the third."""

_MOST_TOLD: Final = 1024  # octets of an error in a dead letter
_SUCCESS: Final = "Success"


class Accepted(msgspec.Struct, frozen=True):
    """An accepted event: the id of its request, when it came (epoch seconds), and how many attempts failed."""

    request_id: str
    at: float
    failed: int = 0


class Attempt(NamedTuple):
    """An attempt to have `function` process an accepted event. `arn` is the function as it was called."""

    function: Function
    arn: str
    event: bytes
    accepted: Accepted


def accepted_of(call: BackendCall) -> Accepted | None:
    """The accepted event that `call` is an attempt at; None where it is anybody else's call.

    The client context, which asynchronous invocations do not have, is in the outbox what `attempt` has put there.
    """
    own = call.effect and call.origin.account == LAMBDA and call.params.get("InvocationType") == "RequestResponse"
    if not own or "ClientContext" not in call.params:
        return None
    return msgspec.json.decode(base64.b64decode(call.params["ClientContext"]), type=Accepted)


def attempt(made: Attempt, delay: float = 0.0) -> Delivery:
    """The call of the next attempt, after `delay` seconds."""
    function = made.function
    parameters = {
        "FunctionName": made.arn,
        "InvocationType": "RequestResponse",
        "ClientContext": base64.b64encode(msgspec.json.encode(made.accepted)).decode(),
        "Payload": made.event,
    }
    own = (LAMBDA, function.arn, function.account)
    return Delivery(*own, "lambda", "Invoke", parameters, function.account, function.region, delay=delay)


def following(made: Attempt, result: InvocationResult, role: ServiceRole, now: float) -> tuple[Delivery, ...]:
    """The calls that Lambda makes after an attempt: the next one, or those that tell of the end, as `role`."""
    function, accepted = made.function, made.accepted
    if not result.failed:
        return _told(made, result, role, now, _SUCCESS)
    wait = WAIT * 2**accepted.failed
    if accepted.failed >= function.asynchronous.retries:
        return _told(made, result, role, now, "RetriesExhausted")
    if now + wait - accepted.at > function.asynchronous.most_age:
        return _told(made, result, role, now, "EventAgeExceeded")
    again = msgspec.structs.replace(accepted, failed=accepted.failed + 1)
    return (attempt(made._replace(accepted=again), wait),)


def throttled(made: Attempt, role: ServiceRole, now: float) -> tuple[Delivery, ...] | None:
    """The calls that Lambda makes after an attempt that was throttled; None where it is to be tried again later."""
    if made.function.reserved == 0:
        return _told(made, None, role, now, "ZeroReservedConcurrency")
    if now - made.accepted.at > made.function.asynchronous.most_age:
        return _told(made, None, role, now, "EventAgeExceeded")
    return None


def _told(
    made: Attempt, result: InvocationResult | None, role: ServiceRole, now: float, condition: str
) -> tuple[Delivery, ...]:
    """The messages to the destination of that outcome, and to the dead-letter queue or topic."""
    settings, told = made.function.asynchronous, []
    destination = settings.on_success if condition == _SUCCESS else settings.on_failure
    if destination:
        record = _record(made, result, now, condition)
        told.append(_to(destination, record, role, made.arn, condition))
    if settings.dead_letter and condition != _SUCCESS:
        told.append(_dead_letter(settings.dead_letter, made, result, role))
    return tuple(delivery for delivery in told if delivery is not None)


def _record(made: Attempt, result: InvocationResult | None, now: float, condition: str) -> str:
    """The invocation record, as a JSON document; without `result`, the function was not invoked."""
    version = made.function.version
    record = {
        "version": "1.0",
        "timestamp": iso8601_ms(now),
        "requestContext": {
            "requestId": made.accepted.request_id,
            "functionArn": made.arn if made.arn != made.function.arn else f"{made.arn}:{version}",
            "condition": condition,
            "approximateInvokeCount": made.accepted.failed + (result is not None),
        },
        "requestPayload": json.loads(made.event),
    }
    if result is not None:
        response = {"statusCode": 200, "executedVersion": version}
        record["responseContext"] = response | ({"functionError": "Unhandled"} if result.failed else {})
        record["responsePayload"] = _json(result.payload)
    return json.dumps(record)


def _json(payload: bytes) -> Any:
    """The value that a function returned: JSON, or octets that are passed on as text."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode(errors="replace")


def _to(destination: str, record: str, role: ServiceRole, function: str, condition: str) -> Delivery | None:
    """The call that sends `record` to `destination`; None where it is nothing that a record is sent to."""
    arn = Arn.find(destination)
    if arn is None:
        return None
    if arn.service == "lambda":
        parameters = {"FunctionName": destination, "InvocationType": "Event", "Payload": record.encode()}
        return _call(role, arn, "Invoke", parameters)
    if arn.service == "events":
        kind = _SUCCESS if condition == _SUCCESS else "Failure"
        entry = {
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {kind}",
            "Resources": [function, destination],
            "Detail": record,
            "EventBusName": destination,
        }
        return _call(role, arn, "PutEvents", {"Entries": [entry]})
    return _message(arn, record, {}, role)


def _dead_letter(target: str, made: Attempt, result: InvocationResult | None, role: ServiceRole) -> Delivery | None:
    """The call that sends the event to a dead-letter queue or topic, with the error as attributes."""
    arn, error = Arn.find(target), {"errorMessage": "Rate Exceeded."} if result is None else _json(result.payload)
    text = str(error.get("errorMessage", "")) if isinstance(error, dict) else ""
    code = "429" if result is None else "200"
    attributes = {"RequestID": ("String", made.accepted.request_id), "ErrorCode": ("Number", code)}
    if text:
        attributes["ErrorMessage"] = "String", text.encode()[:_MOST_TOLD].decode(errors="ignore")
    told = {name: {"DataType": kind, "StringValue": value} for name, (kind, value) in attributes.items()}
    return None if arn is None else _message(arn, made.event.decode(), {"MessageAttributes": told}, role)


def _message(arn: Arn, text: str, more: Mapping[str, Any], role: ServiceRole) -> Delivery | None:
    """The call that sends a message to a queue or topic."""
    if arn.service == "sns":
        return _call(role, arn, "Publish", {"TopicArn": str(arn), "Message": text, **more})
    if arn.service != "sqs":
        return None
    return _call(role, arn, "SendMessage", {"QueueUrl": queue_url(arn), "MessageBody": text, **more})


def _call(role: ServiceRole, arn: Arn, operation: str, parameters: Mapping[str, Any]) -> Delivery:
    own = (LAMBDA, role.source.arn, role.account)
    return Delivery(*own, arn.service, operation, parameters, arn.account, arn.region, role=role)
