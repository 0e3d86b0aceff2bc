"""What a record hides of a call is in no text about it: errors, explanations, headers, log lines, the outbox."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from locum.audit import readable
from locum.audit.record import decode
from locum.backends import BackendCall
from locum.cli.commands.explain import lines
from locum.core.http import HttpRequest, HttpResponse
from locum.store import AuditQuery
from locum.wire.redact import HIDDEN
from support.backends import behind
from support.deliveries import Queue, service
from support.inprocess import InProcess, exchange

MARKER = 'h1dd3n-"Välue" & <more>/'
FORMS = {MARKER, json.dumps(MARKER)[1:-1], quote(MARKER), base64.b64encode(MARKER.encode()).decode(), MARKER[3:18]}
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("sqs", "send_message", {"QueueUrl": "http://h/000000000000/q", "MessageBody": MARKER}),
    ("sns", "publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Message": MARKER, "Subject": MARKER}),
    ("dynamodb", "put_item", {"TableName": "t", "Item": {"k": {"S": MARKER}, MARKER: {"SS": [MARKER]}}}),
    ("dynamodb", "get_item", {"TableName": "t", "Key": {"k": {"S": MARKER}}}),
    ("dynamodb", "execute_statement", {"Statement": f"SELECT * FROM t WHERE k = '{MARKER}'"}),
    ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": MARKER.encode(), "Tagging": f"t={quote(MARKER)}"}),
    ("kinesis", "put_record", {"StreamName": "s", "Data": MARKER.encode(), "PartitionKey": MARKER}),
    ("events", "put_events", {"Entries": [{"Source": MARKER, "DetailType": MARKER, "Detail": MARKER}]}),
    ("secretsmanager", "create_secret", {"Name": "s", "SecretString": MARKER}),
    ("ssm", "put_parameter", {"Name": "p", "Value": MARKER, "Type": "String"}),
    ("lambda", "create_function", {"FunctionName": "f", "Role": "arn:aws:iam::000000000000:role/withheld",
                                   "Handler": "h", "Code": {"ZipFile": MARKER.encode()},
                                   "Environment": {"Variables": {"V": MARKER}}}),
    ("ecs", "register_task_definition", {"family": "f", "containerDefinitions": [
        {"name": "c", "image": "i", "environment": [{"name": MARKER, "value": MARKER}], "command": [MARKER]}]}),
    ("rds", "create_db_instance", {"DBInstanceIdentifier": "d", "DBInstanceClass": "c", "Engine": "mysql",
                                   "MasterUserPassword": MARKER}),
    ("stepfunctions", "start_execution", {"stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:m",
                                          "input": MARKER}),
    ("logs", "put_log_events", {"logGroupName": "g", "logStreamName": "s", "logEvents": [
        {"timestamp": 1, "message": MARKER}]}),
]  # fmt: skip


def quoted() -> str:
    return " ".join(f"Value '{form}' failed to satisfy constraint." for form in sorted(FORMS))


def refused_with_everything(_call: BackendCall) -> HttpResponse:
    """A backend that quotes all of a call in its error."""
    body = {"__type": "ValidationException", "message": quoted(), "Error": {"Code": "x", "Message": quoted()}}
    return HttpResponse(400, [("content-type", "application/json")], json.dumps(body).encode())


def breaks(_call: BackendCall) -> HttpResponse:
    raise RuntimeError(f"the cause is within: {quoted()}")


def everything(plane: InProcess) -> str:
    """All that is stored: the files as they are, all records, and what `locum explain` says about them."""
    plane.run(plane.node.ledger.flush())
    files = [path.read_bytes().decode("latin-1") for path in plane.node.directory.path.glob("locum.db*")]
    records = [decode(row.data) for row in plane.node.journal.find(AuditQuery(limit=100_000))]
    told = ["\n".join(lines(readable(record))) for record in records]
    return "\n".join([*files, *(json.dumps(readable(record), ensure_ascii=False) for record in records), *told])


def leaked(text: str) -> list[str]:
    """The forms of the marker that are in `text`, as they are, escaped, or as octets of a file."""
    return [
        form
        for form in FORMS
        if any(each in text for each in (form, json.dumps(form)[1:-1], form.encode().decode("latin-1")))
    ]


def allow(action: str, **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition}


@pytest.fixture(scope="module", autouse=True)
def _role(plane: InProcess) -> None:
    """The role of the function in CALLS, which Lambda may assume."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    with suppress(ClientError):  # where tests of another worker's order made it before
        plane.client("iam").create_role(RoleName="withheld", AssumeRolePolicyDocument=document)


