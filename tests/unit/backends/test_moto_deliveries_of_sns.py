"""What moto's SNS would deliver comes out as values, in AWS's form, and moto delivers nothing itself."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from locum.backends import Delivery
from support.deliveries import Listening, listening
from support.inprocess import InProcess, refusal

HERE = "000000000000"
AWAY = "444455556666"


@pytest.fixture(scope="module")
def out(plane: InProcess) -> Iterator[Listening]:
    with listening(plane, "sns") as between:
        yield between


@pytest.fixture
def topic(plane: InProcess, request: pytest.FixtureRequest) -> str:
    """A topic of the test's own."""
    name = f"of-{abs(hash(request.node.nodeid)):x}"
    return str(plane.client("sns").create_topic(Name=name)["TopicArn"])


@pytest.fixture
def ordered(plane: InProcess, request: pytest.FixtureRequest) -> str:
    """A FIFO topic of the test's own, which takes the hash of a message for its deduplication id."""
    name, attributes = f"of-{abs(hash(request.node.nodeid)):x}.fifo", {"FifoTopic": "true"}
    attributes["ContentBasedDeduplication"] = "true"
    return str(plane.client("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"])


def subscribe(plane: InProcess, topic: str, protocol: str, endpoint: str = "", **attributes: str) -> str:
    """The ARN of a new subscription, of the queue or function `target` of another account where none is named."""
    target = endpoint or f"arn:aws:{protocol}:eu-west-1:{AWAY}:{'function:' if protocol == 'lambda' else ''}target"
    answer = plane.client("sns").subscribe(TopicArn=topic, Protocol=protocol, Endpoint=target, Attributes=attributes)
    return str(answer["SubscriptionArn"])


def published(plane: InProcess, out: Listening, topic: str, message: str = "text", **more: Any) -> list[Delivery]:
    out.taken()
    plane.client("sns").publish(TopicArn=topic, Message=message, **more)
    return out.taken()


ATTRIBUTES = {
    "colour": {"DataType": "String", "StringValue": "blue"},
    "size": {"DataType": "Number.int", "StringValue": "7"},
    "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
}


def test_a_queue_gets_the_message_in_an_envelope(plane: InProcess, out: Listening, topic: str) -> None:
    subscription = subscribe(plane, topic, "sqs")
    (told,) = published(plane, out, topic, "tëxt", Subject="About", MessageAttributes=ATTRIBUTES)
    assert told[:5] == ("sns.amazonaws.com", topic, HERE, "sqs", "SendMessage")
    assert told[6:9] == (AWAY, "eu-west-1", False)
    assert set(told.parameters) == {"QueueUrl", "MessageBody"}
    assert told.parameters["QueueUrl"] == f"https://sqs.eu-west-1.amazonaws.com/{AWAY}/target"
    assert told.parameters["MessageBody"].startswith('{\n  "Type" : "Notification",\n  "MessageId" : "')
    body = json.loads(told.parameters["MessageBody"])
    assert body.pop("MessageId")
    assert body.pop("Timestamp").startswith("20")
    assert body == {
        "Type": "Notification",
        "TopicArn": topic,
        "Subject": "About",
        "Message": "tëxt",
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-EXAMPLE.pem",
        "UnsubscribeURL": f"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={subscription}",
        "MessageAttributes": {
            "colour": {"Type": "String", "Value": "blue"},
            "size": {"Type": "Number.int", "Value": "7"},
            "raw": {"Type": "Binary", "Value": "AP8="},
        },
    }


def test_an_envelope_has_neither_a_subject_nor_attributes_that_were_not_sent(
    plane: InProcess, out: Listening, topic: str
) -> None:
    subscribe(plane, topic, "sqs")
    (told,) = published(plane, out, topic)
    assert {"Subject", "MessageAttributes"}.isdisjoint(json.loads(told.parameters["MessageBody"]))


def test_a_raw_message_goes_as_it_is_with_its_attributes(plane: InProcess, out: Listening, topic: str) -> None:
    subscribe(plane, topic, "sqs", RawMessageDelivery="true")
    (told,) = published(plane, out, topic, MessageAttributes=ATTRIBUTES)
    assert (told.parameters["MessageBody"], told.parameters["MessageAttributes"]) == ("text", ATTRIBUTES)
    (told,) = published(plane, out, topic)
    assert "MessageAttributes" not in told.parameters


def test_a_function_is_invoked_with_a_record(plane: InProcess, out: Listening, topic: str) -> None:
    function = f"arn:aws:lambda:eu-west-1:{AWAY}:function:target:live"
    subscription = subscribe(plane, topic, "lambda", function)
    (told,) = published(plane, out, topic, MessageAttributes={"colour": ATTRIBUTES["colour"]})
    assert told[:5] == ("sns.amazonaws.com", topic, HERE, "lambda", "Invoke")
    assert (told.account, told.region, told.required) == (AWAY, "eu-west-1", False)
    assert (told.parameters["FunctionName"], told.parameters["InvocationType"]) == (function, "Event")
    (record,) = json.loads(told.parameters["Payload"])["Records"]
    assert (record["EventSource"], record["EventVersion"]) == ("aws:sns", "1.0")
    assert record["EventSubscriptionArn"] == subscription
    assert (record["Sns"]["TopicArn"], record["Sns"]["Message"], record["Sns"]["Subject"]) == (topic, "text", None)
    assert record["Sns"]["MessageAttributes"] == {"colour": {"Type": "String", "Value": "blue"}}
    assert {"MessageId", "Timestamp", "Type", "SigningCertUrl", "UnsubscribeUrl"} <= record["Sns"].keys()


