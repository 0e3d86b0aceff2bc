"""Trails deliver their events: in AWS's files, in order, each once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import document, fresh, refused, trusting
from support.trails import ACCOUNT, Deliveries, names, writable


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test, which has its event history alone."""
    running = InProcess(tmp_path)
    yield running
    running.close()


def test_events_are_delivered_in_files_with_awss_names(plane: InProcess) -> None:
    trail = Deliveries(plane, S3KeyPrefix="logs")
    plane.client("iam").create_user(UserName="sam")
    events = trail.deliver()
    (key,) = trail.keys()
    folder = rf"logs/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/\d{{4}}/\d\d/\d\d"
    name = rf"{ACCOUNT}_CloudTrail_us-east-1_\d{{8}}T\d{{4}}Z_\w{{16}}\.json\.gz"
    assert re.fullmatch(f"{folder}/{name}", key)
    assert names(events) == ["StartLogging", "CreateUser"]
    (made,) = [event for event in events if event["eventName"] == "CreateUser"]
    assert (made["requestParameters"], made["userIdentity"]["type"]) == ({"userName": "sam"}, "Root")
    told = trail.s3.head_object(Bucket=trail.bucket, Key=key)
    assert (told["ContentType"], told["ContentEncoding"]) == ("application/json", "gzip")


def test_what_happened_before_it_logged_and_after_is_not_delivered(plane: InProcess) -> None:
    iam, trail = plane.client("iam"), Deliveries(plane, logging=False)
    iam.create_user(UserName="before")
    trail.cloudtrail.start_logging(Name=trail.name)
    iam.create_user(UserName="during")
    trail.cloudtrail.stop_logging(Name=trail.name)
    iam.create_user(UserName="after")
    made = [event["requestParameters"]["userName"] for event in trail.deliver() if event["eventName"] == "CreateUser"]
    assert made == ["during"]
    assert trail.status()["IsLogging"] is False


def test_each_event_is_delivered_once_over_many_deliveries(plane: InProcess) -> None:
    iam, trail = plane.client("iam"), Deliveries(plane)
    for number in range(4):
        iam.create_user(UserName=f"u{number}")
        trail.pass_time(16)
    made = [event["requestParameters"]["userName"] for event in trail.events() if event["eventName"] == "CreateUser"]
    assert sorted(made) == ["u0", "u1", "u2", "u3"]
    assert len(trail.keys()) == 4
    assert len({event["eventID"] for event in trail.events()}) == len(trail.events())


def test_a_delivery_that_fails_is_made_again_with_what_came_meanwhile(plane: InProcess) -> None:
    iam, trail = plane.client("iam"), Deliveries(plane)
    trail.s3.delete_bucket_policy(Bucket=trail.bucket)
    iam.create_user(UserName="one")
    trail.pass_time(16)
    assert trail.events() == []
    told = trail.status()
    assert told["LatestDeliveryError"] == "AccessDenied"
    assert "LatestDeliveryTime" not in told
    iam.create_user(UserName="two")
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=writable(trail.bucket))
    trail.pass_time(16)
    trail.pass_time(16)
    made = [event["requestParameters"]["userName"] for event in trail.events() if event["eventName"] == "CreateUser"]
    assert sorted(made) == ["one", "two"]
    told = trail.status()
    assert "LatestDeliveryError" not in told
    assert told["LatestDeliveryTime"]


