"""What is written down of a call, and what never is."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from locum.audit import Record
from locum.audit.record import decode
from locum.calls import Recorder
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.principal import Caller, Principal, PrincipalKind
from locum.store import AuditQuery
from locum.wire.redact import HIDDEN
from support.backends import behind
from support.inprocess import InProcess, Key, exchange, refusal
from support.plane import fresh
from support.wire_requests import rest

HALF = "\ud800"
"""A lone surrogate: a string of JSON and of Python, and no Unicode text."""


def recorded(plane: InProcess, answer: dict[str, Any]) -> Record:
    """The one record of a boto3 answer."""
    return plane.record(answer["ResponseMetadata"]["RequestId"])


def everything(plane: InProcess) -> bytes:
    """All that is stored of all calls."""
    journal = plane.node.journal
    plane.run(plane.node.ledger.flush())
    return b"\n".join(found.data for found in journal.find(AuditQuery(limit=100_000)))


# -- secrets -------------------------------------------------------------------------------------------------


def test_no_secret_that_was_made_is_in_any_record(plane: InProcess) -> None:
    plane.client("iam").create_user(UserName="keeper")
    key = plane.client("iam").create_access_key(UserName="keeper")["AccessKey"]
    session = plane.client("sts").get_session_token()["Credentials"]
    signed = Key(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    url = plane.client("s3", signed, signature_version="s3v4").generate_presigned_url("list_buckets")
    path, _, query = url.removeprefix("http://").partition("/")[2].partition("?")
    assert plane.send(rest("GET", f"/{path}?{query}", host="127.0.0.1:4566")).status == 200
    stored = everything(plane)
    for secret in (key["SecretAccessKey"], session["SecretAccessKey"], session["SessionToken"], signed.session_token,
                   query.partition("X-Amz-Signature=")[2]):  # fmt: skip
        assert secret
        assert secret.encode() not in stored
    assert key["AccessKeyId"].encode() in stored


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("iam", "create_login_profile", {"UserName": "ann", "Password": "h1dd3n-Value!"}),
        ("iam", "change_password", {"OldPassword": "h1dd3n-Value!", "NewPassword": "h1dd3n-Value!2"}),
        ("secretsmanager", "create_secret", {"Name": "s", "SecretString": "h1dd3n-Value!"}),
        ("kms", "encrypt", {"KeyId": "alias/none", "Plaintext": b"h1dd3n-Value!"}),
        ("ssm", "put_parameter", {"Name": "p", "Value": "h1dd3n-Value!", "Type": "SecureString"}),
        ("rds", "create_db_instance", {"DBInstanceIdentifier": "d", "DBInstanceClass": "c", "Engine": "mysql",
                                       "MasterUsername": "u", "MasterUserPassword": "h1dd3n-Value!"}),
        ("ec2", "run_instances", {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1,
                                  "UserData": "h1dd3n-Value!"}),
        ("sts", "assume_role_with_web_identity", {"RoleArn": "arn:aws:iam::000000000000:role/r",
                                                  "RoleSessionName": "session", "WebIdentityToken": "h1dd3n-Value!"}),
        ("s3", "put_object", {"Bucket": "nowhere", "Key": "k", "Body": b"h1dd3n-Value!"}),
        ("lambda", "invoke", {"FunctionName": "none", "Payload": b'"h1dd3n-Value!"'}),
    ],
)  # fmt: skip
def test_no_secret_that_a_caller_sends_is_in_its_record(
    plane: InProcess, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    request = plane.request(service, operation, **parameters)
    answer = plane.run(exchange(plane.node.gateway, request))
    request_id = answer.headers.get("x-amzn-requestid") or answer.headers["x-amz-request-id"]
    assert plane.record(request_id).operation
    stored = everything(plane)
    assert b"h1dd3n-Value!" not in stored
    assert base64.b64encode(b"h1dd3n-Value!") not in stored


def test_a_hidden_member_is_told_of_as_hidden(plane: InProcess) -> None:
    plane.client("iam").create_user(UserName="hidden")
    record = recorded(plane, plane.client("iam").create_access_key(UserName="hidden"))
    assert record.answer["accessKey"]["secretAccessKey"] == HIDDEN
    assert record.answer["accessKey"]["userName"] == "hidden"
    assert record.parameters == {"userName": "hidden"}


# -- what is told --------------------------------------------------------------------------------------------


def test_a_record_tells_who_what_whence_and_why(plane: InProcess) -> None:
    allow = {"Sid": "Look", "Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}
    caller = plane.client("iam", plane.user("teller", allow), user_agent="agent/1.0")
    record = recorded(plane, caller.get_user(UserName="teller"))
    assert (record.service, record.operation, record.event_source) == ("iam", "GetUser", "iam.amazonaws.com")
    assert (record.account, record.region, record.source_ip) == ("000000000000", "us-east-1", "127.0.0.1")
    assert record.identity.arn == "arn:aws:iam::000000000000:user/teller"
    assert record.user_agent.startswith("agent/1.0")
    assert (record.status, record.error_code, record.verdict, record.denial) == (200, "", "allow", "")
    assert [statement.endswith("#Look") for statement in record.determining] == [True]
    assert (record.read_only, record.management, record.mode) == (True, True, "enforce")
    assert [(r.type, r.arn) for r in record.resources] == [("AWS::IAM::User", "arn:aws:iam::000000000000:user/teller")]
    assert record.explanation is None
    assert record.host == "127.0.0.1:4566"


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        ([], "implicit-deny"),
        ([{"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"}], "implicit-deny"),
        ([{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}], "explicit-deny"),
        ([{"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}], "allow"),
    ],
)
def test_the_verdict_is_named_as_policies_name_it(
    plane: InProcess, statements: list[dict[str, Any]], verdict: str
) -> None:
    name = f"judged-{verdict}-{len(statements)}"
    request = plane.request("iam", "list_users", plane.user(name, *statements))
    answer = plane.send(request)
    record = plane.record(answer.headers["x-amzn-requestid"])
    assert (record.verdict, record.denied) == (verdict, verdict != "allow")
    assert bool(record.explanation) == bool(record.denial) == (verdict != "allow")
    assert record.error_code == ("" if verdict == "allow" else "AccessDenied")


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "management", "read_only"),
    [
        ("iam", "list_users", {}, True, True),
        ("iam", "create_user", {"UserName": "x"}, True, False),
        ("sts", "get_caller_identity", {}, True, True),
        ("s3", "create_bucket", {"Bucket": "bbb"}, True, False),
        ("s3", "list_buckets", {}, True, True),
        ("s3", "get_bucket_policy", {"Bucket": "bbb"}, True, True),
        ("s3", "get_object", {"Bucket": "bbb", "Key": "k"}, False, True),
        ("s3", "put_object", {"Bucket": "bbb", "Key": "k"}, False, False),
        ("s3", "list_objects_v2", {"Bucket": "bbb"}, False, True),
        ("s3", "delete_objects", {"Bucket": "bbb", "Delete": {"Objects": [{"Key": "k"}]}}, False, False),
        ("dynamodb", "list_tables", {}, True, True),
        ("dynamodb", "delete_table", {"TableName": "ttt"}, True, False),
        ("dynamodb", "get_item", {"TableName": "ttt", "Key": {"k": {"S": "v"}}}, False, True),
        ("dynamodb", "put_item", {"TableName": "ttt", "Item": {"k": {"S": "v"}}}, False, False),
        ("dynamodb", "batch_get_item", {"RequestItems": {"ttt": {"Keys": [{"k": {"S": "v"}}]}}}, False, True),
        ("dynamodb", "scan", {"TableName": "ttt"}, False, True),
        ("sqs", "send_message", {"QueueUrl": "http://h/000000000000/q", "MessageBody": "m"}, False, False),
        ("sqs", "create_queue", {"QueueName": "q"}, True, False),
        ("sns", "publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Message": "m"}, False, False),
        ("lambda", "invoke", {"FunctionName": "f"}, False, False),
        ("lambda", "list_functions", {}, True, True),
    ],
)
def test_data_events_are_told_from_management_events(
    plane: InProcess, service: str, operation: str, parameters: dict[str, Any], management: bool, read_only: bool
) -> None:
    answer = plane.send(plane.request(service, operation, **parameters))
    request_id = answer.headers.get("x-amzn-requestid") or answer.headers["x-amz-request-id"]
    record = plane.record(request_id)
    assert (record.management, record.read_only) == (management, read_only)


# -- once ----------------------------------------------------------------------------------------------------


def count(plane: InProcess, before: int) -> int:
    return rows(plane) - before


def rows(plane: InProcess) -> int:
    plane.run(plane.node.ledger.flush())
    return len(plane.node.journal.find(AuditQuery(limit=100_000)))


def test_a_fault_of_a_writing_verb_is_recorded_exactly_once(plane: InProcess) -> None:
    plane.client("iam").create_user(UserName="twice")
    before = rows(plane)
    assert refusal(plane.client("iam").create_user, UserName="twice")[0] == "EntityAlreadyExists"
    assert count(plane, before) == 1
    latest = plane.records(1)[0]
    assert (latest.operation, latest.status, latest.error_code) == ("CreateUser", 409, "EntityAlreadyExists")
    assert (latest.verdict, latest.answer) == ("allow", None)


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("iam", "create_group", {"GroupName": "once"}),
        ("iam", "get_user", {"UserName": "nobody-at-all"}),
        ("iam", "create_virtual_mfa_device", {"VirtualMFADeviceName": "m"}),
        ("s3", "get_object", {"Bucket": "no-such-bucket", "Key": "k"}),
        ("s3", "list_buckets", {}),
        ("cloudtrail", "lookup_events", {}),
        ("accessanalyzer", "list_policy_generations", {}),
    ],
)  # fmt: skip
def test_every_call_is_recorded_exactly_once(
    plane: InProcess, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    before = rows(plane)
    plane.send(plane.request(service, operation, **parameters))
    assert count(plane, before) == 1


def test_a_denied_and_a_forged_call_are_recorded_exactly_once(plane: InProcess) -> None:
    key = plane.user("once-denied")
    before = rows(plane)
    plane.send(plane.request("iam", "create_user", key, UserName="other"))
    plane.send(plane.request("iam", "list_users", Key(key.access_key_id, "forged")))
    assert count(plane, before) == 2
    forged, denied = plane.records(2)
    assert (denied.error_code, denied.verdict) == ("AccessDenied", "implicit-deny")
    assert (forged.error_code, forged.verdict, forged.account) == ("SignatureDoesNotMatch", "", "")
    assert forged.identity.arn == "*"


# -- backends ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (HttpResponse(404, [], b"<Error><Code>Gone</Code><Message>a &lt;b&gt;</Message></Error>"), "Gone", "a <b>"),
        (HttpResponse(400, [], b'{"__type":"com.amazonaws#Bad","message":"m"}'), "Bad", "m"),
        (HttpResponse(400, [("x-amzn-errortype", "Odd:http://x")], b'{"Message":"m"}'), "Odd", "m"),
        (HttpResponse(503, [], b"<html>down</html>"), "503", ""),
        (HttpResponse(500, [], b"[]"), "500", ""),
        (HttpResponse(403, []), "403", ""),
    ],
)  # fmt: skip
def test_the_error_of_a_backend_is_in_the_record(
    plane: InProcess, answer: HttpResponse, code: str, message: str
) -> None:
    with behind(plane, "ecs", lambda _call: HttpResponse(answer.status, list(answer.headers), answer.body)):
        sent = plane.send(plane.request("ecs", "list_clusters"))
    record = plane.record(sent.headers["x-amzn-requestid"])
    assert (record.status, record.error_code, record.error_message) == (answer.status, code, message)


# -- identities ----------------------------------------------------------------------------------------------


def test_the_same_key_is_the_same_identity_and_another_session_another(plane: InProcess) -> None:
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    caller = plane.client("sts", plane.user("assumer", allow))
    trust = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}
    role = plane.client("iam").create_role(
        RoleName="assumed", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]
    arns = []
    for name in ("first", "second", "first"):
        given = caller.assume_role(RoleArn=role["Arn"], RoleSessionName=name)["Credentials"]
        session = plane.client("sts", Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]))
        record = recorded(plane, session.get_caller_identity())
        assert record.identity.access_key_id == given["AccessKeyId"]
        assert record.identity.issuer_arn == role["Arn"]
        arns.append(record.identity.arn.rpartition("/")[2])
    assert arns == ["first", "second", "first"]


def test_identities_that_are_remembered_have_a_bound(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.calls.recorder._IDENTITIES", 2)
    for name in ("i1", "i2", "i3"):
        answer = plane.client("sts", plane.user(name)).get_caller_identity()
        assert recorded(plane, answer).identity.name == name


def test_the_same_stranger_in_two_accounts_is_recorded_in_each(plane: InProcess) -> None:
    """One subject of one public identity provider, which is no resource of an account."""
    recorder = Recorder(plane.node.ledger, plane.node.runtime.entropy, "enforce")
    provider = ("accounts.google.com", "accounts.google.com:app:alice")
    for account in ("000000000000", "444455556666"):
        context = plane.node.calls.begin(rest("GET", "/"))
        principal = Principal.federated(PrincipalKind.WEB_IDENTITY, provider[0], account, provider[1], "alice")
        context.caller = Caller(principal)
        record = decode(recorder.row(context, 403, Fault("AccessDenied", "no", 403)).data)
        assert (record.account, record.identity.account) == (account, account)


@pytest.mark.parametrize(
    "statement",
    [
        {"Condition": {"StringNotEquals": {"aws:UserAgent": HALF}}},
        {"Condition": {"Null": {f"aws:RequestTag/{HALF}": "true"}}},
        {"Effect": "Allow", "Resource": f"arn:aws:s3:::{HALF}"},
    ],
    ids=["the value of a condition", "the key of a condition", "a resource"],
)
def test_half_a_character_in_a_policy_does_not_stop_the_record(plane: InProcess, statement: dict[str, Any]) -> None:
    key = plane.user(fresh("half"), {"Effect": "Deny", "Action": "s3:*", "Resource": "*", **statement})
    assert refusal(plane.client("s3", key).list_buckets)[0] == "AccessDenied"
    assert plane.records(1)[0].denied
    assert plane.node.ledger.failure == ""