@pytest.mark.parametrize(("service", "operation", "parameters"), CALLS)
def test_no_error_of_a_backend_takes_into_the_record_what_that_hides(
    plane: InProcess, service: str, operation: str, parameters: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    request = plane.request(service, operation, **parameters)
    for act in (refused_with_everything, breaks):
        with behind(plane, service, act):
            assert plane.run(exchange(plane.node.gateway, request)).status >= 400
    stored = everything(plane)
    assert leaked(stored) == []
    assert leaked(caplog.text) == []
    assert "RuntimeError" in caplog.text
    assert HIDDEN in stored


def test_no_explanation_of_a_denial_tells_the_content_that_it_was_decided_by(plane: InProcess) -> None:
    keys = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}}
    key = plane.user("dynamic", allow("dynamodb:*", **keys))
    with pytest.raises(ClientError):
        plane.client("dynamodb", key).get_item(TableName="t", Key={"k": {"S": MARKER}})
    record = plane.records(1)[0]
    assert (record.verdict, record.resources[0].name) == ("implicit-deny", "table/t")
    assert "LeadingKeys" in json.dumps(record.explanation)
    assert leaked(everything(plane)) == []


def test_no_request_that_was_not_read_leaves_its_content(plane: InProcess) -> None:
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.PutItem", "host": "h"}
    body = json.dumps({"Item": MARKER}).encode()
    unsigned = HttpRequest("POST", "/", f"x={quote(MARKER)}", {**headers, "x-amz-meta-a": MARKER}, body)
    assert plane.send(unsigned).status >= 400
    signed = plane.request("dynamodb", "put_item", TableName="t", Item={"k": {"S": MARKER}})
    assert plane.send(replace(signed, body=signed.body.replace(b"Item", b"item"))).status >= 400
    assert leaked(everything(plane)) == []


@pytest.mark.parametrize("header", ["referer", "user-agent"])
def test_no_signature_or_token_is_kept_with_the_url_in_a_header(plane: InProcess, header: str) -> None:
    query = "X-Amz-Credential=AKIA%2F20261128&X-Amz-Signature=abcdef0123456789&X-Amz-Security-Token=secrettoken&x=1"
    request = plane.request("sqs", "list_queues")
    plane.send(replace(request, headers={**request.headers, header: f"https://b.s3.amazonaws.com/k?{query}"}))
    record = plane.records(1)[0]
    told = record.referer if header == "referer" else record.user_agent
    assert told.startswith("https://b.s3.amazonaws.com/k?")
    assert "x=1" in told
    assert not {"abcdef0123456789", "secrettoken"} & set(told.replace("=", "&").split("&"))


def test_a_url_is_recorded_without_its_query(plane: InProcess) -> None:
    url = "https://user:pass@b.s3.amazonaws.com/t.json?X-Amz-Signature=abcdef0123456789"
    with pytest.raises(ClientError):
        plane.client("cloudformation").create_stack(StackName="s", TemplateURL=url)
    made = next(record for record in plane.records(5) if record.operation == "CreateStack")
    assert made.parameters["templateURL"] == "https://b.s3.amazonaws.com/t.json"
    assert "abcdef0123456789" not in everything(plane)


def test_what_a_service_sends_is_not_in_the_files_in_clear(plane: InProcess) -> None:
    arn = "arn:aws:sns:us-east-1:000000000000:withheld"
    queue = Queue(plane, "for-withheld", service("sns.amazonaws.com", ArnEquals={"aws:SourceArn": arn}))
    sns = plane.client("sns")
    sns.create_topic(Name="withheld")
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue.arn)
    sns.publish(TopicArn=arn, Message=MARKER)
    assert leaked(everything(plane)) == []
    assert [body["Message"] for body in queue.received()] == [MARKER]
    assert leaked(everything(plane)) == []
