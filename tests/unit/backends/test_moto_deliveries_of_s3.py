"""What moto's S3 would deliver comes out as values, in AWS's form, and moto delivers nothing itself."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.s3.models import s3_backends

from locum.backends import Delivery
from locum.backends.moto.s3_events import Sequencers
from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from support.deliveries import Listening, listening
from support.inprocess import InProcess, exchange, refusal

HERE = "000000000000"
AWAY = "444455556666"
ALL = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectRestore:*", "s3:ObjectTagging:*", "s3:ObjectAcl:Put"]


@pytest.fixture(scope="module")
def out(plane: InProcess) -> Iterator[Listening]:
    with listening(plane, "s3") as between:
        yield between


@pytest.fixture
def bucket(plane: InProcess, out: Listening, request: pytest.FixtureRequest) -> str:
    """A bucket of the test's own."""
    name = f"of-{abs(hash(request.node.nodeid)):x}"
    plane.client("s3").create_bucket(Bucket=name)
    return name


def arn_of(service: str, name: str = "destination", account: str = HERE, region: str = "us-east-1") -> str:
    kind = "function:" if service == "lambda" else ""
    return f"arn:aws:{service}:{region}:{account}:{kind}{name}"


def notify(plane: InProcess, bucket: str, **more: Any) -> None:
    """Have all events of `bucket` told to the queue `destination`."""
    told = {"QueueConfigurations": [{"Id": "all", "QueueArn": arn_of("sqs"), "Events": ALL}]} | more
    plane.client("s3").put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)


def only(deliveries: list[Delivery]) -> Delivery:
    (delivery,) = deliveries
    return delivery


def record_of(delivery: Delivery) -> dict[str, Any]:
    (record,) = json.loads(delivery.parameters["MessageBody"])["Records"]
    assert isinstance(record, dict)
    return record


def test_an_object_is_told_to_a_queue_as_s3_tells_it(plane: InProcess, out: Listening, bucket: str) -> None:
    notify(plane, bucket)
    out.taken()
    caller = plane.user("teller", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    user = plane.client("iam").get_user(UserName="teller")["User"]["UserId"]
    answer = plane.client("s3", caller).put_object(Bucket=bucket, Key="a folder/ünï+.txt", Body=b"body")
    told = only(out.taken())
    assert told[:5] == ("s3.amazonaws.com", f"arn:aws:s3:::{bucket}", HERE, "sqs", "SendMessage")
    assert told[6:9] == (HERE, "us-east-1", False)
    assert told.parameters["QueueUrl"] == f"https://sqs.us-east-1.amazonaws.com/{HERE}/destination"
    record = record_of(told)
    request = answer["ResponseMetadata"]["RequestId"]
    assert record.pop("eventTime").endswith("Z")
    assert int(record["s3"]["object"].pop("sequencer"), 16)
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": f"AWS:{user}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": request, "x-amz-id-2": request},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "all",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": HERE}, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {"key": "a+folder/%C3%BCn%C3%AF%2B.txt", "size": 4, "eTag": answer["ETag"].strip('"')},
        },
    }


