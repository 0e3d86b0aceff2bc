"""Collection of the calls that moto would make to other services because of a call.

moto's S3 sends events to queues, topics, functions and EventBridge, and its SNS delivers to queues and functions, by
method calls among their models: without authorization and records, and with destinations of other accounts looked up in
the caller's account. So each becomes a `Delivery` in the result of the call, and nothing is delivered here: `calls`
authorizes and makes them.

Nothing is sent to subscriptions by HTTP, e-mail, SMS and to mobile applications: a plane opens no connection to where a
client says, and an endpoint that has confirmed nothing gets no messages on AWS either.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, NamedTuple

from locum.backends.moto import internals, recall, s3_events, sns_messages
from locum.backends.moto.turns import in_turn
from locum.backends.port import BackendCall, Carried, DeadLetter, Delivery
from locum.core.actors import ServiceRole
from locum.core.arn import Arn, queue_url
from locum.core.calls import USUAL_PATIENCE, Patience
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.service_events import EVENTS

_log: Final = logging.getLogger("locum.backends")
_sequencers: Final = s3_events.Sequencers()
_FIFO: Final = ".fifo"


class Source(NamedTuple):
    """The service that delivers, and the resource on whose behalf it does."""

    service_principal: str
    arn: str
    account: str


class Request(NamedTuple):
    """The call to make, without account and region."""

    service: str
    operation: str
    parameters: dict[str, Any]


class Collected:
    """The deliveries of the current call, in order; `undo` as in `Carried`."""

    def __init__(self, call: BackendCall) -> None:
        self.call = call
        self.undo: Callable[[], None] | None = None
        self._deliveries: list[Delivery] = []

    def add(
        self,
        source: Source,
        account: str,
        region: str,
        request: Request,
        *,
        required: bool = False,
        role: ServiceRole | None = None,
        patience: Patience = USUAL_PATIENCE,
        dead_letter: DeadLetter | None = None,
    ) -> None:
        """Add the delivery of `request` to `account` and `region`."""
        where = account, region
        delivery = Delivery(*source, *request, *where, required, role=role, patience=patience, dead_letter=dead_letter)
        self._deliveries.append(delivery)

    def __iter__(self) -> Iterator[Delivery]:
        return iter(self._deliveries)

    def after(self, response: HttpResponse, part: str) -> Carried:
        """The result of the call, of a part of moto. An error has no deliveries."""
        if response.status >= 400:
            return Carried(response)
        undo = self.undo
        taken_back = None if undo is None else partial(in_turn, _take_back, part, undo)
        return Carried(response, tuple(self._deliveries), taken_back)


def _take_back(part: str, undo: Callable[[], None]) -> None:
    recall.changing(part)
    undo()


_current: ContextVar[Collected | None] = ContextVar("locum_call_under_way", default=None)


@contextmanager
def collecting(call: BackendCall) -> Iterator[Collected]:
    """Collect moto's deliveries for `call` in this thread, until the block ends."""
    collected = Collected(call)
    token = _current.set(collected)
    try:
        yield collected
    finally:
        _current.reset(token)


def divert() -> None:
    """Replace the functions of moto's S3 and SNS that deliver by those that collect. Idempotent."""
    internals.divert_deliveries(
        send_event=_send_event, send_test_event=_send_test_event, configure=_configure, publish=_publish
    )


def collector(source: str) -> Collected | None:
    """The collector of the current call; None, which is logged, where moto delivers outside of any call."""
    collected = _current.get()
    if collected is None:
        _log.warning("%s delivers something outside of any call: dropped", source)
    return collected


def send_message(queue: Arn, body: str, more: dict[str, Any] | None = None) -> Request:
    """The call that sends a message to a queue; `more` are further parameters."""
    return Request("sqs", "SendMessage", {"QueueUrl": queue_url(queue), "MessageBody": body, **(more or {})})


def _publish_message(topic: Arn, text: str) -> Request:
    parameters = {"TopicArn": str(topic), "Subject": "Amazon S3 Notification", "Message": text}
    return Request("sns", "Publish", parameters)


def invoke(function: Arn, payload: bytes, invocation: str = "Event") -> Request:
    """The call that invokes a function, by default asynchronously."""
    parameters = {"FunctionName": str(function), "InvocationType": invocation, "Payload": payload}
    return Request("lambda", "Invoke", parameters)


# -- S3 ------------------------------------------------------------------------------------------------------


_SOLE_CAUSES: Final = {
    "ObjectCreated:Put": "PutObject",
    "ObjectAcl:Put": "PutObjectAcl",
    "ObjectTagging:Put": "PutObjectTagging",
    "ObjectTagging:Delete": "DeleteObjectTagging",
}
"""Events that only one operation of S3 causes. moto also sends those for the ACL and the tags with which an object is
created, and that of PutObject for a completed multipart upload."""


def _of_bucket(bucket: Any) -> Source:
    return Source("s3.amazonaws.com", bucket.arn, bucket.account_id)