def test_attack_a_restart_between_the_file_and_its_record_delivers_nothing_twice(plane: InProcess) -> None:
    """The files of a batch have the same names and contents when they are written again."""
    iam, trail = plane.client("iam"), Deliveries(plane)
    iam.create_user(UserName="one")
    runtime = plane.node.runtime
    transact = runtime.ledger.transact
    written = 0

    async def lost(handler: Any, audit: Any, call_id: str = "") -> Any:
        nonlocal written
        written += 1
        if written >= 2:  # the first is the batch, the second that it was delivered
            raise OSError("killed")
        return await transact(handler, audit, call_id)

    runtime.ledger.transact = lost  # type: ignore[method-assign]
    with pytest.raises(OSError, match="killed"):
        trail.pass_time(16)
    (key,) = trail.keys()
    before = trail.read(key)
    runtime.ledger.transact = transact  # type: ignore[method-assign]
    iam.create_user(UserName="two")
    trail.pass_time(1)
    assert trail.keys() == [key]
    assert trail.read(key) == before
    made = [event["requestParameters"]["userName"] for event in trail.deliver() if event["eventName"] == "CreateUser"]
    assert sorted(made) == ["one", "two"]


def test_basic_selectors_choose_writes_and_the_objects_of_a_bucket(plane: InProcess) -> None:
    trail, data = Deliveries(plane), fresh("data")
    trail.s3.create_bucket(Bucket=data)
    trail.cloudtrail.put_event_selectors(
        TrailName=trail.name,
        EventSelectors=[
            {"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True},
            {
                "ReadWriteType": "ReadOnly",
                "IncludeManagementEvents": False,
                "DataResources": [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{data}/in/"]}],
            },
        ],
    )
    plane.client("iam").list_users()
    plane.client("iam").create_user(UserName="sam")
    for key in ("in/a", "out/b"):
        trail.s3.put_object(Bucket=data, Key=key, Body=b"x")
        trail.s3.get_object(Bucket=data, Key=key)
    events = [event for event in trail.deliver() if event["eventName"] != "StartLogging"]
    assert names(events) == ["CreateBucket", "PutEventSelectors", "CreateUser", "GetObject"]
    (read,) = [event for event in events if event["eventName"] == "GetObject"]
    assert read["requestParameters"]["key"] == "in/a"


def test_advanced_selectors_choose_by_name_and_resource(plane: InProcess) -> None:
    trail, data = Deliveries(plane), fresh("data")
    trail.s3.create_bucket(Bucket=data)
    trail.select({"eventCategory": ["Data"], "resources.type": ["AWS::S3::Object"], "eventName": ["PutObject"]})
    trail.s3.put_object(Bucket=data, Key="a", Body=b"x")
    trail.s3.get_object(Bucket=data, Key="a")
    own = [event for event in trail.deliver() if event["requestParameters"]["bucketName"] == data]
    assert names(own) == ["PutObject"]


def test_a_trail_of_one_region_has_its_events_and_one_of_all_has_everyones(plane: InProcess) -> None:
    one = Deliveries(plane)
    every = Deliveries(plane, IsMultiRegionTrail=True)
    plane.client("sqs", region="eu-west-1").create_queue(QueueName=fresh("q"))
    assert "CreateQueue" not in names(one.deliver())
    assert "CreateQueue" in names(every.events())
    assert {key.split("/")[3] for key in every.keys("CloudTrail")} == {"us-east-1", "eu-west-1"}


def test_a_topic_is_told_of_each_log_file(plane: InProcess) -> None:
    name = fresh("notice")
    sns, sqs = plane.client("sns"), plane.client("sqs")
    topic, queue = f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}", f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    sns.create_topic(Name=name)
    source = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    sns.set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=document({**source, "Action": "sns:Publish", "Resource": topic}),
    )
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    topics = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "*", "Resource": queue}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(topics)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    trail = Deliveries(plane, SnsTopicName=name)
    plane.client("iam").create_user(UserName="sam")
    trail.deliver()
    plane.carry_out()
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {"s3Bucket": trail.bucket, "s3ObjectKey": trail.keys()}
    assert trail.status()["LatestNotificationTime"]