def test_topics_functions_and_eventbridge_are_told_in_their_own_ways(
    plane: InProcess, out: Listening, bucket: str
) -> None:
    function, topic = arn_of("lambda", account=AWAY), arn_of("sns", account=AWAY)
    notify(
        plane,
        bucket,
        TopicConfigurations=[{"TopicArn": topic, "Events": ALL}],
        LambdaFunctionConfigurations=[{"LambdaFunctionArn": function, "Events": ALL}],
        EventBridgeConfiguration={},
    )
    out.taken()
    etag = plane.client("s3").put_object(Bucket=bucket, Key="a folder/key", Body=b"body")["ETag"].strip('"')
    invoked, queued, published, put = out.taken()
    of_bucket = f"arn:aws:s3:::{bucket}", HERE
    assert {delivery[:3] for delivery in (invoked, queued, published)} == {("s3.amazonaws.com", *of_bucket)}
    assert put[:3] == ("events.amazonaws.com", *of_bucket)
    assert (invoked.service, invoked.operation, invoked.account) == ("lambda", "Invoke", AWAY)
    assert (invoked.parameters["FunctionName"], invoked.parameters["InvocationType"]) == (function, "Event")
    assert json.loads(invoked.parameters["Payload"])["Records"][0]["s3"]["object"]["eTag"] == etag
    assert (queued.service, queued.account) == ("sqs", HERE)
    assert (published.service, published.operation, published.account) == ("sns", "Publish", AWAY)
    assert (published.parameters["TopicArn"], published.parameters["Subject"]) == (topic, "Amazon S3 Notification")
    assert json.loads(published.parameters["Message"])["Records"][0]["eventName"] == "ObjectCreated:Put"
    assert (put.service, put.operation, put.account, put.region) == ("events", "PutEvents", HERE, "us-east-1")
    (entry,) = put.parameters["Entries"]
    assert (entry["Source"], entry["DetailType"]) == ("aws.s3", "Object Created")
    assert entry["Resources"] == [f"arn:aws:s3:::{bucket}"]
    assert entry["Time"] > 1_700_000_000
    detail = json.loads(entry["Detail"])
    assert (detail["reason"], detail["requester"], detail["bucket"]) == ("PutObject", HERE, {"name": bucket})
    assert (detail["object"]["key"], detail["object"]["etag"]) == ("a folder/key", etag)


def _copied(client: Any, bucket: str) -> None:
    client.copy_object(Bucket=bucket, Key="key", CopySource={"Bucket": bucket, "Key": "source"})


def _uploaded(client: Any, bucket: str) -> None:
    upload = client.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    where = {"Bucket": bucket, "Key": "key", "UploadId": upload}
    part = client.upload_part(**where, PartNumber=1, Body=b"part")
    client.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})


def _restored(client: Any, bucket: str) -> None:
    client.restore_object(Bucket=bucket, Key="archived", RestoreRequest={"Days": 1})
    client.head_object(Bucket=bucket, Key="archived")


TAGS = {"TagSet": [{"Key": "a", "Value": "b"}]}


@pytest.mark.parametrize(
    ("act", "events", "members", "told"),
    [
        (_copied, ["ObjectCreated:Copy"], {"key", "size", "eTag", "sequencer"}, ["Object Created"]),
        (
            _uploaded,
            ["ObjectCreated:CompleteMultipartUpload"],
            {"key", "size", "eTag", "sequencer"},
            ["Object Created"],
        ),
        (lambda c, b: c.delete_object(Bucket=b, Key="source"), ["ObjectRemoved:Delete"], {"key", "sequencer"},
         ["Object Deleted"]),
        (lambda c, b: c.delete_objects(Bucket=b, Delete={"Objects": [{"Key": "source"}, {"Key": "archived"}]}),
         ["ObjectRemoved:Delete"] * 2, {"key", "sequencer"}, ["Object Deleted"] * 2),
        (lambda c, b: c.put_object_tagging(Bucket=b, Key="source", Tagging=TAGS), ["ObjectTagging:Put"],
         {"key", "eTag"}, ["Object Tags Added"]),
        (lambda c, b: c.delete_object_tagging(Bucket=b, Key="source"), ["ObjectTagging:Delete"], {"key", "eTag"},
         ["Object Tags Deleted"]),
        (lambda c, b: c.put_object_acl(Bucket=b, Key="source", ACL="private"), ["ObjectAcl:Put"], {"key", "eTag"},
         ["Object ACL Updated"]),
        (_restored, ["ObjectRestore:Post", "ObjectRestore:Completed"], {"key", "size", "eTag"},
         ["Object Restore Initiated", "Object Restore Completed"]),
    ],
    ids=["copy", "multipart", "delete", "delete several", "tag", "untag", "acl", "restore"],
)  # fmt: skip
def test_every_kind_of_event_is_told_with_what_is_known_of_it(
    plane: InProcess,
    out: Listening,
    bucket: str,
    act: Callable[[Any, str], None],
    events: list[str],
    members: set[str],
    told: list[str],
) -> None:
    client = plane.client("s3")
    client.put_object(Bucket=bucket, Key="source", Body=b"body")
    client.put_object(Bucket=bucket, Key="archived", Body=b"body", StorageClass="GLACIER")
    notify(plane, bucket, EventBridgeConfiguration={})
    out.taken()
    act(client, bucket)
    found = out.taken()
    records = [record_of(delivery) for delivery in found if delivery.service == "sqs"]
    entries = [delivery.parameters["Entries"][0] for delivery in found if delivery.service == "events"]
    assert [record["eventName"] for record in records] == events
    assert {frozenset(record["s3"]["object"]) for record in records} == {frozenset(members)}
    assert [entry["DetailType"] for entry in entries] == told
    for record in records:
        later = record["eventName"].startswith(("ObjectTagging", "ObjectAcl"))
        assert record["eventVersion"] == ("2.3" if later else "2.1")
        assert ("glacierEventData" in record) == (record["eventName"] == "ObjectRestore:Completed")


