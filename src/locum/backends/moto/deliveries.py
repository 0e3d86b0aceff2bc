"""What moto would do in other services because of a call, collected as values in place of being done.

moto's S3 tells queues, topics, functions and EventBridge of events, and its SNS delivers to queues and functions, by
calling one another's models: nobody decides whether they may, nothing is recorded, and a destination in another account
is looked for in the caller's. So while a call is carried out, each becomes a `Delivery` and nothing is delivered here:
whoever made the call decides on the deliveries and makes them.

Subscriptions by HTTP, e-mail, SMS and to mobile applications stay moto's.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from locum.backends.moto import internals, s3_events, sns_messages
from locum.backends.port import BackendCall, Carried, Delivery
from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.core.http import HttpResponse

_log: Final = logging.getLogger("locum.backends")
_sequencers: Final = s3_events.Sequencers()
_FIFO: Final = ".fifo"


class Source(NamedTuple):
    """Who delivers: the service, and the resource on whose behalf."""

    service_principal: str
    arn: str
    account: str


class Request(NamedTuple):
    """What is delivered: a call, without its place."""

    service: str
    operation: str
    parameters: dict[str, Any]


class Collected:
    """What the call under way causes, in order; `undo` as in `Carried`."""

    def __init__(self, call: BackendCall) -> None:
        self.call = call
        self.undo: Callable[[], None] | None = None
        self._deliveries: list[Delivery] = []

    def add(self, source: Source, account: str, region: str, request: Request, *, required: bool = False) -> None:
        """Have `request` made in `account` and `region`."""
        self._deliveries.append(Delivery(*source, *request, account, region, required))

    def after(self, response: HttpResponse) -> Carried:
        """The call as it was carried out. An error causes nothing."""
        if response.status >= 400:
            return Carried(response)
        return Carried(response, tuple(self._deliveries), self.undo)


_under_way: ContextVar[Collected | None] = ContextVar("locum_call_under_way", default=None)


@contextmanager
def collecting(call: BackendCall) -> Iterator[Collected]:
    """Collect what moto would deliver in this thread because of `call`, until the block ends."""
    collected = Collected(call)
    token = _under_way.set(collected)
    try:
        yield collected
    finally:
        _under_way.reset(token)


def divert() -> None:
    """Put what collects in the place of what delivers, in moto's S3 and SNS. Idempotent."""
    internals.divert_deliveries(
        send_event=_object_event, send_test_event=_test_events, configure=_configure, publish=_publish
    )


def _collector(source: str) -> Collected | None:
    """Where to collect; None, which is logged, where moto delivers in a thread of its own: nobody made that call."""
    collected = _under_way.get()
    if collected is None:
        _log.warning("%s delivers something outside of any call: dropped", source)
    return collected


def _queued(queue: Arn, body: str, more: dict[str, Any] | None = None) -> Request:
    url = f"https://sqs.{queue.region}.amazonaws.com/{queue.account}/{queue.resource}"
    return Request("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": body, **(more or {})})


def _published(topic: Arn, text: str) -> Request:
    parameters = {"TopicArn": str(topic), "Subject": "Amazon S3 Notification", "Message": text}
    return Request("sns", "Publish", parameters)


def _invoked(function: Arn, payload: bytes, invocation: str = "Event") -> Request:
    parameters = {"FunctionName": str(function), "InvocationType": invocation, "Payload": payload}
    return Request("lambda", "Invoke", parameters)


# -- S3 ------------------------------------------------------------------------------------------------------


_CAUSES: Final = {
    "ObjectCreated:Put": "PutObject",
    "ObjectAcl:Put": "PutObjectAcl",
    "ObjectTagging:Put": "PutObjectTagging",
    "ObjectTagging:Delete": "DeleteObjectTagging",
}
"""Events that only one operation of S3 causes. To moto, an object that is put gets its ACL and its tags afterwards, and
one that is uploaded in parts is put when it is complete."""


def _of_bucket(bucket: Any) -> Source:
    return Source("s3.amazonaws.com", bucket.arn, bucket.account_id)


