"""Secrets that are values of a map, and payloads of messages, do not get into the record either."""

from __future__ import annotations

from locum.wire.models import find_operation
from locum.wire.redact import HIDDEN, compile_redactor


def _recorded(service: str, operation: str, params: dict[str, object]) -> dict[str, object]:
    model = find_operation(service, operation)
    assert model is not None
    return compile_redactor(model)(params)


def test_a_credential_among_attributes_is_hidden() -> None:
    attributes = {"PlatformCredential": "secret", "EventEndpointCreated": "arn"}
    recorded = _recorded("sns", "CreatePlatformApplication", {"Name": "a", "Platform": "GCM", "Attributes": attributes})
    assert recorded["attributes"] == {"PlatformCredential": HIDDEN, "EventEndpointCreated": "arn"}


def test_the_text_of_a_message_is_hidden() -> None:
    assert _recorded("sns", "Publish", {"TopicArn": "t", "Message": "m"}) == {"topicArn": "t", "message": HIDDEN}
    queued = _recorded("sqs", "SendMessage", {"QueueUrl": "u", "MessageBody": "m"})
    assert queued == {"queueUrl": "u", "messageBody": HIDDEN}
    entries = _recorded("sqs", "SendMessageBatch", {"QueueUrl": "u", "Entries": [{"Id": "1", "MessageBody": "m"}]})
    assert entries == {"queueUrl": "u", "entries": HIDDEN}