def _send_event(_account: str, event_name: Any, bucket: Any, key: Any) -> None:
    """The replacement of `moto.s3.notifications.send_event`."""
    configuration = bucket.notification_configuration
    if configuration is None or (collected := collector(bucket.arn)) is None:
        return
    call, name = collected.call, event_name.value.removeprefix("s3:")
    if call.service == "s3" and _SOLE_CAUSES.get(name, call.operation) != call.operation:
        return
    origin, address, sequencer = call.origin, call.request.source_ip, _sequencers.next(call.origin.at)
    event = s3_events.ObjectEvent(name, bucket, key, origin, address, sequencer)
    for destination in (*configuration.cloud_function, *configuration.queue, *configuration.topic):
        arn = Arn.find(destination.arn)
        if arn is not None and destination.matches(event_name, key.name):
            text = s3_events.message(event, destination.id)
            collected.add(_of_bucket(bucket), arn.account, arn.region, _notification(arn, text))
    entry = None if configuration.event_bridge is None else s3_events.entry(event)
    if entry is not None:
        source = Source(EVENTS, bucket.arn, bucket.account_id)  # whose own doing it is: no bus policy is asked
        request = Request("events", "PutEvents", {"Entries": [entry]})
        collected.add(source, bucket.account_id, bucket.region_name, request)


def _notification(destination: Arn, text: str) -> Request:
    """The call that sends the message of an event to a destination."""
    if destination.service == "sqs":
        return send_message(destination, text)
    return _publish_message(destination, text) if destination.service == "sns" else invoke(destination, text.encode())


def _configure(bucket: Any, notification_config: Any) -> None:
    """The replacement of `FakeBucket.set_notification_configuration`, which stores a configuration before validation.

    S3 API Reference, PutBucketNotificationConfiguration: "The PUT notification is an atomic operation."
    """
    before = bucket.notification_configuration

    def undo() -> None:
        bucket.notification_configuration = before

    try:
        internals.moto_configure(bucket, notification_config)
    except BaseException:
        undo()
        raise
    if (collected := _current.get()) is not None:
        collected.undo = undo


def _send_test_event(account_id: str, bucket: Any) -> None:
    """The replacement of `moto.s3.notifications.send_test_event`.

    S3 API Reference, PutBucketNotificationConfiguration: queues and topics get a test message; for a function S3
    "verifies that the Lambda function permissions grant Amazon S3 permission to invoke the function": a dry run.
    """
    collected, configuration = collector(bucket.arn), bucket.notification_configuration
    destinations = (*configuration.queue, *configuration.topic, *configuration.cloud_function)
    for text in dict.fromkeys(destination.arn for destination in destinations):
        arn = Arn.find(text)
        if arn is None:
            raise Fault("InvalidArgument", "The ARN is not well formed")
        if collected is None or collected.call.params.get("SkipDestinationValidation"):
            continue
        message = s3_events.destination_test(bucket.name, collected.call.origin)
        test = invoke(arn, b"", "DryRun") if arn.service == "lambda" else _notification(arn, message)
        collected.add(_of_bucket(bucket), arn.account, arn.region, test, required=True)


# -- SNS -----------------------------------------------------------------------------------------------------


def _publish(
    subscription: Any,
    message: str,
    message_id: str,
    subject: str | None = None,
    message_attributes: dict[str, Any] | None = None,
    group_id: str | None = None,
    deduplication_id: str | None = None,
    message_structure: str | None = None,
) -> None:
    """The replacement of `moto.sns.models.Subscription.publish`."""
    if subscription.protocol not in ("sqs", "lambda"):
        return
    order = (group_id, deduplication_id)
    topic, arn = subscription.topic, Arn.find(subscription.endpoint)
    attributes = message_attributes or {}
    if arn is None or not internals.passes_filter(subscription, attributes, message):
        return
    collected = collector(topic.arn)
    if collected is None:
        return
    text = internals.part_of_message(subscription, message) if message_structure == "json" else message
    region, at = topic.sns_backend.region_name, collected.call.origin.at
    notification = sns_messages.Notification(
        message_id, topic.arn, subscription.arn, region, text, subject, attributes, at
    )
    if subscription.protocol == "lambda":
        request = invoke(arn, sns_messages.function_event(notification))
    else:
        raw = subscription.attributes.get("RawMessageDelivery") in (True, "true")
        body, more = _queue_message(notification, raw=raw)
        request = send_message(arn, body, more | _fifo_parameters(arn, message, *order))
    source, letter = Source("sns.amazonaws.com", topic.arn, topic.account_id), _undelivered(subscription, notification)
    collected.add(source, arn.account, arn.region, request, dead_letter=letter)


def _undelivered(subscription: Any, notification: sns_messages.Notification) -> DeadLetter | None:
    """The message to the dead-letter queue of a subscription; None where it has no such queue.

    SNS Developer Guide, "Amazon SNS dead-letter queues (DLQs)": it has the message as the subscriber would get it.
    """
    try:
        queue = Arn.find(json.loads(subscription.attributes.get("RedrivePolicy") or "{}")["deadLetterTargetArn"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if queue is None:
        return None
    request = send_message(queue, sns_messages.envelope(notification))
    return DeadLetter(request.parameters, queue.region)


def _queue_message(notification: sns_messages.Notification, *, raw: bool) -> tuple[str, dict[str, Any]]:
    """The body of the message to a queue, and the further parameters of SendMessage."""
    if not raw:
        return sns_messages.envelope(notification), {}
    attributes = sns_messages.raw_attributes(notification.attributes)
    return notification.message, {"MessageAttributes": attributes} if attributes else {}


def _fifo_parameters(queue: Arn, message: str, group_id: str | None, deduplication_id: str | None) -> dict[str, str]:
    """The message group and deduplication ids of SendMessage.

    SNS Developer Guide, "Message deduplication for FIFO topics": without an id, it is the SHA-256 hash of the body.
    """
    order = {"MessageGroupId": group_id} if group_id else {}
    if queue.resource.endswith(_FIFO) and group_id:
        order["MessageDeduplicationId"] = deduplication_id or hashlib.sha256(message.encode()).hexdigest()
    return order
