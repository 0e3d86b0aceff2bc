"""The checks of a new event source mapping: its source is there, and the execution role may read it.

CreateEventSourceMapping fails on AWS where the role lacks a permission; afterwards each read is decided on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum.agents.functions.mapping_requests import QUEUE, invalid
from locum.agents.functions.sources import Plane, call_in_role, is_denied
from locum.agents.functions.stream_calls import StreamCalls
from locum.core.arn import Arn, queue_url
from locum.core.errors import Fault
from locum.core.event_sources import EventSourceMapping
from locum.core.functions import Function


async def check_source(plane: Plane, mapping: EventSourceMapping, function: Function, cause: str) -> None:
    """Raise Fault InvalidParameterValueException unless the role of `function` may read the source of `mapping`."""
    if mapping.source.region != mapping.region:
        raise invalid(f"Event source region {mapping.source.region} does not match function region {mapping.region}.")
    if mapping.source.service == QUEUE:
        await _check_queue(plane, mapping, function, cause)
    else:
        await _check_stream(plane, mapping, function, cause)


async def _check_queue(plane: Plane, mapping: EventSourceMapping, function: Function, cause: str) -> None:
    """Ask for the permissions that a queue takes. AWS Lambda Developer Guide, "Using Lambda with Amazon SQS"."""
    queue = {"QueueUrl": queue_url(mapping.source)}
    needed: Mapping[str, Mapping[str, Any]] = {
        "ReceiveMessage": queue,
        "DeleteMessage": {**queue, "ReceiptHandle": "none"},
    }
    for operation, params in needed.items():
        try:
            await plane.make(call_in_role(function, mapping, QUEUE, operation, params), cause, decided_only=True)
        except Fault as fault:
            raise invalid(queue_problem(operation, fault)) from fault
    asked = {**queue, "AttributeNames": ["VisibilityTimeout"]}
    try:
        answer = await plane.make(call_in_role(function, mapping, QUEUE, "GetQueueAttributes", asked), cause)
    except Fault as fault:
        raise invalid(queue_problem("GetQueueAttributes", fault)) from fault
    visible_again = int((answer.get("Attributes") or {}).get("VisibilityTimeout", 30))
    if visible_again < function.timeout:
        text = f"{visible_again} seconds is less than Function timeout: {function.timeout} seconds"
        raise invalid(f"Queue visibility timeout: {text}")


async def _check_stream(plane: Plane, mapping: EventSourceMapping, function: Function, cause: str) -> None:
    """Read the stream as it will be read, from its end."""

    async def ask(service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return await plane.make(call_in_role(function, mapping, service, operation, params), cause)

    calls = StreamCalls(mapping, ask)
    try:
        shards = await calls.shards()
        if shards:
            await calls.records(await calls.iterator(shards[0]["ShardId"], "LATEST"), 1)
    except Fault as fault:
        raise invalid(stream_problem(mapping.source, fault)) from fault


def queue_problem(operation: str, fault: Fault) -> str:
    """The words for a call to SQS that failed."""
    if is_denied(fault):
        return f"The provided execution role does not have permissions to call {operation} on SQS"
    return f"Error occurred while {operation}. SQS Error Code: {fault.code}. SQS Error Message: {fault.message}"


def stream_problem(stream: Arn, fault: Fault) -> str:
    """The words for a call to a stream that failed."""
    if is_denied(fault):
        actions = "GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
        return f"Cannot access stream {stream}. Please ensure the role can perform the {actions}"
    if fault.code == "ResourceNotFoundException":
        return f"Stream not found: {stream}"
    return f"Cannot access stream {stream}. {fault.code}: {fault.message}"
