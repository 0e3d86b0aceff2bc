"""Attacks on what is told of resources: no secret comes out in events, change sets, messages and records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.plane import document, fresh
from support.waiting_stacks import Crafts, crafts

WORDS = ("sealed-by-no-echo", "sealed-in-secrets-manager", "sealed-in-a-response", "sealed-in-the-next-one")
AWAY = "444455556666"
ENDED = "ResourceStatus='{}'\nResourceStatusReason=''\nResourceType='AWS::CloudFormation::Stack'"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crafts]:
    """A plane for all of these tests."""
    with crafts(tmp_path_factory.mktemp("told")) as plane:
        yield plane


class Listener:
    """A topic, and the messages that come to a queue behind it."""

    def __init__(self, there: Crafts) -> None:
        self._plane, name = there.plane, fresh("listener")
        self._sqs = there.plane.client("sqs")
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        queue = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        topics = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "*", "Resource": queue}
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": document(topics)})
        sns = there.plane.client("sns")
        self.topic = sns.create_topic(Name=name)["TopicArn"]
        raw = {"RawMessageDelivery": "true"}
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=queue, Attributes=raw)

    def until(self, end: str) -> list[str]:
        """All messages, at least to the first one with that text."""
        found: list[str] = []
        while not any(end in message for message in found):
            for message in self._sqs.receive_message(QueueUrl=self._queue, WaitTimeSeconds=20)["Messages"]:
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                found.append(message["Body"])
        return found


def parameter(value: Any, description: str) -> dict[str, Any]:
    properties = {"Type": "String", "Value": value, "Description": description}
    return {"Type": "AWS::SSM::Parameter", "Properties": properties}


def body(there: Crafts, secret: str, description: str) -> str:
    """A template in which secrets go many ways."""
    answer: Any = {"Fn::GetAtt": ["Thing", "Word"]}
    values: list[Any] = [
        {"Ref": "Word"},
        {"Fn::Join": ["-", ["a", {"Ref": "Word"}]]},
        f"{{{{resolve:secretsmanager:{secret}}}}}",
        answer,
        {"Fn::Sub": "<${Thing.Word}>"},
        {"Fn::Select": [0, [answer]]},
        {"Fn::Join": ["-", {"Fn::Split": [".", answer]}]},
        {"Fn::GetAtt": ["P0", "Value"]},
        {"Fn::GetAtt": ["P2", "Value"]},
        {"Fn::GetAtt": ["P3", "Value"]},
    ]
    resources = {f"P{number}": parameter(value, description) for number, value in enumerate(values)}
    resources["Thing"] = there.custom(Of=description)
    word = {"Word": {"Type": "String", "NoEcho": True, "Default": WORDS[0]}}
    return json.dumps({"Parameters": word, "Resources": resources})


def test_attack_no_secret_comes_out_in_events_change_sets_messages_or_records(there: Crafts) -> None:
    listener, name, client = Listener(there), fresh("sealed"), there.cloudformation
    there.plane.client("secretsmanager").create_secret(Name=name, SecretString=WORDS[1])
    given = {"StackName": name, "NotificationARNs": [listener.topic]}
    stack = client.create_stack(TemplateBody=body(there, name, "one"), **given)["StackId"]
    there.answer(there.asked(), Data={"Word": WORDS[2]}, NoEcho=True)
    assert there.status(stack) == "CREATE_COMPLETE"
    told = [client.describe_stack_events(StackName=stack)]
    changes = client.create_change_set(ChangeSetName="c", TemplateBody=body(there, name, "two"), **given)["Id"]
    told.append(client.describe_change_set(ChangeSetName=changes, IncludePropertyValues=True))
    client.execute_change_set(ChangeSetName=changes)
    there.answer(there.asked(), Data={"Word": WORDS[3]}, NoEcho=True)
    assert there.status(stack) == "UPDATE_COMPLETE"
    told += [client.describe_stack_events(StackName=stack), client.describe_stacks(StackName=stack)]
    client.detect_stack_drift(StackName=stack)
    there.plane.settle_drifts()
    told.append(client.describe_stack_resource_drifts(StackName=stack))
    messages = listener.until(ENDED.format("UPDATE_COMPLETE"))
    records = [repr(record) for record in there.plane.records(1000)]
    for text in (*(json.dumps(it, default=str) for it in told), *messages, *records):
        assert not [word for word in WORDS if word in text]


def test_attack_a_property_is_no_field_of_a_message(there: Crafts) -> None:
    listener, forged = Listener(there), "x'\nResourceStatus='FORGED'\nResourceType='"
    made = {"Type": "AWS::SNS::Topic", "Properties": {"Tags": [{"Key": "k", "Value": forged}]}}
    stack = there.create({"Topic": made}, NotificationARNs=[listener.topic])
    assert there.status(stack) == "CREATE_COMPLETE"
    check_fields(listener.until(ENDED.format("CREATE_COMPLETE")))


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\u2028"])
def test_attack_what_a_custom_resource_answers_is_no_field_of_a_message(there: Crafts, line_break: str) -> None:
    listener, forged = Listener(there), f"x'{line_break}ResourceStatus='FORGED'{line_break}ResourceType='"
    stack = there.create({"Thing": there.custom()}, NotificationARNs=[listener.topic])
    there.answer(there.asked(), "FAILED", PhysicalResourceId=forged, Reason=forged)
    there.answer(there.asked())
    assert there.status(stack) == "ROLLBACK_COMPLETE"
    check_fields(listener.until("ResourceStatus='ROLLBACK_COMPLETE'"))


def check_fields(messages: list[str]) -> None:
    """Check that something was forged, and that no message has a field twice."""
    assert any("FORGED" in message for message in messages)
    for message in messages:
        names = [line.partition("='")[0] for line in message.splitlines()]
        assert len(names) == len(set(names))


def test_attack_a_topic_of_another_account_is_told_nothing_unless_it_lets_the_stack(there: Crafts) -> None:
    away = there.plane.account(AWAY)
    sns = there.plane.client("sns", away)
    topic = sns.create_topic(Name=fresh("spy"))["TopicArn"]
    stack = there.create({"Topic": {"Type": "AWS::SNS::Topic"}}, NotificationARNs=[topic])
    assert there.status(stack) == "CREATE_COMPLETE"
    while there.plane.carry_out() == 0:
        pass
    published = [it for it in there.plane.records(200) if it.operation == "Publish" and topic in repr(it)]
    assert {it.verdict for it in published} == {"implicit-deny"}
