"""What a service sends because of a call is a call too: the target's policy must let it in, and it is recorded."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from locum.audit import Record, cloudtrail_event, readable
from locum.backends import Backend, BackendCall, Carried
from locum.cli.commands.explain import lines
from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from support.backends import behind
from support.deliveries import Listening, Queue, service
from support.inprocess import InProcess

ACCOUNT = "000000000000"
REGION = "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:broken"


def topic(plane: InProcess, name: str, *queues: Queue) -> str:
    sns = plane.client("sns")
    arn: str = sns.create_topic(Name=name)["TopicArn"]
    for queue in queues:
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue.arn)
    return arn


def sent(plane: InProcess, queue: Queue) -> Record:
    """The record of the latest SendMessage to the queue."""
    name = queue.arn
    found = (r for r in plane.records(200) if r.operation == "SendMessage" and any(x.arn == name for x in r.resources))
    return next(found)


def explained(record: Record) -> str:
    return "\n".join(lines(readable(record)))


def test_sns_sends_to_a_queue_that_lets_in_the_topic(plane: InProcess) -> None:
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:let-in"
    queue = Queue(plane, "for-let-in", service("sns.amazonaws.com", ArnEquals={"aws:SourceArn": arn}))
    topic(plane, "let-in", queue)
    published = plane.client("sns").publish(TopicArn=arn, Message="hello")
    assert [body["Message"] for body in queue.received()] == ["hello"]
    record = sent(plane, queue)
    assert (record.verdict, record.cause) == ("allow", published["ResponseMetadata"]["RequestId"])
    event = cloudtrail_event(record)
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "sns.amazonaws.com"}
    assert (event["sourceIPAddress"], event["userAgent"]) == ("sns.amazonaws.com", "sns.amazonaws.com")
    assert "hello" not in json.dumps(event)
    assert record.determining == (f"policy of {queue.arn}#0",)


@pytest.mark.parametrize(
    "statement",
    [
        service("s3.amazonaws.com"),
        service("sns.amazonaws.com", ArnEquals={"aws:SourceArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:another"}),
        service("sns.amazonaws.com", StringEquals={"aws:SourceAccount": "999988887777"}),
        service("sns.amazonaws.com", Bool={"aws:PrincipalIsAWSService": "false"}),
        {"Principal": {"AWS": ACCOUNT}},
    ],
    ids=["another service", "another topic", "another account", "no service", "the account itself"],
)
def test_sns_does_not_send_where_the_queue_does_not_let_it_in(plane: InProcess, statement: dict[str, Any]) -> None:
    queue = Queue(plane, "closed", statement)
    arn = topic(plane, "kept-out", queue)
    plane.client("sns").publish(TopicArn=arn, Message="hello")
    assert queue.received() == []
    record = sent(plane, queue)
    assert (record.verdict, record.error_code, record.invoked_by) == (
        "implicit-deny",
        "AccessDenied",
        "sns.amazonaws.com",
    )
    told = explained(record)
    assert "because no resource-based policy allows the sqs:SendMessage action" in told
    assert arn in told


def test_a_deny_of_the_queue_keeps_the_service_out(plane: InProcess) -> None:
    queue = Queue(plane, "denying", service("sns.amazonaws.com"), {**service("sns.amazonaws.com"), "Effect": "Deny"})
    plane.client("sns").publish(TopicArn=topic(plane, "denied", queue), Message="hello")
    assert queue.received() == []
    assert sent(plane, queue).verdict == "explicit-deny"


def test_one_message_to_a_queue_that_is_closed_does_not_hold_up_another(plane: InProcess) -> None:
    closed, is_open = Queue(plane, "closed-beside"), Queue(plane, "open-beside", service("sns.amazonaws.com"))
    arn = topic(plane, "both", closed, is_open)
    for text in ("one", "two", "three"):
        plane.client("sns").publish(TopicArn=arn, Message=text)
    assert [body["Message"] for body in is_open.received()] == ["one", "two", "three"]
    assert closed.received() == []


def notifying(plane: InProcess, bucket: str, queue: Queue) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": queue.arn, "Events": ["s3:ObjectCreated:*"]}]},
    )


def test_s3_sends_to_a_queue_that_lets_in_the_bucket_and_its_account(plane: InProcess) -> None:
    conditions = {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::telling"}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}
    queue = Queue(plane, "for-telling", service("s3.amazonaws.com", **conditions))
    notifying(plane, "telling", queue)
    assert [body["Event"] for body in queue.received()] == ["s3:TestEvent"]
    plane.client("s3").put_object(Bucket="telling", Key="a b", Body=b"x")
    (body,) = queue.received()
    assert body["Records"][0]["s3"]["bucket"]["name"] == "telling"
    record = sent(plane, queue)
    assert (record.verdict, record.invoked_by, record.source_arn, record.source_account) == (
        "allow", "s3.amazonaws.com", "arn:aws:s3:::telling", ACCOUNT,
    )  # fmt: skip


def test_notifications_to_a_queue_that_s3_may_not_send_to_cannot_be_configured(plane: InProcess) -> None:
    queue = Queue(plane, "closed-to-s3", service("sns.amazonaws.com"))
    with pytest.raises(ClientError) as caught:
        notifying(plane, "untold", queue)
    assert caught.value.response["Error"]["Code"] == "InvalidArgument"
    s3 = plane.client("s3")
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket="untold")
    assert sent(plane, queue).verdict == "implicit-deny"
    latest = next(r for r in plane.records() if r.operation.startswith("PutBucketNotification"))
    assert latest.error_code == "InvalidArgument"


class Cut(Listening):
    """Knows its resources; whoever calls is cancelled."""

    async def call(self, call: BackendCall) -> Carried:
        raise asyncio.CancelledError


def test_a_configuration_that_was_not_validated_does_not_stand_when_its_call_is_cancelled(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(plane, "never-told", service("s3.amazonaws.com"))
    plane.client("s3").create_bucket(Bucket="abandoned")
    wanted = {"QueueConfigurations": [{"QueueArn": queue.arn, "Events": ["s3:ObjectCreated:*"]}]}
    request = plane.request(
        "s3", "put_bucket_notification_configuration", Bucket="abandoned", NotificationConfiguration=wanted
    )

    backends = plane.node.runtime.backends
    with monkeypatch.context() as patched:
        patched.setitem(cast("dict[str, Backend]", backends.by_service), "sqs", Cut(backends.default))
        with pytest.raises(asyncio.CancelledError):
            plane.send(request)
    told = plane.client("s3").get_bucket_notification_configuration(Bucket="abandoned")
    assert "QueueConfigurations" not in told


def test_a_call_of_a_service_that_breaks_is_recorded_as_failed(plane: InProcess) -> None:
    def broken(_call: BackendCall) -> HttpResponse:
        raise ZeroDivisionError

    caller = service_principal("sns.amazonaws.com", ACCOUNT, TOPIC)
    params = {"TopicArn": TOPIC, "Message": "hello"}
    with behind(plane, "sns", broken), pytest.raises(Fault) as met:
        plane.run(plane.node.calls.make(ServiceCall(caller, "sns", "Publish", params, REGION), "the cause"))
    assert (met.value.code, met.value.status) == ("InternalFailure", 500)
    (record,) = [record for record in plane.records() if record.cause == "the cause"]
    assert (record.operation, record.error_code) == ("Publish", "InternalFailure")


def test_an_error_of_a_backend_that_no_record_can_be_written_with_does_not_stop_the_plane(plane: InProcess) -> None:
    body = b'{"__type": "Weird\\ud800", "message": "\\udfff"}'
    answer = HttpResponse(400, [("content-type", "application/x-amz-json-1.0")], body)
    with behind(plane, "dynamodb", lambda _call: answer), pytest.raises(ClientError) as caught:
        plane.client("dynamodb").describe_table(TableName="weird")
    record = plane.record(caught.value.response["ResponseMetadata"]["RequestId"])
    assert (record.error_code, record.error_message) == ("Weird?", "?")


def test_a_queue_that_closes_later_gets_nothing_and_the_record_says_so(plane: InProcess) -> None:
    queue = Queue(plane, "closing", service("s3.amazonaws.com"))
    notifying(plane, "closing", queue)
    assert len(queue.received()) == 1
    queue.let_in(service("sns.amazonaws.com"))
    plane.client("s3").put_object(Bucket="closing", Key="a", Body=b"x")
    assert queue.received() == []
    assert sent(plane, queue).verdict == "implicit-deny"


def test_a_topic_of_another_account_sends_for_that_account(plane: InProcess) -> None:
    away = plane.account("444455556666")
    queue = Queue(plane, "visited", service("sns.amazonaws.com", StringEquals={"aws:SourceAccount": "444455556666"}))
    sns = plane.client("sns", away)
    arn = sns.create_topic(Name="visiting")["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue.arn)
    sns.publish(TopicArn=arn, Message="from afar")
    assert [body["Message"] for body in queue.received()] == ["from afar"]
    record = sent(plane, queue)
    assert (record.account, record.source_account) == (ACCOUNT, "444455556666")


def test_what_a_subscriber_refuses_goes_to_the_dead_letter_queue_of_the_subscription(plane: InProcess) -> None:
    closed, dead = Queue(plane, "refusing"), Queue(plane, "dead-of-sns", service("sns.amazonaws.com"))
    sns, arn = plane.client("sns"), topic(plane, "with-dead-letters")
    attributes = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead.arn})}
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=closed.arn, Attributes=attributes)
    sns.publish(TopicArn=arn, Message="undelivered")
    assert closed.received() == []
    assert [body["Message"] for body in dead.received()] == ["undelivered"]
