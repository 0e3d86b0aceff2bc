"""SQS: queues and their policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from locum.services.cloudformation.providers.base import Properties, Provider, Request, Resource
from locum.services.cloudformation.providers.bundle import Look, Put, bundle
from locum.services.cloudformation.providers.guards import new_only
from locum.services.cloudformation.providers.steps import truth
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Part, Row, Shown, Tags, provider

_QUEUE: Final = {"QueueUrl": "{id}"}
_DEFAULTS: Final = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "DelaySeconds": "0",
    "FifoThroughputLimit": "perQueue",
    "KmsDataKeyReusePeriodSeconds": "300",
    "KmsMasterKeyId": "",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "RedriveAllowPolicy": "",
    "RedrivePolicy": "",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}
"""What attributes become whose properties are gone: API Reference, "SetQueueAttributes"."""
_ATTRIBUTES: Final = {name: f"{{p.{name}}}" for name in _DEFAULTS}


def is_fifo(properties: Properties) -> bool:
    """Whether a queue is a FIFO queue, or a topic a FIFO topic."""
    return truth(properties.get("FifoQueue", properties.get("FifoTopic")))


def fifo_suffix(properties: Properties) -> str:
    """What a generated name ends with."""
    return ".fifo" if is_fifo(properties) else ""


def _shaped(properties: Properties) -> Properties:
    """A queue that is none cannot be told that it is not FIFO: the API takes nothing but true."""
    found = dict(properties)
    if not is_fifo(found):
        found.pop("FifoQueue", None)
    return found


_QUEUES: Final = Row(
    service="sqs",
    create=Call("CreateQueue", {"Attributes": {**_ATTRIBUTES, "FifoQueue": "{p.FifoQueue}"}}),
    name=Name("QueueName", 80, suffix=fifo_suffix),
    tags=Tags(
        add=Call("TagQueue", {**_QUEUE, "Tags": "{tags}"}),
        remove=Call("UntagQueue", {**_QUEUE, "TagKeys": "{keys}"}),
        member="tags",
        form="map",
    ),
    exists=frozenset({"QueueNameExists", "QueueAlreadyExists"}),
    read=Call("GetQueueUrl", {"QueueName": "{name}"}),
    physical="{c.QueueUrl|r.QueueUrl}",
    attributes={
        "Arn": "arn:aws:sqs:{region}:{account}:{attr.QueueName|name}",
        "QueueName": "{attr.QueueName|name}",
        "QueueUrl": "{id}",
    },
    settings=(
        Change(
            Call("SetQueueAttributes", {**_QUEUE, "Attributes": _ATTRIBUTES}),
            on=" ".join(_DEFAULTS),
            defaults=_DEFAULTS,
        ),
    ),
    deletes=(Call("DeleteQueue", _QUEUE),),
    shaped=_shaped,
    shown=Shown(
        Call("GetQueueAttributes", {**_QUEUE, "AttributeNames": ["All"]}),
        "Attributes",
        parts=(Part("Tags", Call("ListQueueTags", _QUEUE), "Tags"),),
        told="KmsMasterKeyId RedrivePolicy",
        id="{scheme}://{host}/{owner}/{name}",
        lists=Listing(Call("ListQueues"), "QueueUrls"),
    ),
)


def _named(resource: Resource) -> Request | None:
    """A queue can be created that is there already, with the same attributes."""
    name = resource.properties.get("QueueName")
    return Request("sqs", "GetQueueUrl", {"QueueName": name}) if name else None


def _puts(properties: Properties) -> Mapping[str, Put]:
    """The policies of queues."""

    def put(queue: str, policy: object) -> Request:
        return Request("sqs", "SetQueueAttributes", {"QueueUrl": queue, "Attributes": {"Policy": policy}})

    return {queue: Put(put(queue, properties["PolicyDocument"]), put(queue, "")) for queue in properties["Queues"]}


def _looks(properties: Properties) -> Iterator[Look]:
    for queue in properties.get("Queues") or ():
        asked = Request("sqs", "GetQueueAttributes", {"QueueUrl": queue, "AttributeNames": ["Policy"]})
        yield Look(asked, "Attributes.Policy", "Queues", queue)


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::SQS::Queue": new_only(provider(_QUEUES), _named),
    "AWS::SQS::QueuePolicy": bundle(_puts, looks=_looks),
}
