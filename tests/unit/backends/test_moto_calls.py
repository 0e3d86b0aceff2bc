"""Guarded calls carried out by moto: in the right account, and nothing that a client sends steers moto itself."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from locum.backends.directory import Directory, Instances
from locum.backends.moto import s3
from locum.backends.moto.embedded import EmbeddedMoto
from locum.core.http import HttpRequest
from locum.wire.models import service_model
from support.functions import package
from support.inprocess import ENDPOINT, InProcess, Key, refusal

AWAY = "444455556666"


@pytest.fixture(scope="module")
def away(plane: InProcess) -> Key:
    """The root user of another account."""
    return plane.account(AWAY)


def before_signing(client: Any, change: Callable[[Any], None]) -> Any:
    """`client`, whose requests are changed by who signs them."""
    client.meta.events.register("before-sign", lambda request, **_: change(request))
    return client


# -- accounts ------------------------------------------------------------------------------------------------


def test_queues_of_one_name_in_two_accounts_are_two_queues(plane: InProcess, away: Key) -> None:
    here, there = plane.client("sqs"), plane.client("sqs", away)
    ours, theirs = (client.create_queue(QueueName="same")["QueueUrl"] for client in (here, there))
    assert ours != theirs
    here.send_message(QueueUrl=ours, MessageBody="ours")
    assert "Messages" not in there.receive_message(QueueUrl=theirs)
    assert here.receive_message(QueueUrl=ours)["Messages"][0]["Body"] == "ours"


def test_tables_of_one_name_in_two_regions_are_two_tables(plane: InProcess) -> None:
    for region in ("us-east-1", "eu-west-1"):
        plane.client("dynamodb", region=region).create_table(
            TableName="regional",
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    plane.client("dynamodb").put_item(TableName="regional", Item={"k": {"S": "here"}})
    assert plane.client("dynamodb", region="eu-west-1").scan(TableName="regional")["Items"] == []
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/regional"
    assert plane.client("dynamodb", region="eu-west-1").scan(TableName=arn)["Count"] == 1


def test_a_bucket_of_another_account_is_served_from_its_owner(plane: InProcess, away: Key) -> None:
    owner = plane.client("s3", away)
    owner.create_bucket(Bucket="theirs")
    owner.put_object(Bucket="theirs", Key="key", Body=b"theirs")
    ours = plane.client("s3", plane.user("reader", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))
    assert refusal(ours.get_object, Bucket="theirs", Key="key")[:2] == ("AccessDenied", 403)
    statement = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "s3:GetObject",
                 "Resource": "arn:aws:s3:::theirs/*"}  # fmt: skip
    owner.put_bucket_policy(Bucket="theirs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert ours.get_object(Bucket="theirs", Key="key")["Body"].read() == b"theirs"
    assert ours.get_object(Bucket="theirs", Key="key", Range="bytes=1-3")["Body"].read() == b"hei"


def test_who_expects_another_owner_gets_nothing(plane: InProcess) -> None:
    client = plane.client("s3")
    client.create_bucket(Bucket="expected")
    client.put_object(Bucket="expected", Key="key", Body=b"body", ExpectedBucketOwner="000000000000")
    assert client.get_object(Bucket="expected", Key="key", ExpectedBucketOwner="000000000000")["ContentLength"] == 4
    for call in (client.get_object, client.get_object_tagging, client.delete_object):
        told = refusal(call, Bucket="expected", Key="key", ExpectedBucketOwner=AWAY)
        assert told == ("AccessDenied", 403, "Access Denied")


# -- what would steer moto -----------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["moto-api.amazonaws.com", "motoapi.amazonaws.com", "127.0.0.1:4566", "localhost"])
@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/data.json", "/moto-api/"])
def test_motos_own_api_is_out_of_reach_whatever_the_host(plane: InProcess, host: str, path: str) -> None:
    client = plane.client("s3")
    client.create_bucket(Bucket="survivor")
    answer = plane.send(HttpRequest("POST", path, "", {"host": host}))
    assert answer.status >= 400
    assert b"moto" not in answer.body.lower() or b"moto-api" in answer.body.lower()
    client.head_bucket(Bucket="survivor")


def test_motos_own_api_is_a_bucket_like_any_other_to_those_who_sign(plane: InProcess) -> None:
    client = plane.client("s3")
    client.create_bucket(Bucket="witness")
    assert refusal(client.get_object, Bucket="moto-api", Key="reset")[0] == "NoSuchBucket"
    assert refusal(client.put_object, Bucket="moto-api", Key="reset", Body=b"")[0] == "NoSuchBucket"
    client.head_bucket(Bucket="witness")


def test_a_client_cannot_choose_its_account(plane: InProcess) -> None:
    def claim(request: Any) -> None:
        request.headers["x-moto-account-id"] = AWAY

    client = before_signing(plane.client("sqs"), claim)
    assert "/000000000000/" in client.create_queue(QueueName="claimed")["QueueUrl"]


def test_neither_the_environment_can(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", AWAY)
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    EmbeddedMoto(Directory(lambda _arn: None, lambda _account: (), lambda _account: Instances(None, list)))
    assert "/000000000000/" in plane.client("sqs").create_queue(QueueName="environment")["QueueUrl"]


@pytest.mark.parametrize("host", ["sqs.eu-west-1.amazonaws.com", "eu-west-1.queue.amazonaws.com"])
def test_a_client_cannot_choose_another_region_than_it_signed_for(plane: InProcess, host: str) -> None:
    plane.client("sqs", region="eu-west-1").create_queue(QueueName="elsewhere")
    client = plane.client("sqs", endpoint_url=f"http://{host}", user_agent_extra="region/eu-west-1")
    for operation, params in ((client.get_queue_url, {"QueueName": "elsewhere"}), (client.list_queues, {})):
        told = refusal(operation, **params)
        assert told[1] == 400
        assert "Credential should be scoped to a valid region" in told[2]


def test_a_region_that_aws_does_not_have_is_no_region_here(plane: InProcess) -> None:
    told = refusal(plane.client("sqs", region="mars-1").create_queue, QueueName="q")
    assert told[1] == 403
    assert "valid region" in told[2]


def test_the_operation_is_the_one_that_was_decided_on(plane: InProcess) -> None:
    """A query string, a header and a body that name another operation are no more than that."""
    client = plane.client("sqs")
    url = client.create_queue(QueueName="kept")["QueueUrl"]

    def mislead(request: Any) -> None:
        request.url += "?Action=DeleteQueue&QueueUrl=" + url
        request.headers["Action"] = "DeleteQueue"

    sender = before_signing(plane.client("sqs"), mislead)
    sender.send_message(QueueUrl=url, MessageBody="&Action=DeleteQueue&")
    assert client.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "&Action=DeleteQueue&"


def test_the_table_is_the_one_that_was_decided_on(plane: InProcess) -> None:
    client = plane.client("dynamodb")
    for name in ("open", "closed"):
        client.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    client.put_item(TableName="open", Item={"k": {"S": "&TableName=closed&Action=DeleteTable&"}})
    assert client.scan(TableName="open")["Count"] == 1
    assert client.scan(TableName="closed")["Count"] == 0


@pytest.mark.parametrize(
    "url", ["{base}?x=/secret", "{base}#/secret", "{base}/", "{base}//", "HTTP{rest}", "//h/000000000000/public"]
)
def test_the_queue_is_the_one_that_was_decided_on(plane: InProcess, url: str) -> None:
    client = plane.client("sqs")
    base = client.create_queue(QueueName="public")["QueueUrl"]
    secret = client.create_queue(QueueName="secret")["QueueUrl"]
    named = url.format(base=base, rest=base.removeprefix("http"))
    try:
        client.send_message(QueueUrl=named, MessageBody=url)
    except client.exceptions.InvalidAddress:
        assert "secret" in named
    else:
        assert client.receive_message(QueueUrl=base)["Messages"][0]["Body"] == url
    assert "Messages" not in client.receive_message(QueueUrl=secret)


def test_a_queues_url_leads_back_to_the_gateway(plane: InProcess) -> None:
    url = plane.client("sqs", endpoint_url="http://locum.test:8080").create_queue(QueueName="led-back")["QueueUrl"]
    assert url == "http://locum.test:8080/000000000000/led-back"


@pytest.mark.parametrize(
    "operation", sorted(set(service_model("s3").operation_names) - s3.KNOWN - {"ListDirectoryBuckets", "CreateSession"})
)
def test_what_moto_would_take_for_another_call_on_the_bucket_or_object_is_not_implemented(
    plane: InProcess, operation: str
) -> None:
    client = plane.client("s3", parameter_validation=False)
    client.create_bucket(Bucket="untouched")
    client.put_object(Bucket="untouched", Key="key", Body=b"body")
    model = client.meta.service_model.operation_model(operation)
    told = refusal(lambda: client._make_api_call(operation, required(model)))
    assert told[:2] in {("NotImplemented", 501), ("501", 501)}
    assert client.get_object(Bucket="untouched", Key="key")["Body"].read() == b"body"


def required(model: Any) -> dict[str, Any]:
    """The least that the operation takes, about `untouched/key`."""
    values = {"Bucket": "untouched", "Key": "key", "RequestRoute": "r", "RequestToken": "t"}
    return {
        name: _least(model.input_shape.members[name], values.get(name)) for name in model.input_shape.required_members
    }


def _least(shape: Any, value: Any) -> Any:
    if value is not None:
        return value
    if shape.type_name == "structure":
        names = list(shape.members)[:1] if shape.is_tagged_union else shape.required_members
        return {name: _least(shape.members[name], None) for name in names}
    if shape.type_name == "list":
        return [_least(shape.member, None)]
    return {"string": (shape.enum or ["x"])[0] if shape.type_name == "string" else "", "blob": b"x",
            "timestamp": 1_790_000_000, "boolean": True}.get(shape.type_name, 1)  # fmt: skip


# -- bodies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json", ""]
)
@pytest.mark.parametrize("body", [b"key=evil&file=evil", b"\x00\xff", b'{"a": "&Action=x"}', b""])
def test_an_object_of_any_type_is_stored_as_it_was_sent(plane: InProcess, content_type: str, body: bytes) -> None:
    client = plane.client("s3")
    client.create_bucket(Bucket="bodies")
    client.put_object(Bucket="bodies", Key="key", Body=body, **({"ContentType": content_type} if content_type else {}))
    answer = client.get_object(Bucket="bodies", Key="key")
    assert answer["Body"].read() == body
    if content_type:
        assert answer["ContentType"] == content_type


def test_an_object_that_comes_in_chunks_is_stored_without_its_framing(plane: InProcess) -> None:
    client = plane.client("s3", endpoint_url=ENDPOINT.replace("http:", "https:"))
    client.create_bucket(Bucket="chunks")
    client.put_object(
        Bucket="chunks", Key="key", Body=io.BytesIO(b"streamed"), ContentEncoding="gzip", ChecksumAlgorithm="SHA256"
    )
    answer = client.get_object(Bucket="chunks", Key="key", ChecksumMode="ENABLED")
    assert answer["Body"].read() == b"streamed"
    assert answer["ContentEncoding"] == "gzip"
    assert answer["ChecksumSHA256"]


@pytest.mark.parametrize("key", ["a b", "a/b//c", "ünïcödé/✓", "per%25cent", "plus+", "?query", "..", "a/../b", "~._-"])
def test_an_object_of_any_name_is_found_again(plane: InProcess, key: str) -> None:
    client = plane.client("s3")
    client.create_bucket(Bucket="names")
    client.put_object(Bucket="names", Key=key, Body=key.encode())
    assert client.get_object(Bucket="names", Key=key)["Body"].read() == key.encode()
    assert client.get_object(Bucket="names", Key=key, Range="bytes=0-0")["Body"].read() == key.encode()[:1]
    assert key in [found["Key"] for found in client.list_objects_v2(Bucket="names")["Contents"]]
    client.delete_object(Bucket="names", Key=key)


def test_a_bucket_in_the_host_is_the_bucket_in_the_path(plane: InProcess) -> None:
    client = plane.client("s3", endpoint_url="http://s3.us-east-1.amazonaws.com", s3={"addressing_style": "virtual"})
    client.create_bucket(Bucket="virtual")
    client.put_object(Bucket="virtual", Key="a/b", Body=b"body")
    assert plane.client("s3").get_object(Bucket="virtual", Key="a/b")["Body"].read() == b"body"


# -- errors --------------------------------------------------------------------------------------------------


def test_motos_errors_are_aws_errors(plane: InProcess) -> None:
    assert refusal(plane.client("s3").get_object, Bucket="nowhere", Key="k")[:2] == ("NoSuchBucket", 404)
    assert refusal(plane.client("dynamodb").describe_table, TableName="nope")[0] == "ResourceNotFoundException"
    assert refusal(plane.client("lambda").get_function, FunctionName="nope")[:2] == ("ResourceNotFoundException", 404)
    assert refusal(plane.client("sns").get_topic_attributes, TopicArn="arn:aws:sns:us-east-1:000000000000:no")[:2] == (
        "NotFound",
        404,
    )


def test_a_service_without_a_backend_says_so(plane: InProcess) -> None:
    told = refusal(plane.client("detective").list_graphs)
    assert told[:2] == ("NotImplemented", 501)
    assert "detective:ListGraphs" in told[2]


def test_an_operation_that_moto_lacks_says_so(plane: InProcess) -> None:
    told = refusal(plane.client("ec2").describe_verified_access_groups)
    assert told[:2] == ("NotImplemented", 501)


# -- identity ------------------------------------------------------------------------------------------------


def create(client: Any, name: str, role: str) -> Any:
    return client.create_function(
        FunctionName=name, Runtime="python3.11", Handler="h.h", Role=role, Code={"ZipFile": package(h="")}
    )


def test_lambda_takes_a_role_that_exists_and_no_other(plane: InProcess) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = plane.client("iam").create_role(
        RoleName="runs", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    client = plane.client("lambda")
    assert create(client, "good", role)["Role"] == role
    told = refusal(create, client=client, name="bad", role=role.replace("runs", "gone"))
    assert told[:2] == ("InvalidParameterValueException", 400)
    plane.client("iam").delete_role(RoleName="runs")
    assert refusal(create, client=client, name="late", role=role)[0] == "InvalidParameterValueException"
