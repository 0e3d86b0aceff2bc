"""A marker in every string of every operation: which of them are in the record, and that no text quotes the others.

What may be recorded is listed in `support.recordable_members`.
"""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from urllib.parse import quote

import pytest

from locum import authz, wire
from locum.audit.record import decode
from locum.calls import Recorder, RequestContext
from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.core.principal import Caller, Principal
from locum.store import AuditRow
from locum.wire import Codec
from locum.wire.models import service_model
from support.inprocess import InProcess, refusal
from support.marked_requests import Marked, marked, sent
from support.recordable_members import SERVICES, may_be_recorded

MARKER = re.compile(r"zqmark\d{5}x")


def parsed(codec: Codec, request: Marked) -> tuple[HttpRequest, dict[str, object]]:
    """The request as it comes, and its parameters as they are read."""
    made = sent(codec, request.params)
    try:
        return made, codec.parse(made, made.body)
    except Fault:  # botocore's serializer wrote what it does not read itself
        return made, request.params


def quoting(request: Marked) -> str:
    """A text with every marker in it, in the forms in which errors quote."""
    forms = [f"'{marker}' {quote(marker)}" for marker in request.markers]
    forms += [base64.b64encode(m.encode()).decode() for m, member in request.markers.items() if member.kind == "blob"]
    return "Value " + ", ".join(forms) + " failed to satisfy constraint"


def recorded(plane: InProcess, codec: Codec, request: Marked) -> AuditRow:
    """The row of a call that a backend refused with an error that quotes all of it."""
    made, params = parsed(codec, request)
    context: RequestContext = plane.node.calls.begin(made)
    context.codec, context.params, context.body = codec, dict(params), made.body
    context.caller = Caller(Principal.root("000000000000"), access_key_id=plane.root.access_key_id)
    try:
        context.plan = authz.plan(context.state, context.call())
    except Fault:
        context.plan = None
    return Recorder(plane.node.ledger, plane.node.runtime.entropy, "enforce").row(
        context, 400, Fault("ValidationException", quoting(request))
    )


@cache
def codecs(service: str) -> list[Codec]:
    found = (wire.codec_of(service, name) for name in service_model(service).operation_names)
    return [codec for codec in found if codec is not None]


@pytest.mark.parametrize("service", SERVICES)
def test_no_record_has_a_string_that_it_must_not_have(plane: InProcess, service: str) -> None:
    leaks = []
    for codec in codecs(service):
        request = marked(codec.model)
        row = recorded(plane, codec, request)
        named = set(MARKER.findall(repr(decode(row.data).resources)))  # what an ARN is made of identifies
        for marker in sorted(set(MARKER.findall(repr(row)))):
            member = request.markers[marker]
            if not may_be_recorded(codec, member) and (member.sensitive or marker not in named):
                leaks.append(f"{codec.operation}: {member} ({member.kind})")
        blobs = (marker for marker, member in request.markers.items() if member.kind == "blob")
        leaks += [f"{codec.operation}: in base64" for marker in blobs if base64.b64encode(marker.encode()) in row.data]
    assert leaks == []


@pytest.mark.parametrize(
    ("service", "operation", "members"),
    [
        ("ec2", "RunInstances", "ImageId SubnetId KeyName SecurityGroupIds TagSpecifications.Tags.Value"),
        ("lambda", "CreateFunction", "FunctionName Role Handler Description Code.S3Bucket VpcConfig.SubnetIds Layers"),
        ("rds", "CreateDBInstance", "DBInstanceIdentifier DBInstanceClass Engine MasterUsername KmsKeyId"),
        ("ecs", "RegisterTaskDefinition", "family taskRoleArn executionRoleArn containerDefinitions.image"),
        ("secretsmanager", "CreateSecret", "Name Description KmsKeyId Tags.Key Tags.Value"),
        ("ssm", "PutParameter", "Name KeyId Tags.Key"),
        ("s3", "PutObject", "Bucket Key IfMatch"),
        ("s3", "PutBucketPolicy", "Bucket Policy"),
        ("sqs", "SendMessage", "QueueUrl"),
        ("dynamodb", "TransactWriteItems", "TransactItems.Put.TableName TransactItems.Delete.TableName"),
        ("kms", "GenerateDataKey", "KeyId EncryptionContext"),
        ("cloudformation", "CreateStack", "StackName RoleARN TemplateURL Parameters.ParameterKey NotificationARNs"),
        ("dynamodb", "CreateTable", "TableName AttributeDefinitions.AttributeName KeySchema.AttributeName"),
        ("events", "PutRule", "Name ScheduleExpression RoleArn EventBusName Description"),
        ("resourcegroupstaggingapi", "GetResources", "ResourceARNList TagFilters.Key TagFilters.Values"),
    ],
)
def test_a_record_tells_what_was_worked_on(plane: InProcess, service: str, operation: str, members: str) -> None:
    codec = wire.codec_of(service, operation)
    assert codec is not None
    request = marked(codec.model)
    record = decode(recorded(plane, codec, request).data)
    found = {str(request.markers[marker]) for marker in MARKER.findall(json.dumps(record.parameters))}
    assert set(members.split()) <= found


def test_a_denial_names_its_caller_though_the_call_hides_an_arn_of_the_same_account(plane: InProcess) -> None:
    key, hidden = plane.user("denied-with-arn"), "arn:aws:sns:us-east-1:000000000000:orders"
    _, _, message = refusal(
        plane.client("lambda", key).update_function_configuration,
        FunctionName="f",
        Environment={"Variables": {"TOPIC": hidden}},
    )
    (record,) = plane.records(1)
    assert record.denial == message
    assert "arn:aws:iam::000000000000:user/denied-with-arn is not authorized" in message
    assert hidden not in repr(record)
