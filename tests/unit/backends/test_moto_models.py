"""What moto has in memory: what there is, and nothing of what was replaced or deleted."""

from __future__ import annotations

import gc
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from moto.core.common_models import BaseModel

from locum.backends.moto import queues as moto_queues
from support.inprocess import InProcess, refusal

pytestmark = pytest.mark.usefixtures("own_heap")

TABLE = {
    "TableName": "let-go-of",
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def models() -> Counter[str]:
    """How many of each kind of moto's models there are."""
    gc.collect()
    return Counter(type(found).__name__ for found in gc.get_objects() if isinstance(found, BaseModel))


def objects(plane: InProcess) -> Callable[[], object]:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="let-go-of")

    def replaced_and_deleted() -> None:
        for key in ("replaced", "replaced", "deleted"):
            s3.put_object(Bucket="let-go-of", Key=key, Body=b"x")
        s3.delete_object(Bucket="let-go-of", Key="deleted")

    return replaced_and_deleted


def items(plane: InProcess) -> Callable[[], object]:
    dynamodb = plane.client("dynamodb")
    dynamodb.create_table(**TABLE)
    return lambda: dynamodb.put_item(TableName="let-go-of", Item={"k": {"S": "a"}, "n": {"N": "1"}})


def messages(plane: InProcess) -> Callable[[], object]:
    sqs = plane.client("sqs")
    url = sqs.create_queue(QueueName="let-go-of")["QueueUrl"]

    def worked_off() -> None:
        sqs.send_message(QueueUrl=url, MessageBody="m")
        (got,) = sqs.receive_message(QueueUrl=url)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])

    return worked_off


def queues(plane: InProcess) -> Callable[[], object]:
    sqs = plane.client("sqs")
    return lambda: sqs.delete_queue(QueueUrl=sqs.create_queue(QueueName="made-and-let-go-of")["QueueUrl"])


@pytest.mark.parametrize("made", [objects, items, messages, queues])
def test_what_is_replaced_or_deleted_is_let_go_of(plane: InProcess, made: Callable[[InProcess], Any]) -> None:
    work = made(plane)
    work()
    before = models()
    for _ in range(5):
        work()
    assert models() - before == Counter()


def test_keys_that_were_copied_for_a_list_are_let_go_of_without_a_warning(plane: InProcess) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="copied-for-a-list")
    s3.put_object(Bucket="copied-for-a-list", Key="k", Body=b"kept")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert len(s3.list_object_versions(Bucket="copied-for-a-list")["Versions"]) == 1
        gc.collect()
    assert [warning for warning in warned if "disposed" in str(warning.message)] == []
    assert s3.get_object(Bucket="copied-for-a-list", Key="k")["Body"].read() == b"kept"


def test_the_latest_deleted_messages_of_a_queue_are_known_and_no_others(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moto_queues, "DELETED_MESSAGES", 2)
    sqs = plane.client("sqs")
    url = sqs.create_queue(QueueName="forgets")["QueueUrl"]
    handles = []
    for _ in range(3):
        sqs.send_message(QueueUrl=url, MessageBody="m")
        handles.append(sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"])
        sqs.delete_message(QueueUrl=url, ReceiptHandle=handles[-1])
    for known in handles[1:]:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=known)
    code, status, _ = refusal(sqs.delete_message, QueueUrl=url, ReceiptHandle=handles[0])
    assert (code, status) == ("ReceiptHandleIsInvalid", 400)
