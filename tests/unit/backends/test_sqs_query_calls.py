"""SQS in the query protocol, which it had before JSON, and which older clients still send."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from conformance.test_wire_requests import Maker
from locum import wire
from locum.backends import translate
from locum.core.http import HttpRequest
from locum.wire.models import service_model
from support.inprocess import ENDPOINT, REGION, InProcess, arrived

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OPERATIONS = service_model("sqs").operation_names


def send(plane: InProcess, form: str, path: str = "/") -> ET.Element:
    """The answer to `form`, sent as root as an older SDK sends it, without namespaces."""
    request = AWSRequest("POST", ENDPOINT + path, FORM, f"{form}&Version=2012-11-05")
    SigV4Auth(Credentials(plane.root.access_key_id, plane.root.secret_access_key), "sqs", REGION).add_auth(request)
    answer = plane.send(arrived(request.prepare()))
    assert answer.status == 200, answer.body
    root = ET.fromstring(answer.body)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def pairs(root: ET.Element, tag: str, key: str = "Name") -> dict[Any, Any]:
    return {entry.findtext(key): entry.findtext("Value") for entry in root.iter(tag)}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_read_from_its_restatement(name: str) -> None:
    operation = service_model("sqs").operation_model(name)
    given = Maker(name, "query").structure(operation.input_shape)
    said = translate.restated(operation, "query", given)
    request = HttpRequest(said.method, said.path, said.query, {**said.headers, "host": "localhost"}, said.body)
    codec = wire.resolve(request, "sqs")
    assert (codec.operation, codec.protocol) == (name, "query")
    assert codec.parse(request, request.body) == given


def test_attributes_and_tags_of_a_queue_arrive(plane: InProcess) -> None:
    send(
        plane,
        "Action=CreateQueue&QueueName=older&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=77"
        "&Attribute.2.Name=DelaySeconds&Attribute.2.Value=1&Tag.1.Key=team&Tag.1.Value=a",
    )
    path = "/000000000000/older"
    asked = send(plane, "Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout&AttributeName.2=QueueArn", path)
    assert pairs(asked, "Attribute") == {
        "VisibilityTimeout": "77",
        "QueueArn": f"arn:aws:sqs:{REGION}:000000000000:older",
    }
    assert pairs(send(plane, "Action=ListQueueTags", path), "Tag", "Key") == {"team": "a"}
    queues = plane.client("sqs")
    url = queues.get_queue_url(QueueName="older")["QueueUrl"]
    assert queues.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])["Attributes"] == {
        "DelaySeconds": "1"
    }


def test_a_batch_of_messages_arrives_with_its_attributes(plane: InProcess) -> None:
    send(plane, "Action=CreateQueue&QueueName=batches")
    path, entry = "/000000000000/batches", "SendMessageBatchRequestEntry.1"
    sent = send(
        plane,
        f"Action=SendMessageBatch&{entry}.Id=first&{entry}.MessageBody=hello&{entry}.MessageAttribute.1.Name=kind"
        f"&{entry}.MessageAttribute.1.Value.DataType=String&{entry}.MessageAttribute.1.Value.StringValue=greeting",
        path,
    )
    assert sent.findtext("SendMessageBatchResult/SendMessageBatchResultEntry/Id") == "first"
    received = send(plane, "Action=ReceiveMessage&MessageAttributeName.1=All", path)
    assert received.findtext("ReceiveMessageResult/Message/Body") == "hello"
    assert received.findtext("ReceiveMessageResult/Message/MessageAttribute/Name") == "kind"
    assert received.findtext("ReceiveMessageResult/Message/MessageAttribute/Value/StringValue") == "greeting"