def test_a_subscription_gets_what_its_filter_lets_through(plane: InProcess, out: Listening, topic: str) -> None:
    subscribe(plane, topic, "sqs", FilterPolicy='{"colour": ["blue"]}')
    blue, red = ({"colour": {"DataType": "String", "StringValue": value}} for value in ("blue", "red"))
    assert len(published(plane, out, topic, MessageAttributes=blue)) == 1
    assert published(plane, out, topic, MessageAttributes=red) == []
    assert published(plane, out, topic) == []


def test_each_protocol_gets_its_own_part_of_a_message_with_a_structure(
    plane: InProcess, out: Listening, topic: str
) -> None:
    subscribe(plane, topic, "sqs", RawMessageDelivery="true")
    subscribe(plane, topic, "lambda")
    parts = json.dumps({"default": "for all", "sqs": "for queues"})
    queued, invoked = published(plane, out, topic, parts, MessageStructure="json")
    assert queued.parameters["MessageBody"] == "for queues"
    assert json.loads(invoked.parameters["Payload"])["Records"][0]["Sns"]["Message"] == "for all"
    told = refusal(plane.client("sns").publish, TopicArn=topic, Message="{}", MessageStructure="json")
    assert told[:2] == ("InvalidParameter", 400)
    assert out.taken() == []


def test_the_order_of_a_fifo_topic_goes_with_the_message(plane: InProcess, out: Listening, ordered: str) -> None:
    queues = [f"arn:aws:sqs:us-east-1:{HERE}:{name}" for name in ("target.fifo", "target")]
    for queue in queues:
        subscribe(plane, ordered, "sqs", queue)
    fifo, standard = published(plane, out, ordered, MessageGroupId="group", MessageDeduplicationId="once")
    assert (fifo.parameters["MessageGroupId"], fifo.parameters["MessageDeduplicationId"]) == ("group", "once")
    assert standard.parameters["MessageGroupId"] == "group"
    assert "MessageDeduplicationId" not in standard.parameters
    fifo, _ = published(plane, out, ordered, MessageGroupId="group")
    assert fifo.parameters["MessageDeduplicationId"] == hashlib.sha256(b"text").hexdigest()


def test_each_message_of_a_batch_is_delivered_to_each_subscription(
    plane: InProcess, out: Listening, topic: str
) -> None:
    subscribe(plane, topic, "sqs", RawMessageDelivery="true")
    subscribe(plane, topic, "lambda")
    out.taken()
    entries = [{"Id": str(number), "Message": f"text {number}"} for number in range(2)]
    plane.client("sns").publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    told = out.taken()
    assert [delivery.service for delivery in told] == ["sqs", "lambda"] * 2
    assert [delivery.parameters["MessageBody"] for delivery in told[::2]] == ["text 0", "text 1"]


def test_moto_itself_delivers_nothing_to_a_queue(plane: InProcess, out: Listening, topic: str) -> None:
    client = plane.client("sqs")
    url = client.create_queue(QueueName="target")["QueueUrl"]
    subscribe(plane, topic, "sqs", f"arn:aws:sqs:us-east-1:{HERE}:target")
    assert len(published(plane, out, topic)) == 1
    assert "Messages" not in client.receive_message(QueueUrl=url)


def test_whoever_makes_the_deliveries_has_them_arrive(plane: InProcess, out: Listening, ordered: str) -> None:
    client, fifo = plane.client("sqs"), {"FifoQueue": "true"}
    for name, attributes in (("made.fifo", fifo), ("made", {})):
        client.create_queue(QueueName=name, Attributes=attributes)
        subscribe(plane, ordered, "sqs", f"arn:aws:sqs:us-east-1:{HERE}:{name}", RawMessageDelivery="true")
    for told in published(plane, out, ordered, MessageGroupId="group", MessageAttributes=ATTRIBUTES):
        client.send_message(**told.parameters)
        url = told.parameters["QueueUrl"]
        (message,) = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
        assert (message["Body"], message["MessageAttributes"]) == ("text", ATTRIBUTES)


def test_no_connection_is_opened_to_a_subscriber_by_http(plane: InProcess, out: Listening, topic: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        subscribe(plane, topic, "http", f"http://127.0.0.1:{server.getsockname()[1]}/")
        assert published(plane, out, topic) == []
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_other_protocols_deliver_nothing(plane: InProcess, out: Listening, topic: str) -> None:
    subscribe(plane, topic, "email", "somebody@example.com")
    subscribe(plane, topic, "sms", "+15555550100")
    assert published(plane, out, topic) == []
