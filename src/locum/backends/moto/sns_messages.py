"""The messages of SNS to subscribers: a JSON envelope for queues, an event record for functions.

SNS Developer Guide, "Fanout to Amazon SQS queues", "Message delivery: raw message delivery" and "Fanout to Lambda
functions". Messages are not signed, as there is no certificate that a subscriber would trust.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from locum.core.clock import iso8601_ms

Attributes = Mapping[str, Mapping[str, Any]]
"""Message attributes by name: `Type` (`String`, `Number`, `Binary`, each with or without a label) and `Value`, as text;
of a binary one in Base64."""

_UNSIGNED: Final = "EXAMPLE"


class Notification(NamedTuple):
    """One message of a topic to one subscription. `at` is epoch seconds."""

    message_id: str
    topic_arn: str
    subscription_arn: str
    region: str
    message: str
    subject: str | None
    attributes: Attributes
    at: float


def envelope(notification: Notification) -> str:
    """The body of a message to a queue without raw message delivery."""
    body = _notification(notification, "SigningCertURL", "UnsubscribeURL")
    if not notification.subject:
        del body["Subject"]
    if not notification.attributes:
        del body["MessageAttributes"]
    return json.dumps(body, ensure_ascii=False, indent=2, separators=(",", " : "))


def raw_attributes(attributes: Attributes) -> dict[str, dict[str, Any]]:
    """The message attributes of SQS for `attributes`, with raw message delivery."""
    return {name: _raw_attribute(attribute["Type"], attribute["Value"]) for name, attribute in attributes.items()}


def function_event(notification: Notification) -> bytes:
    """The payload of the invocation of a function."""
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": notification.subscription_arn,
        "Sns": _notification(notification, "SigningCertUrl", "UnsubscribeUrl"),
    }
    return json.dumps({"Records": [record]}, ensure_ascii=False, separators=(",", ":")).encode()


def _notification(notification: Notification, certificate: str, unsubscribe: str) -> dict[str, Any]:
    """The members of a message; those of its two URLs are named `certificate` and `unsubscribe`."""
    return {
        "Type": "Notification",
        "MessageId": notification.message_id,
        "TopicArn": notification.topic_arn,
        "Subject": notification.subject,
        "Message": notification.message,
        "Timestamp": iso8601_ms(notification.at),
        "SignatureVersion": "1",
        "Signature": _UNSIGNED,
        certificate: _certificate(notification),
        unsubscribe: _unsubscribe(notification),
        "MessageAttributes": dict(notification.attributes),
    }


def _raw_attribute(kind: str, value: Any) -> dict[str, Any]:
    if kind.startswith("Binary"):
        return {"DataType": kind, "BinaryValue": base64.b64decode(value)}
    return {"DataType": kind, "StringValue": str(value)}


def _certificate(notification: Notification) -> str:
    return f"https://sns.{notification.region}.amazonaws.com/SimpleNotificationService-{_UNSIGNED}.pem"


def _unsubscribe(notification: Notification) -> str:
    query = f"Action=Unsubscribe&SubscriptionArn={notification.subscription_arn}"
    return f"https://sns.{notification.region}.amazonaws.com/?{query}"
