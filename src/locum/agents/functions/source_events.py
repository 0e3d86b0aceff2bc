"""The events that functions get of what was read from their sources, and what the filters of a mapping let pass.

AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" (and Kinesis, and DynamoDB) and "Control which events Lambda
sends to your function".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from locum.core.arn import Arn
from locum.core.event_patterns import Pattern, matches

Record = dict[str, Any]
"""One record of an event."""

MOST_OCTETS: Final = 6 << 20
"""Of an event. Lambda quotas, "Invocation payload"; a batch that is larger becomes several."""

_FRAME: Final = len(b'{"Records":[]}')


def message_record(message: Mapping[str, Any], queue: Arn) -> Record:
    """The record of a message that was received from `queue`."""
    attributes = message.get("MessageAttributes") or {}
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes") or {}),
        "messageAttributes": {name: _attribute(value) for name, value in attributes.items()},
        **({"md5OfMessageAttributes": message["MD5OfMessageAttributes"]} if attributes else {}),
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": str(queue),
        "awsRegion": queue.region,
    }


def _attribute(value: Mapping[str, Any]) -> Record:
    told: Record = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        told["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        told["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return told


def stream_record(found: Mapping[str, Any], stream: Arn, shard: str, role: str) -> Record:
    """The record of a record of a stream of Kinesis, which was read in `role`."""
    sequence = found["SequenceNumber"]
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": found["PartitionKey"],
            "sequenceNumber": sequence,
            "data": base64.b64encode(found["Data"]).decode(),
            "approximateArrivalTimestamp": _seconds(found.get("ApproximateArrivalTimestamp")),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role,
        "awsRegion": stream.region,
        "eventSourceARN": str(stream),
    }


def change_record(found: Mapping[str, Any], stream: Arn) -> Record:
    """The record of a change in a table of DynamoDB."""
    record: Record = _plain(found)
    return {**record, "awsRegion": stream.region, "eventSourceARN": str(stream)}


def sequence_number(record: Record) -> str:
    """The sequence number of a record of a stream."""
    changed = record.get("dynamodb")
    return str(changed["SequenceNumber"] if changed is not None else record["kinesis"]["sequenceNumber"])


def arrived(record: Record) -> float:
    """The time at which a record of a stream was written, in epoch seconds."""
    changed = record.get("dynamodb")
    if changed is not None:
        return float(changed.get("ApproximateCreationDateTime") or 0)
    return float(record["kinesis"]["approximateArrivalTimestamp"])


def _seconds(instant: Any) -> float:
    return instant.timestamp() if isinstance(instant, datetime) else float(instant or 0)


def _plain(value: Any) -> Any:
    """`value` as JSON has it: octets in Base64, instants in epoch seconds."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(one) for one in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return int(_seconds(value)) if isinstance(value, datetime) else value


def passes(patterns: Sequence[Pattern], record: Record, data: str) -> bool:
    """Whether a filter lets a record pass; with no filters, all do. `data` is the member with what was sent.

    "If your filter pattern is JSON and the message body is a plain string, Lambda drops the message", and the other way
    round: so the member is compared as what it is. The data of Kinesis are decoded first.
    """
    if not patterns:
        return True
    seen = {**record, data: _opened(record[data])} if data in record else record
    if "kinesis" in record:
        text = base64.b64decode(record["kinesis"]["data"]).decode(errors="replace")
        seen = {**record["kinesis"], "data": _opened(text)}
    return any(matches(pattern, seen) for pattern in patterns)


def _opened(text: Any) -> Any:
    """The JSON object that is in `text`; `text` itself where there is none."""
    if not isinstance(text, str):
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, dict | list) else text


def payloads(records: Sequence[Record]) -> Iterator[tuple[list[Record], bytes]]:
    """The events of `records`, in as few as their size allows: each with the records that are in it."""
    batch: list[Record] = []
    texts: list[bytes] = []
    left = MOST_OCTETS - _FRAME
    for record in records:
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        if batch and len(text) + 1 > left:
            yield batch, _event(texts)
            batch, texts, left = [], [], MOST_OCTETS - _FRAME
        batch.append(record)
        texts.append(text)
        left -= len(text) + 1
    if batch:
        yield batch, _event(texts)


def _event(records: list[bytes]) -> bytes:
    return b'{"Records":[' + b",".join(records) + b"]}"