def test_a_version_is_told_and_a_sequencer_that_grows(plane: InProcess, out: Listening, bucket: str) -> None:
    client = plane.client("s3")
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    notify(plane, bucket)
    out.taken()
    versions = [client.put_object(Bucket=bucket, Key="key", Body=b"x")["VersionId"] for _ in range(3)]
    objects = [record_of(delivery)["s3"]["object"] for delivery in out.taken()]
    assert [found["versionId"] for found in objects] == versions
    sequencers = [found["sequencer"] for found in objects]
    assert sequencers == sorted(set(sequencers))


def test_sequencers_grow_when_the_clock_stands_still_or_goes_back() -> None:
    sequencers = Sequencers()
    numbers = [sequencers.next(at) for at in (1.5, 1.5, 0.0, 1.5, 2.0)]
    assert numbers == sorted(set(numbers))
    assert Sequencers().next(3.0) > numbers[-1]


def test_only_the_keys_that_the_configuration_names_are_told(plane: InProcess, out: Listening, bucket: str) -> None:
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]
    told = {"QueueArn": arn_of("sqs"), "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}}
    notify(plane, bucket, QueueConfigurations=[told])
    out.taken()
    client = plane.client("s3")
    for key in ("in/a.jpg", "in/a.png", "a.jpg"):
        client.put_object(Bucket=bucket, Key=key, Body=b"")
    client.delete_object(Bucket=bucket, Key="in/a.jpg")
    assert record_of(only(out.taken()))["s3"]["object"]["key"] == "in/a.jpg"


def test_moto_itself_delivers_nothing(plane: InProcess, out: Listening, bucket: str) -> None:
    sqs, sns = plane.client("sqs"), plane.client("sns")
    url, behind = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("destination", "behind-the-topic"))
    topic = sns.create_topic(Name="destination")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn_of("sqs", "behind-the-topic"))
    notify(plane, bucket, TopicConfigurations=[{"TopicArn": topic, "Events": ALL}])
    plane.client("s3").put_object(Bucket=bucket, Key="key", Body=b"")
    assert len(out.taken()) == 4
    for queue in (url, behind):
        assert "Messages" not in sqs.receive_message(QueueUrl=queue)


def test_whoever_makes_the_deliveries_has_them_arrive(plane: InProcess, out: Listening, bucket: str) -> None:
    sqs, topic = plane.client("sqs"), plane.client("sns").create_topic(Name="made")["TopicArn"]
    url = sqs.create_queue(QueueName="made")["QueueUrl"]
    notify(
        plane,
        bucket,
        QueueConfigurations=[{"QueueArn": arn_of("sqs", "made"), "Events": ALL}],
        TopicConfigurations=[{"TopicArn": topic, "Events": ALL}],
        EventBridgeConfiguration={},
    )
    out.taken()
    plane.client("s3").put_object(Bucket=bucket, Key="key", Body=b"")
    queued, published, put = out.taken()
    sqs.send_message(**queued.parameters)
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == queued.parameters["MessageBody"]
    assert plane.client("sns").publish(**published.parameters)["MessageId"]
    actor = service_principal(put.service_principal, put.source_account, put.source_arn)  # nobody else may
    made = plane.run(plane.node.calls.make(ServiceCall(actor, "events", "PutEvents", put.parameters, "us-east-1")))
    assert made["FailedEntryCount"] == 0