def _object_event(_account: str, event_name: Any, bucket: Any, key: Any) -> None:
    """In the place of `moto.s3.notifications.send_event`."""
    configuration = bucket.notification_configuration
    if configuration is None or (collected := _collector(bucket.arn)) is None:
        return
    call, name = collected.call, event_name.value.removeprefix("s3:")
    if call.service == "s3" and _CAUSES.get(name, call.operation) != call.operation:
        return
    origin, address, sequencer = call.origin, call.request.source_ip, _sequencers.next(call.origin.at)
    event = s3_events.ObjectEvent(name, bucket, key, origin, address, sequencer)
    for destination in (*configuration.cloud_function, *configuration.queue, *configuration.topic):
        arn = Arn.find(destination.arn)
        if arn is not None and destination.matches(event_name, key.name):
            text = s3_events.message(event, destination.id)
            collected.add(_of_bucket(bucket), arn.account, arn.region, _told(arn, text))
    told = None if configuration.event_bridge is None else s3_events.entry(event)
    if told is not None:
        request = Request("events", "PutEvents", {"Entries": [told]})
        collected.add(_of_bucket(bucket), bucket.account_id, bucket.region_name, request)


def _told(destination: Arn, text: str) -> Request:
    """The call that tells a destination of an event."""
    if destination.service == "sqs":
        return _queued(destination, text)
    return _published(destination, text) if destination.service == "sns" else _invoked(destination, text.encode())


def _configure(bucket: Any, notification_config: Any) -> None:
    """In the place of `FakeBucket.set_notification_configuration`, which keeps what it then finds to be wrong.

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
    if (collected := _under_way.get()) is not None:
        collected.undo = undo


def _test_events(account_id: str, bucket: Any) -> None:
    """In the place of `moto.s3.notifications.send_test_event`.

    S3 API Reference, PutBucketNotificationConfiguration: queues and topics get a test message; of a function S3
    "verifies that the Lambda function permissions grant Amazon S3 permission to invoke the function": a dry run.
    """
    collected, configuration = _collector(bucket.arn), bucket.notification_configuration
    destinations = (*configuration.queue, *configuration.topic, *configuration.cloud_function)
    for text in dict.fromkeys(destination.arn for destination in destinations):
        arn = Arn.find(text)
        if arn is None:
            raise Fault("InvalidArgument", "The ARN is not well formed")
        if collected is None or collected.call.params.get("SkipDestinationValidation"):
            continue
        message = s3_events.destination_test(bucket.name, collected.call.origin)
        test = _invoked(arn, b"", "DryRun") if arn.service == "lambda" else _told(arn, message)
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
    """In the place of `moto.sns.models.Subscription.publish`."""
    order = (group_id, deduplication_id)
    if subscription.protocol not in ("sqs", "lambda"):
        internals.moto_publish(
            subscription, message, message_id, subject, message_attributes, *order, message_structure
        )
        return
    topic, arn = subscription.topic, Arn.find(subscription.endpoint)
    attributes = message_attributes or {}
    if arn is None or not internals.passes_filter(subscription, attributes, message):
        return
    collected = _collector(topic.arn)
    if collected is None:
        return
    text = internals.part_of_message(subscription, message) if message_structure == "json" else message
    region, at = topic.sns_backend.region_name, collected.call.origin.at
    notification = sns_messages.Notification(
        message_id, topic.arn, subscription.arn, region, text, subject, attributes, at
    )
    if subscription.protocol == "lambda":
        request = _invoked(arn, sns_messages.function_event(notification))
    else:
        raw = subscription.attributes.get("RawMessageDelivery") in (True, "true")
        body, more = _for_queue(notification, raw=raw)
        request = _queued(arn, body, more | _order(arn, message, *order))
    collected.add(Source("sns.amazonaws.com", topic.arn, topic.account_id), arn.account, arn.region, request)


def _for_queue(notification: sns_messages.Notification, *, raw: bool) -> tuple[str, dict[str, Any]]:
    """The body of the message to a queue, and its parameters beside that."""
    if not raw:
        return sns_messages.envelope(notification), {}
    attributes = sns_messages.raw_attributes(notification.attributes)
    return notification.message, {"MessageAttributes": attributes} if attributes else {}


def _order(queue: Arn, message: str, group_id: str | None, deduplication_id: str | None) -> dict[str, str]:
    """What keeps messages in order and each of them one.

    SNS Developer Guide, "Message deduplication for FIFO topics": without an id, SNS makes a SHA-256 hash of the body.
    """
    order = {"MessageGroupId": group_id} if group_id else {}
    if queue.resource.endswith(_FIFO) and group_id:
        order["MessageDeduplicationId"] = deduplication_id or hashlib.sha256(message.encode()).hexdigest()
    return order
