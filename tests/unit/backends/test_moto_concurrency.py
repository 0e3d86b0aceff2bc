"""Concurrent calls of the embedded backend: none fails for it, and none that waits keeps others waiting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest

from locum.backends.moto import access_points, turns
from support.inprocess import Answer, InProcess, exchange, refusal

ROUNDS = 25
ACCOUNT = "777788880000"
"""An account with nothing of other tests in it: moto's data is one a process."""


def sent(plane: InProcess, service: str, operation: str, **parameters: Any) -> Coroutine[Any, Any, Answer]:
    """The call, to be awaited among others."""
    return exchange(plane.node.gateway, plane.request(service, operation, **parameters))


def at_once(plane: InProcess, calls: list[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    async def gathered() -> list[Answer]:
        return await asyncio.gather(*calls)

    return plane.run(gathered())


TABLE = {
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
ITEM = {"k": {"S": "a"}}
STREAM = {"StreamName": "many"}
SECRET = {"SecretId": "many"}
DOCUMENT = json.dumps({"StartAt": "a", "States": {"a": {"Type": "Succeed"}}})
VPC = {"Filters": [{"Name": "cidr", "Values": ["10.77.0.0/16"]}]}

TRIED: dict[str, tuple[list[tuple[str, dict[str, Any]]], list[tuple[str, dict[str, Any]]]]] = {
    "s3": (
        [("create_bucket", {"Bucket": "many-at-once"})],
        [
            ("put_object", {"Bucket": "many-at-once", "Key": "k", "Body": b"x" * 1000}),
            ("get_object", {"Bucket": "many-at-once", "Key": "k"}),
            ("get_object", {"Bucket": "many-at-once", "Key": "k", "Range": "bytes=0-9"}),
            ("head_object", {"Bucket": "many-at-once", "Key": "k"}),
            ("copy_object", {"Bucket": "many-at-once", "Key": "k2", "CopySource": "many-at-once/k"}),
            ("get_object_attributes", {"Bucket": "many-at-once", "Key": "k", "ObjectAttributes": ["ETag"]}),
            ("list_objects_v2", {"Bucket": "many-at-once"}),
            (
                "put_object_tagging",
                {"Bucket": "many-at-once", "Key": "k", "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}},
            ),
            ("delete_object", {"Bucket": "many-at-once", "Key": "k"}),
        ],
    ),
    "dynamodb": (
        [("create_table", {"TableName": "many", **TABLE})],
        [
            ("put_item", {"TableName": "many", "Item": ITEM}),
            ("get_item", {"TableName": "many", "Key": ITEM}),
            ("scan", {"TableName": "many"}),
            ("delete_item", {"TableName": "many", "Key": ITEM}),
            ("tag_resource", {"ResourceArn": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/many", "Tags": []}),
            ("create_table", {"TableName": "again", **TABLE}),
            ("list_tables", {}),
            ("delete_table", {"TableName": "again"}),
        ],
    ),
    "sqs": (
        [("create_queue", {"QueueName": "many"})],
        [
            ("send_message", {"QueueUrl": f"http://127.0.0.1:4566/{ACCOUNT}/many", "MessageBody": "m"}),
            ("receive_message", {"QueueUrl": f"http://127.0.0.1:4566/{ACCOUNT}/many"}),
            ("purge_queue", {"QueueUrl": f"http://127.0.0.1:4566/{ACCOUNT}/many"}),
            ("create_queue", {"QueueName": "again"}),
            ("list_queues", {}),
            ("delete_queue", {"QueueUrl": f"http://127.0.0.1:4566/{ACCOUNT}/again"}),
        ],
    ),
    "sns": (
        [("create_topic", {"Name": "many"})],
        [
            ("publish", {"TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:many", "Message": "m"}),
            ("create_topic", {"Name": "again"}),
            ("list_topics", {}),
            ("delete_topic", {"TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:again"}),
        ],
    ),
    "kinesis": (
        [("create_stream", {**STREAM, "ShardCount": 1})],
        [
            ("put_record", {**STREAM, "Data": b"d", "PartitionKey": "p"}),
            ("describe_stream", STREAM),
            ("create_stream", {"StreamName": "again", "ShardCount": 1}),
            ("list_streams", {}),
            ("delete_stream", {"StreamName": "again"}),
        ],
    ),
    "secretsmanager": (
        [("create_secret", {"Name": "many", "SecretString": "s"})],
        [
            ("put_secret_value", {**SECRET, "SecretString": "t"}),
            ("get_secret_value", SECRET),
            ("create_secret", {"Name": "again", "SecretString": "s"}),
            ("list_secrets", {}),
            ("delete_secret", {"SecretId": "again", "ForceDeleteWithoutRecovery": True}),
        ],
    ),
    "ssm": (
        [],
        [
            ("put_parameter", {"Name": "/many/a", "Value": "v", "Type": "String", "Overwrite": True}),
            ("get_parameter", {"Name": "/many/a"}),
            ("get_parameters_by_path", {"Path": "/many"}),
            ("describe_parameters", {}),
            ("delete_parameter", {"Name": "/many/a"}),
        ],
    ),
    "kms": ([], [("create_key", {}), ("list_keys", {}), ("list_aliases", {})]),
    "logs": (
        [],
        [
            ("create_log_group", {"logGroupName": "many"}),
            ("create_log_stream", {"logGroupName": "many", "logStreamName": "s"}),
            (
                "put_log_events",
                {"logGroupName": "many", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]},
            ),
            ("filter_log_events", {"logGroupName": "many"}),
            ("describe_log_groups", {}),
            ("delete_log_group", {"logGroupName": "many"}),
        ],
    ),
    "events": (
        [],
        [
            ("put_rule", {"Name": "many", "ScheduleExpression": "rate(1 minute)"}),
            ("put_events", {"Entries": [{"Source": "s", "DetailType": "t", "Detail": "{}"}]}),
            ("list_rules", {}),
            ("delete_rule", {"Name": "many"}),
        ],
    ),
    "ec2": (
        [],
        [
            ("create_vpc", {"CidrBlock": "10.77.0.0/16"}),
            ("describe_vpcs", VPC),
            ("create_security_group", {"GroupName": "many", "Description": "d"}),
            ("describe_security_groups", {}),
            ("delete_security_group", {"GroupName": "many"}),
        ],
    ),
    "cloudwatch": (
        [],
        [
            ("put_metric_data", {"Namespace": "many", "MetricData": [{"MetricName": "m", "Value": 1.0}]}),
            ("list_metrics", {}),
        ],
    ),
    "ecr": (
        [],
        [
            ("create_repository", {"repositoryName": "many"}),
            ("describe_repositories", {}),
            ("delete_repository", {"repositoryName": "many"}),
        ],
    ),
    "ecs": (
        [],
        [("create_cluster", {"clusterName": "many"}), ("list_clusters", {}), ("delete_cluster", {"cluster": "many"})],
    ),
    "route53": (
        [],
        [("create_hosted_zone", {"Name": "many.", "CallerReference": "r"}), ("list_hosted_zones", {})],
    ),
    "glue": (
        [],
        [
            ("create_database", {"DatabaseInput": {"Name": "many"}}),
            ("get_databases", {}),
            ("delete_database", {"Name": "many"}),
        ],
    ),
    "athena": ([], [("create_work_group", {"Name": "many"}), ("list_work_groups", {})]),
    "resourcegroupstaggingapi": ([], [("get_resources", {})]),
}
"""By service: what is there before, and the calls that are made again and again at the same time."""


def test_concurrent_calls_of_every_service_fail_for_no_reason_of_their_own(plane: InProcess) -> None:
    key = plane.account(ACCOUNT)
    for service, (before, _) in TRIED.items():
        for operation, parameters in before:
            getattr(plane.client(service, key), operation)(**parameters)
    requests = [
        plane.request(service, operation, key, **parameters)
        for service, (_, calls) in TRIED.items()
        for operation, parameters in calls
    ]
    for _ in range(ROUNDS // 5):
        answers = at_once(plane, [exchange(plane.node.gateway, request) for request in requests * 5])
        failed = [(a.status, a.body) for a in answers if a.status >= 500 or b"InternalFailure" in a.body]
        assert not failed


def test_readers_of_an_object_that_is_replaced_get_one_of_its_contents(plane: InProcess) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="replaced")
    contents = [bytes([n]) * 50_000 for n in range(8)]
    s3.put_object(Bucket="replaced", Key="k", Body=contents[0])
    puts = [plane.request("s3", "put_object", Bucket="replaced", Key="k", Body=content) for content in contents]
    get = plane.request("s3", "get_object", Bucket="replaced", Key="k")
    part = plane.request("s3", "get_object", Bucket="replaced", Key="k", Range="bytes=1-")
    for _ in range(ROUNDS):
        calls = [request for put in puts for request in (put, get, part)]
        answers = at_once(plane, [exchange(plane.node.gateway, request) for request in calls])
        assert {answer.status for answer in answers} == {200, 206}
        assert all(a.body in contents for a in answers[1::3])
        assert all(a.body + a.body[:1] in contents for a in answers[2::3])


@pytest.mark.parametrize("own", [True, False], ids=["of the call", "of the queue"])
def test_consumers_that_wait_for_messages_keep_nobody_waiting(plane: InProcess, *, own: bool) -> None:
    sqs = plane.client("sqs")
    name = f"waited-for-{own}"
    url = sqs.create_queue(QueueName=name, Attributes={} if own else {"ReceiveMessageWaitTimeSeconds": "20"})[
        "QueueUrl"
    ]
    waiting = {"QueueUrl": url, **({"WaitTimeSeconds": 20} if own else {})}
    consumers = 20

    async def told() -> list[Answer]:
        polls = [asyncio.create_task(sent(plane, "sqs", "receive_message", **waiting)) for _ in range(consumers)]
        other = await sent(plane, "ecs", "list_clusters")
        assert other.status == 200
        assert not any(poll.done() for poll in polls)
        for number in range(consumers):
            assert (await sent(plane, "sqs", "send_message", QueueUrl=url, MessageBody=f"m{number}")).status == 200
        return await asyncio.gather(*polls)

    answers = plane.run(told())
    bodies = {message["Body"] for answer in answers for message in json.loads(answer.body)["Messages"]}
    assert bodies == {f"m{number}" for number in range(consumers)}


def test_a_wait_that_sqs_does_not_have_is_refused_at_once(plane: InProcess) -> None:
    url = plane.client("sqs").create_queue(QueueName="never-so-long")["QueueUrl"]
    answer = plane.run(sent(plane, "sqs", "receive_message", QueueUrl=url, WaitTimeSeconds=21))
    assert (answer.status, b"WaitTimeSeconds" in answer.body) == (400, True)


def test_a_bucket_is_deleted_in_one_turn_with_the_look_at_its_access_points(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, looked = "deleted-in-turn", []
    plane.client("s3").create_bucket(Bucket=bucket)
    plane.client("s3control").create_access_point(AccountId="0" * 12, Name="in-turn", Bucket=bucket)
    bucket_of = access_points.bucket_of

    def look(point: Any) -> Any:
        looked.append(turns._turn.locked())
        return bucket_of(point)

    monkeypatch.setattr(access_points, "bucket_of", look)
    assert refusal(plane.client("s3").delete_bucket, Bucket=bucket)[:2] == ("BucketHasAccessPointsAttached", 400)
    assert looked
    assert all(looked)
