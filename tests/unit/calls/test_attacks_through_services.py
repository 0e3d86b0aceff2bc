"""Attacks by way of a service: it is made to do what its caller may not, or what nobody has decided on."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from support.deliveries import Queue, service
from support.functions import package
from support.inprocess import InProcess, Key, refusal
from support.plane import trusting

ACCOUNT = "000000000000"
ATTACKER = "111111111111"
REGION = "us-east-1"
BUCKET = "victims"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/powerful"
FUNCTION = {"Runtime": "python3.11", "Handler": "main.handler"}
ECHO = "def handler(event, context): return context.invoked_function_arn"
URL = f"https://{BUCKET}.s3.amazonaws.com/template.json"


@pytest.fixture(scope="module")
def plane(plane: InProcess) -> InProcess:
    plane.client("iam").create_role(
        RoleName="powerful", AssumeRolePolicyDocument=trusting(Service="lambda.amazonaws.com")
    )
    s3 = plane.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="code.zip", Body=package(main=ECHO))
    s3.put_object(Bucket=BUCKET, Key="template.json", Body=b'{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}')
    return plane


@pytest.fixture(scope="module")
def attacker(plane: InProcess) -> Key:
    """The root user of another account, which has a role for its functions."""
    key = plane.account(ATTACKER)
    plane.client("iam", key).create_role(
        RoleName="own", AssumeRolePolicyDocument=trusting(Service="lambda.amazonaws.com")
    )
    return key


def allowing(*actions: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def stack(kind: str, **properties: Any) -> str:
    return json.dumps({"Resources": {"R": {"Type": kind, "Properties": properties}}})


@pytest.mark.parametrize("operation", ["create_function", "update_function_code", "publish_layer_version"])
def test_lambda_does_not_read_code_that_its_caller_may_not_read(
    plane: InProcess, attacker: Key, operation: str
) -> None:
    client: Any = plane.client("lambda", attacker)
    code = {"S3Bucket": BUCKET, "S3Key": "code.zip"}
    own: dict[str, Any] = {**FUNCTION, "Role": f"arn:aws:iam::{ATTACKER}:role/own"}
    if operation == "update_function_code":
        client.create_function(FunctionName="mine", Code={"ZipFile": package(main=ECHO)}, **own)
    given: dict[str, dict[str, Any]] = {
        "create_function": {"FunctionName": "theirs", "Code": code, **own},
        "update_function_code": {"FunctionName": "mine", **code},
        "publish_layer_version": {"LayerName": "theirs", "Content": code},
    }
    told, status, message = refusal(getattr(client, operation), **given[operation])
    assert (told, status) == ("AccessDeniedException", 403)
    assert f"s3:GetObject on resource: arn:aws:s3:::{BUCKET}/code.zip" in message


def test_the_key_of_code_cannot_pass_for_the_arn_of_another_object(plane: InProcess) -> None:
    plane.client("s3").put_object(Bucket=BUCKET, Key="arn:aws:s3:::open/x", Body=package(main=ECHO))
    key = plane.user("posing", allowing("lambda:*", "iam:PassRole"), allowing("s3:*", resource="arn:aws:s3:::open/*"))
    code = {"S3Bucket": BUCKET, "S3Key": "arn:aws:s3:::open/x"}
    create = plane.client("lambda", key).create_function
    assert refusal(create, FunctionName="posed", Role=ROLE, Code=code, **FUNCTION)[0] == "AccessDeniedException"


def test_a_function_whose_code_the_caller_may_read_is_made(plane: InProcess) -> None:
    reading = allowing("s3:GetObject", resource=f"arn:aws:s3:::{BUCKET}/code.zip")
    key = plane.user("deployer", allowing("lambda:*", "iam:PassRole"), reading)
    code = {"S3Bucket": BUCKET, "S3Key": "code.zip"}
    made = plane.client("lambda", key).create_function(FunctionName="deployed", Role=ROLE, Code=code, **FUNCTION)
    assert made["Role"] == ROLE


def test_firehose_writes_to_nobodys_bucket(plane: InProcess, attacker: Key) -> None:
    firehose = plane.client("firehose", attacker)
    trust = trusting(Service="firehose.amazonaws.com")
    plane.client("iam", attacker).create_role(RoleName="streams", AssumeRolePolicyDocument=trust)
    destination = {"RoleARN": f"arn:aws:iam::{ATTACKER}:role/streams", "BucketARN": f"arn:aws:s3:::{BUCKET}"}
    firehose.create_delivery_stream(DeliveryStreamName="in", ExtendedS3DestinationConfiguration=destination)
    assert refusal(firehose.put_record, DeliveryStreamName="in", Record={"Data": b"planted"})[0] == "NotImplemented"
    assert all("in-1" not in found["Key"] for found in plane.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"])


@pytest.mark.parametrize("lets_in", [False, True])
def test_eventbridge_sends_to_a_queue_only_where_its_policy_lets_it_in(plane: InProcess, lets_in: bool) -> None:
    name = f"events-{lets_in}"
    queue = Queue(plane, name, *([service("events.amazonaws.com")] if lets_in else []))
    events = plane.client("events", plane.user(f"eventful-{lets_in}", allowing("events:*")))
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue.arn}])
    events.put_events(Entries=[{"Source": name, "DetailType": "d", "Detail": "{}"}])
    assert [body["source"] for body in queue.received()] == ([name] if lets_in else [])


def test_a_rule_sends_nothing_to_the_bus_of_an_account_that_does_not_let_it_in(plane: InProcess, attacker: Key) -> None:
    queue = Queue(plane, "over", service("events.amazonaws.com"))
    own = plane.client("events")
    own.put_rule(Name="listening", EventPattern=json.dumps({"source": ["over"]}))
    own.put_targets(Rule="listening", Targets=[{"Id": "1", "Arn": queue.arn}])
    events = plane.client("events", attacker)
    events.put_rule(Name="over", EventPattern=json.dumps({"source": ["over"]}))
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    events.put_targets(Rule="over", Targets=[{"Id": "1", "Arn": bus}])
    events.put_events(Entries=[{"Source": "over", "DetailType": "d", "Detail": "{}"}])
    assert queue.received() == []


@pytest.mark.parametrize("name", ["denied:", f"{ACCOUNT}:function:denied:"])
def test_an_empty_qualifier_does_not_hide_the_one_that_is_invoked(plane: InProcess, name: str) -> None:
    functions = plane.client("lambda")
    with_alias = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:denied"
    if not any(found["FunctionName"] == "denied" for found in functions.list_functions()["Functions"]):
        functions.create_function(FunctionName="denied", Role=ROLE, Code={"ZipFile": package(main=ECHO)}, **FUNCTION)
        functions.create_alias(FunctionName="denied", Name="prod", FunctionVersion="$LATEST")
    denying = {"Effect": "Deny", "Action": "*", "Resource": f"{with_alias}:prod"}
    key = plane.user(f"hiding-{len(name)}", allowing("lambda:InvokeFunction"), denying)
    invoke = plane.client("lambda", key, parameter_validation=False).invoke
    assert refusal(invoke, FunctionName=name, Qualifier="prod")[0] == "AccessDeniedException"


NESTING = """
import sys
from locum.core.errors import Fault
from locum.services.cloudformation.templates import decoded
for text in ("[" * 50_000, "- " * 25_000, "? " * 25_000, "a\\n---\\n" + "[" * 25_000, "{a: " * 12_000):
    try:
        decoded(text)
    except Fault as fault:
        print(fault.message)
"""


def test_a_template_that_nests_deeply_does_not_end_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", NESTING], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.splitlines()) == (0, ["Template format error: nested too deeply."] * 5)


def test_a_template_url_that_is_none_is_refused_as_such(plane: InProcess) -> None:
    validate = plane.client("cloudformation").validate_template
    assert refusal(validate, TemplateURL="https://[::1/x")[:2] == ("ValidationError", 400)