def test_events_are_sent_to_a_log_group_in_the_role_of_the_trail(plane: InProcess) -> None:
    name = fresh("group")
    logs, iam = plane.client("logs"), plane.client("iam")
    logs.create_log_group(logGroupName=name)
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}:*"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(Service="cloudtrail.amazonaws.com"))
    allow = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": group}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(allow))
    trail = Deliveries(plane, CloudWatchLogsLogGroupArn=group, CloudWatchLogsRoleArn=role["Role"]["Arn"])
    iam.create_user(UserName="sam")
    trail.deliver()
    stream = f"{ACCOUNT}_CloudTrail_us-east-1"
    found = logs.get_log_events(logGroupName=name, logStreamName=stream)["events"]
    assert "CreateUser" in [json.loads(event["message"])["eventName"] for event in found]
    assert trail.status()["LatestCloudWatchLogsDeliveryTime"]
    iam.delete_role_policy(RoleName=name, PolicyName="own")
    iam.create_user(UserName="kim")
    assert "kim" in json.dumps(trail.deliver())
    assert trail.status()["LatestCloudWatchLogsDeliveryError"] == "AccessDeniedException"


def test_files_are_encrypted_under_the_key_of_the_trail(plane: InProcess) -> None:
    kms = plane.client("kms")
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    service = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Resource": "*"}
    context = {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"}}
    policy = document(
        own,
        {**service, "Action": "kms:DescribeKey"},
        {**service, "Action": "kms:GenerateDataKey*", "Condition": context},
    )
    key = kms.create_key(Policy=policy)["KeyMetadata"]["Arn"]
    trail = Deliveries(plane, KmsKeyId=key.rpartition("/")[2])
    assert trail.cloudtrail.get_trail(Name=trail.name)["Trail"]["KmsKeyId"] == key
    plane.client("iam").create_user(UserName="sam")
    assert "CreateUser" in names(trail.deliver())
    told = trail.s3.head_object(Bucket=trail.bucket, Key=trail.keys()[0])
    assert (told["ServerSideEncryption"], told["SSEKMSKeyId"]) == ("aws:kms", key)
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document(own))
    plane.client("iam").create_user(UserName="kim")
    trail.pass_time(16)
    assert trail.status()["LatestDeliveryError"]
    settings = {"S3BucketName": trail.bucket, "KmsKeyId": key}
    assert (
        refused(trail.cloudtrail.create_trail, Name=fresh("t"), **settings).code
        == "InsufficientEncryptionPolicyException"
    )


def test_attack_a_bucket_takes_files_of_the_trails_that_its_policy_names_alone(plane: InProcess) -> None:
    trail = Deliveries(plane)
    named = {"StringEquals": {"aws:SourceArn": trail.arn}}
    trail.s3.put_bucket_policy(Bucket=trail.bucket, Policy=writable(trail.bucket, named))
    refusal = refused(trail.cloudtrail.create_trail, Name=fresh("other"), S3BucketName=trail.bucket)
    assert (refusal.code, refusal.message) == (
        "InsufficientS3BucketPolicyException",
        f"Incorrect S3 bucket policy is detected for bucket: {trail.bucket}",
    )
    assert trail.cloudtrail.update_trail(Name=trail.name, S3BucketName=trail.bucket)["TrailARN"] == trail.arn
    away = plane.client("cloudtrail", plane.account("444455556666"))
    assert refused(away.create_trail, Name=trail.name, S3BucketName=trail.bucket).code == refusal.code
    refusal = refused(trail.cloudtrail.create_trail, Name=fresh("t"), S3BucketName="none-of-that-name")
    assert (refusal.code, refusal.message) == (
        "S3BucketDoesNotExistException",
        "S3 bucket none-of-that-name does not exist!",
    )


def test_attack_the_deliveries_of_a_trail_do_not_cause_one_another_at_once(plane: InProcess) -> None:
    trail = Deliveries(plane)
    trail.select({"eventCategory": ["Data"], "resources.type": ["AWS::S3::Object"]})
    trail.s3.put_object(Bucket=trail.bucket, Key="mine", Body=b"x")
    trail.pass_time(16)
    assert len(trail.keys()) == 1
    for _ in range(5):
        trail.pass_time(16)
    assert len(trail.keys()) == 1
    trail.pass_time(301)
    assert len(trail.keys()) == 2
