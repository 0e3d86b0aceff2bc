"""SNS: topics, their policies, and subscriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.base import (
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
    or_undone,
)
from locum.services.cloudformation.providers.bundle import Look, Put, bundle
from locum.services.cloudformation.providers.guards import new_only
from locum.services.cloudformation.providers.sqs import fifo_suffix, is_fifo
from locum.services.cloudformation.providers.steps import Steps
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Part, Row, Shown, Tags, provider

_TOPIC: Final = {"TopicArn": "{id}"}
_TAGGED: Final = {"ResourceArn": "{id}"}
_DEFAULTS: Final = {
    "ArchivePolicy": "{}",
    "ContentBasedDeduplication": "false",
    "DisplayName": "",
    "FifoThroughputScope": "Topic",
    "KmsMasterKeyId": "",
    "MaximumMessageSize": "262144",
    "SignatureVersion": "1",
    "TracingConfig": "PassThrough",
}
"""What attributes become whose properties are gone."""
_LOGGED: Final = {
    "http/s": "HTTP",
    "sqs": "SQS",
    "lambda": "Lambda",
    "firehose": "Firehose",
    "application": "Application",
}
_FEEDBACK: Final = ("SuccessFeedbackRoleArn", "FailureFeedbackRoleArn", "SuccessFeedbackSampleRate")
_LOGGING: Final = {f"{noun}{member}": "" for noun in _LOGGED.values() for member in _FEEDBACK}


def _shaped(properties: Properties) -> Properties:
    """The properties, the logging of each protocol as the attributes that it has."""
    found = {name: value for name, value in properties.items() if name not in ("DeliveryStatusLogging", "Subscription")}
    if not is_fifo(found):
        found.pop("FifoTopic", None)
    for entry in properties.get("DeliveryStatusLogging") or ():
        noun = _LOGGED[str(entry["Protocol"]).lower()]
        found |= {f"{noun}{name}": value for name, value in entry.items() if name != "Protocol"}
    return found


def _attribute(name: str, default: str) -> Change:
    call = Call("SetTopicAttributes", {**_TOPIC, "AttributeName": name, "AttributeValue": f"{{p.{name}}}"})
    return Change(call, on=name, defaults={name: default})


_ATTRIBUTES: Final = {**_DEFAULTS, **_LOGGING}
_TOPICS: Final = Row(
    service="sns",
    create=Call(
        "CreateTopic",
        {"Attributes": {name: f"{{p.{name}}}" for name in (*_ATTRIBUTES, "FifoTopic")}},
        "DataProtectionPolicy",
    ),
    name=Name("TopicName", 256, member="Name", suffix=fifo_suffix),
    tags=Tags(
        add=Call("TagResource", {**_TAGGED, "Tags": "{tags}"}),
        remove=Call("UntagResource", {**_TAGGED, "TagKeys": "{keys}"}),
    ),
    physical="{c.TopicArn}",
    attributes={"TopicArn": "{id}", "TopicName": "{attr.TopicName|name}"},
    settings=(
        *(_attribute(name, default) for name, default in _ATTRIBUTES.items()),
        Change(Call("PutDataProtectionPolicy", _TAGGED, "DataProtectionPolicy"), defaults={"DataProtectionPolicy": ""}),
    ),
    deletes=(Call("DeleteTopic", _TOPIC),),
    shaped=_shaped,
    shown=Shown(
        Call("GetTopicAttributes", _TOPIC),
        "Attributes",
        parts=(Part("Tags", Call("ListTagsForResource", _TAGGED), "Tags"),),
        hides="Subscription DeliveryStatusLogging DataProtectionPolicy",
        told="DisplayName KmsMasterKeyId",
        id="arn:{partition}:sns:{place}:{owner}:{name}",
        lists=Listing(Call("ListTopics"), "Topics", "{item.TopicArn}"),
    ),
)

# -- topics with their own subscriptions -----------------------------------------------------------------

_Key = tuple[str, str]


def _topics() -> Provider:
    """Topics; those that a topic has of its own are its subscriptions by protocol and endpoint."""
    row = provider(_TOPICS)
    row_update = row.update
    assert row_update is not None

    def create(resource: Resource) -> Work:
        made = yield from row.create(resource)
        undo = ended(Request("sns", "DeleteTopic", {"TopicArn": made.physical}))
        return (yield from or_undone(subscribed(made, _subscriptions(resource.properties), set()), undo))

    def update(resource: Resource, before: Properties) -> Work:
        made = yield from row_update(resource, before)
        return (yield from subscribed(made, _subscriptions(resource.properties), _subscriptions(before)))

    def subscribed(made: Made, now: set[_Key], once: set[_Key]) -> Work:
        for protocol, endpoint in sorted(now - once):
            params = {"TopicArn": made.physical, "Protocol": protocol, "Endpoint": endpoint}
            yield Request("sns", "Subscribe", params)
        if once - now:
            for arn in (yield from _arns(made.physical, once - now)):
                yield from ended(Request("sns", "Unsubscribe", {"SubscriptionArn": arn}))
        return made

    return row._replace(create=create, update=update)


def _subscriptions(properties: Properties) -> set[_Key]:
    return {(item["Protocol"], item["Endpoint"]) for item in properties.get("Subscription") or ()}


def _arns(topic: str, keys: set[_Key]) -> Steps[list[str]]:
    """The ARNs of those subscriptions of `topic` that are `keys`, and confirmed."""
    found: list[str] = []
    token: Mapping[str, Any] = {}
    while True:
        answer = yield Request("sns", "ListSubscriptionsByTopic", {"TopicArn": topic, **token})
        ours = (item for item in answer.get("Subscriptions", ()) if (item["Protocol"], item["Endpoint"]) in keys)
        found += [item["SubscriptionArn"] for item in ours if item["SubscriptionArn"].startswith("arn:")]
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}


def _named(resource: Resource) -> Request | None:
    """A topic can be created that is there already."""
    name = resource.properties.get("TopicName")
    arn = f"arn:aws:sns:{resource.region}:{resource.account}:{name}"
    return Request("sns", "GetTopicAttributes", {"TopicArn": arn}) if name else None


# -- policies --------------------------------------------------------------------------------------------

_ACTIONS: Final = (
    *("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic"),
    *("Subscribe", "ListSubscriptionsByTopic", "Publish"),
)


def _puts(properties: Properties) -> Mapping[str, Put]:
    """The policies of topics. A topic whose policy is deleted has the one of a new topic."""

    def put(topic: str, policy: object) -> Request:
        params = {"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": policy}
        return Request("sns", "SetTopicAttributes", params)

    document = properties["PolicyDocument"]
    return {topic: Put(put(topic, document), put(topic, _default(topic))) for topic in properties["Topics"]}


def _default(topic: str) -> str:
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in _ACTIONS],
        "Resource": topic,
        "Condition": {"StringEquals": {"AWS:SourceOwner": topic.split(":")[4]}},
    }
    return json.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})


def _looks(properties: Properties) -> Iterator[Look]:
    for topic in properties.get("Topics") or ():
        asked = Request("sns", "GetTopicAttributes", {"TopicArn": topic})
        yield Look(asked, "Attributes.Policy", "Topics", topic)


# -- subscriptions ---------------------------------------------------------------------------------------

_OPTIONS: Final = {
    "DeliveryPolicy": "",
    "FilterPolicy": "{}",
    "FilterPolicyScope": "MessageAttributes",
    "RawMessageDelivery": "false",
    "RedrivePolicy": "",
    "ReplayPolicy": "",
    "SubscriptionRoleArn": "",
}
_SUBSCRIPTION: Final = {"SubscriptionArn": "{id}"}


def _options() -> Iterator[Change]:
    for name, default in _OPTIONS.items():
        given = {**_SUBSCRIPTION, "AttributeName": name, "AttributeValue": f"{{p.{name}}}"}
        yield Change(Call("SetSubscriptionAttributes", given), on=name, defaults={name: default})


_SUBSCRIPTIONS: Final = Row(
    service="sns",
    create=Call(
        "Subscribe",
        {"Attributes": {name: f"{{p.{name}}}" for name in _OPTIONS}, "ReturnSubscriptionArn": True},
        "Endpoint Protocol TopicArn",
    ),
    physical="{c.SubscriptionArn}",
    attributes={"Arn": "{id}"},
    settings=tuple(_options()),
    deletes=(Call("Unsubscribe", _SUBSCRIPTION),),
    unused=frozenset({"Region"}),
    shown=Shown(
        Call("GetSubscriptionAttributes", _SUBSCRIPTION),
        "Attributes",
        told="FilterPolicy RedrivePolicy",
        lists=Listing(Call("ListSubscriptions"), "Subscriptions", "{item.SubscriptionArn}"),
    ),
    region="{p.Region}",
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::SNS::Subscription": provider(_SUBSCRIPTIONS),
    "AWS::SNS::Topic": new_only(_topics(), _named),
    "AWS::SNS::TopicPolicy": bundle(_puts, looks=_looks),
}