def test_calls_at_the_same_time_have_each_their_own_deliveries(plane: InProcess, out: Listening, bucket: str) -> None:
    notify(plane, bucket)
    out.taken()
    puts = [plane.request("s3", "put_object", Bucket=bucket, Key=f"key-{n}", Body=b"") for n in range(20)]

    async def together() -> None:
        await asyncio.gather(*(exchange(plane.node.gateway, put) for put in puts))

    plane.run(together())
    told = [only(list(carried.deliveries)) for carried in out.carried]
    assert {record_of(delivery)["s3"]["object"]["key"] for delivery in told} == {f"key-{n}" for n in range(20)}
    requests = [record_of(delivery)["responseElements"]["x-amz-request-id"] for delivery in told]
    assert len(set(requests)) == 20
    out.taken()


def test_a_call_that_fails_causes_nothing(plane: InProcess, out: Listening, bucket: str) -> None:
    notify(plane, bucket)
    out.taken()
    client = plane.client("s3")
    client.put_object(Bucket=bucket, Key="key", Body=b"")
    assert len(out.taken()) == 1
    assert refusal(client.put_object, Bucket=bucket, Key="key", Body=b"", IfNoneMatch="*")[1] == 412
    assert refusal(client.put_object_tagging, Bucket=bucket, Key="none", Tagging=TAGS)[1] == 404
    assert out.taken() == []


def test_what_is_delivered_outside_of_any_call_is_dropped_and_logged(
    plane: InProcess, out: Listening, bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    notify(plane, bucket)
    out.taken()
    with caplog.at_level(logging.WARNING, "locum.backends"):
        s3_backends[HERE]["aws"].put_object(bucket, "key", b"")
    assert f"arn:aws:s3:::{bucket} delivers something outside of any call" in caplog.text
    assert out.taken() == []


# -- destinations --------------------------------------------------------------------------------------------


def test_a_destination_is_tried_before_it_is_taken(plane: InProcess, out: Listening, bucket: str) -> None:
    out.taken()
    topic, function = arn_of("sns"), arn_of("lambda")
    notify(
        plane,
        bucket,
        TopicConfigurations=[{"TopicArn": topic, "Events": ALL[:1]}, {"TopicArn": topic, "Events": ALL[1:2]}],
        LambdaFunctionConfigurations=[{"LambdaFunctionArn": function, "Events": ALL}],
    )
    queued, published, invoked = out.taken()
    assert all(delivery.required for delivery in (queued, published, invoked))
    test = json.loads(queued.parameters["MessageBody"])
    assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", bucket)
    assert set(test) == {"Service", "Event", "Time", "Bucket", "RequestId", "HostId"}
    assert json.loads(published.parameters["Message"])["Event"] == "s3:TestEvent"
    assert (invoked.operation, invoked.parameters["InvocationType"]) == ("Invoke", "DryRun")


def test_a_configuration_whose_destination_cannot_be_told_is_taken_back(
    plane: InProcess, out: Listening, bucket: str
) -> None:
    client = plane.client("s3")
    notify(plane, bucket)
    before = client.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    out.taken()
    notify(plane, bucket, QueueConfigurations=[{"QueueArn": arn_of("sqs", "other"), "Events": ALL}])
    (carried,) = out.carried
    assert carried.undo is not None
    carried.undo()
    assert client.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"] == before
    out.taken()


def test_who_skips_the_validation_has_no_destination_tried(plane: InProcess, out: Listening, bucket: str) -> None:
    out.taken()
    plane.client("s3").put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn_of("sqs"), "Events": ALL}]},
        SkipDestinationValidation=True,
    )
    assert out.taken() == []


@pytest.mark.parametrize(
    ("arn", "code"),
    [("arn:aws:sqs:us-east-1", "InvalidArgument"), (arn_of("sqs", region="eu-west-1"), "InvalidArgument")],
)
def test_a_destination_that_cannot_be_leaves_the_configuration_as_it_was(
    plane: InProcess, out: Listening, bucket: str, arn: str, code: str
) -> None:
    client = plane.client("s3")
    notify(plane, bucket)
    before = client.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
    told = {"QueueConfigurations": [{"QueueArn": arn, "Events": ALL}]}
    out.taken()
    refused = refusal(client.put_bucket_notification_configuration, Bucket=bucket, NotificationConfiguration=told)
    assert refused[:2] == (code, 400)
    assert out.taken() == []
    assert client.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"] == before
