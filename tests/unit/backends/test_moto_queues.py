"""What is replaced in moto's queues: the numbers of messages, their deduplication, and sending to a full queue."""

from __future__ import annotations

from typing import Any

import pytest

from locum.backends.moto.models import models_of
from support.inprocess import REGION, InProcess

HOME = "000000000000"
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


class Untouchable:
    """A message of which nothing may be read."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"{name} of another message is read")


def counts(sqs: Any, url: str) -> list[int]:
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    one_by_one = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS))["Attributes"]
    assert one_by_one == {name: found[name] for name in COUNTS}
    return [int(found[name]) for name in COUNTS]


def test_a_message_is_sent_without_a_look_at_those_that_are_there(plane: InProcess) -> None:
    sqs = plane.client("sqs")
    url = sqs.create_queue(QueueName="full")["QueueUrl"]
    queue = models_of("sqs", HOME, REGION).queues["full"]
    queue._messages.append(Untouchable())
    sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "m"}])
    assert [message.body for message in queue._messages[1:]] == ["m", "m"]
    with pytest.raises(AssertionError, match="visible_at"):
        _ = queue.messages


def test_messages_are_counted_by_what_they_wait_for(plane: InProcess) -> None:
    sqs = plane.client("sqs")
    url = sqs.create_queue(QueueName="counted")["QueueUrl"]
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    (got,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert counts(sqs, url) == [2, 1, 1]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
    assert len(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) >= 2
    assert (
        "ContentBasedDeduplication" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    )


@pytest.mark.parametrize("by_content", ["true", "false"])
def test_a_queue_in_order_takes_a_message_once(plane: InProcess, by_content: str) -> None:
    sqs, name = plane.client("sqs"), f"in-order-{by_content}.fifo"
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": by_content}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    assert sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"] == url
    more = {} if by_content == "true" else {"MessageDeduplicationId": "one"}
    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody="m", MessageGroupId="g", **more)
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (found["ContentBasedDeduplication"], found["ApproximateNumberOfMessages"]) == (by_content, "1")
    if by_content == "false":
        with pytest.raises(sqs.exceptions.ClientError, match="MessageDeduplicationId"):
            sqs.send_message(QueueUrl=url, MessageBody="m", MessageGroupId="g")
