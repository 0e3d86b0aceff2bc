"""Attacks by way of Cloud Control: CloudFormation as the deputy of somebody who may ask it, and do nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from locum.services.cloudcontrol import requests
from support.inprocess import InProcess, Key
from support.plane import ACCOUNT, allow, document, fresh, refused, trusting
from support.resource_requests import Resources

AWAY = "444455556666"
QUEUE = "AWS::SQS::Queue"
ROLE = "AWS::IAM::Role"
SECRET = "AWS::SecretsManager::Secret"
TRUSTS_STACKS = trusting(Service="cloudformation.amazonaws.com")
WITH_ROLE = ("create_resource", "delete_resource", "get_resource", "list_resources", "update_resource")
KEPT = "kept-from-everybody"


@pytest.fixture(autouse=True)
def held(plane: InProcess) -> None:
    """Requests are carried out when a test has them settled, and not before."""
    plane.run(plane.node.duties.resource_requests.close())


@pytest.fixture
def resources(plane: InProcess) -> Resources:
    return Resources(plane)


def attacker(plane: InProcess, *also: dict[str, Any]) -> Resources:
    return Resources(plane, plane.user(fresh("attacker"), allow("cloudformation:*"), *also))


def queue(plane: InProcess) -> str:
    """The URL of somebody's queue."""
    name = fresh("vault")
    plane.client("sqs").create_queue(QueueName=name)
    return f"{plane.node.runtime.settings.endpoint}/{ACCOUNT}/{name}"


def parameters(operation: str, identifier: str) -> dict[str, Any]:
    given = {"get_resource": {}, "delete_resource": {}, "update_resource": {"PatchDocument": "[]"}}
    if operation in given:
        return {"TypeName": QUEUE, "Identifier": identifier, **given[operation]}
    return {"TypeName": QUEUE, **({"DesiredState": "{}"} if operation == "create_resource" else {})}


# -- whose permissions ---------------------------------------------------------------------------------------


def test_who_may_only_use_cloudformation_makes_nothing(plane: InProcess, resources: Resources) -> None:
    before = resources.listed(QUEUE)
    failed = attacker(plane).create(QUEUE, {})
    assert (failed["OperationStatus"], failed["ErrorCode"]) == ("FAILED", "AccessDenied")
    assert "is not authorized to perform: sqs:CreateQueue on resource" in failed["StatusMessage"]
    assert resources.listed(QUEUE) == before


def test_who_may_only_use_cloudformation_reads_and_changes_and_deletes_nothing(
    plane: InProcess, resources: Resources
) -> None:
    url, client = queue(plane), attacker(plane).client
    for call, given in (
        (client.get_resource, {"TypeName": QUEUE, "Identifier": url}),
        (client.list_resources, {"TypeName": QUEUE}),
        (client.update_resource, {"TypeName": QUEUE, "Identifier": url, "PatchDocument": "[]"}),
    ):
        fault = refused(call, **given)
        assert (fault.code, "(HandlerErrorCode: AccessDenied, RequestToken: " in fault.message) == (
            "AccessDeniedException",
            True,
        )
    failed = attacker(plane).delete(QUEUE, url)
    assert (failed["OperationStatus"], failed["ErrorCode"]) == ("FAILED", "AccessDenied")
    assert url in resources.listed(QUEUE)


def test_who_may_read_does_not_delete(plane: InProcess, resources: Resources) -> None:
    url = queue(plane)
    failed = attacker(plane, allow("sqs:GetQueueAttributes")).delete(QUEUE, url)
    assert (failed["OperationStatus"], failed["ErrorCode"]) == ("FAILED", "AccessDenied")
    assert url in resources.listed(QUEUE)


@pytest.mark.parametrize("operation", WITH_ROLE)
def test_who_may_do_everything_in_a_service_may_not_by_cloud_control_without_its_action(
    plane: InProcess, operation: str
) -> None:
    client = Resources(plane, plane.user(fresh("no-deputy"), allow("sqs:*"))).client
    fault = refused(getattr(client, operation), **parameters(operation, queue(plane)))
    action = "".join(part.title() for part in operation.split("_"))
    assert fault.code == "AccessDeniedException"
    assert (
        f"cloudformation:{action} on resource: arn:aws:cloudformation:us-east-1:{ACCOUNT}:resource/*" in fault.message
    )


def test_an_action_is_granted_on_the_resources_of_an_account_and_region(plane: InProcess) -> None:
    mine = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:resource/*"
    granted = Resources(plane, plane.user(fresh("granted"), allow("cloudformation:*", mine), allow("sqs:*")))
    assert granted.create(QUEUE, {})["OperationStatus"] == "SUCCESS"
    stacks = allow("cloudformation:*", "arn:aws:cloudformation:*:*:stack/*")
    other = Resources(plane, plane.user(fresh("of-stacks"), stacks, allow("sqs:*")))
    assert refused(other.client.create_resource, TypeName=QUEUE, DesiredState="{}").code == "AccessDeniedException"


def test_calls_are_made_by_way_of_cloudformation_and_recorded_so(plane: InProcess) -> None:
    via = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}
    key = plane.user(fresh("by-way-of"), allow("cloudformation:*"), allow("sqs:*", "*", **via))
    assert Resources(plane, key).create(QUEUE, {})["OperationStatus"] == "SUCCESS"
    assert refused(plane.client("sqs", key).create_queue, QueueName=fresh("directly")).status == 403
    made = next(it for it in plane.records() if it.operation == "CreateQueue" and not it.denied)
    assert (made.via, made.invoked_by) == (("cloudformation.amazonaws.com",), "cloudformation.amazonaws.com")
    asked = next(it for it in plane.records() if it.operation == "CreateResource")
    assert (made.cause, made.identity.name) == (asked.request_id, asked.identity.name)


def test_permissions_that_are_gone_when_it_begins_are_not_used(plane: InProcess, resources: Resources) -> None:
    name = fresh("dismissed")
    mine = Resources(plane, plane.user(name, allow(["cloudformation:*", "sqs:*"])))
    before = resources.listed(QUEUE)
    token = mine.client.create_resource(TypeName=QUEUE, DesiredState="{}")["ProgressEvent"]["RequestToken"]
    plane.client("iam").delete_user_policy(UserName=name, PolicyName="own")
    failed = resources.settled({"RequestToken": token})
    assert (failed["OperationStatus"], failed["ErrorCode"]) == ("FAILED", "AccessDenied")
    assert resources.listed(QUEUE) == before


# -- roles ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mighty(plane: InProcess) -> str:
    """The ARN of a role of CloudFormation's that may do everything with queues."""
    iam = plane.client("iam")
    arn = iam.create_role(RoleName="mighty-over-queues", AssumeRolePolicyDocument=TRUSTS_STACKS)["Role"]["Arn"]
    iam.put_role_policy(RoleName="mighty-over-queues", PolicyName="p", PolicyDocument=document(allow("sqs:*")))
    return str(arn)


@pytest.mark.parametrize("operation", WITH_ROLE)
def test_no_role_is_used_without_permission_to_pass_it(plane: InProcess, mighty: str, operation: str) -> None:
    to_ec2 = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    for also in ((), (allow("iam:PassRole", "*", **to_ec2),)):
        client = attacker(plane, *also).client
        fault = refused(getattr(client, operation), **parameters(operation, queue(plane)), RoleArn=mighty)
        assert fault.code == "AccessDeniedException"
        assert f"iam:PassRole on resource: {mighty}" in fault.message


def test_a_role_that_is_passed_makes_the_calls(plane: InProcess, mighty: str) -> None:
    to_stacks = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    passing = attacker(plane, allow("iam:PassRole", mighty, **to_stacks))
    made = passing.create(QUEUE, {}, RoleArn=mighty)
    assert made["OperationStatus"] == "SUCCESS"
    url = made["Identifier"]
    found = passing.client.get_resource(TypeName=QUEUE, Identifier=url, RoleArn=mighty)["ResourceDescription"]
    assert found["Identifier"] == url
    assert url in passing.listed(QUEUE, RoleArn=mighty)
    delayed = {"op": "replace", "path": "/DelaySeconds", "value": 5}
    assert passing.update(QUEUE, url, delayed, RoleArn=mighty)["OperationStatus"] == "SUCCESS"
    assert passing.delete(QUEUE, url, RoleArn=mighty)["OperationStatus"] == "SUCCESS"
    by = next(it for it in plane.records() if it.operation == "DeleteQueue").identity.arn
    assert by == f"arn:aws:sts::{ACCOUNT}:assumed-role/mighty-over-queues/AWSCloudFormation"


def test_a_role_that_does_not_trust_cloudformation_makes_nothing(plane: InProcess, resources: Resources) -> None:
    iam, name = plane.client("iam"), fresh("of-lambda")
    trust = trusting(Service="lambda.amazonaws.com")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow("sqs:*")))
    failed = resources.create(QUEUE, {}, RoleArn=arn)
    assert (failed["OperationStatus"], failed["ErrorCode"]) == ("FAILED", "AccessDenied")
    fault = refused(resources.client.list_resources, TypeName=QUEUE, RoleArn=arn)
    assert fault.code == "AccessDeniedException"


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        (QUEUE, {"Tags": [{"Key": "aws:cloudformation:stack-id", "Value": "of-somebody"}]}),
        ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16", "Tags": [{"Key": "AWS:department", "Value": "secret"}]}),
        ("AWS::Cognito::UserPool", {"UserPoolTags": {"aws:cloudformation:logical-id": "of-somebody"}}),
    ],
)
def test_cloudformation_puts_no_tags_of_its_own_for_anybody(
    resources: Resources, kind: str, properties: dict[str, Any]
) -> None:
    fault = refused(resources.client.create_resource, TypeName=kind, DesiredState=json.dumps(properties))
    assert (fault.code, "aws: prefixed tag key names are not allowed" in fault.message) == ("ValidationException", True)


# -- others' requests ----------------------------------------------------------------------------------------


def test_nobody_sees_or_cancels_the_requests_of_another_account_or_region(
    plane: InProcess, resources: Resources
) -> None:
    asked = {"TypeName": QUEUE, "DesiredState": "{}", "ClientToken": fresh("the-same")}
    event = resources.client.create_resource(**asked)["ProgressEvent"]
    away = Resources(plane, plane.account(AWAY))
    elsewhere = Resources(plane, region="eu-west-1")
    for other in (away, elsewhere):
        for call in (other.client.get_resource_request_status, other.client.cancel_resource_request):
            assert refused(call, RequestToken=event["RequestToken"]).code == "RequestTokenNotFoundException"
        assert other.client.list_resource_requests()["ResourceRequestStatusSummaries"] == []
        own = other.client.create_resource(**asked)["ProgressEvent"]
        assert own["RequestToken"] != event["RequestToken"]
    assert resources.settled(event)["OperationStatus"] == "SUCCESS"


def test_a_request_token_with_a_path_in_it_finds_nothing(resources: Resources) -> None:
    token = resources.create(QUEUE, {})["RequestToken"]
    for strange in (f"us-east-1/{token}", f"/{token}", f"{token}/", f"../us-east-1/{token}"):
        fault = refused(resources.client.get_resource_request_status, RequestToken=strange)
        assert fault.code in ("RequestTokenNotFoundException", "ValidationException")


def test_a_client_token_of_another_type_of_request_tells_nothing_of_it(resources: Resources) -> None:
    token = fresh("taken")
    resources.create(SECRET, {"SecretString": KEPT}, ClientToken=token)
    fault = refused(resources.client.create_resource, TypeName=QUEUE, DesiredState="{}", ClientToken=token)
    assert (fault.code, KEPT in fault.message) == ("ClientTokenConflictException", False)


# -- secrets -------------------------------------------------------------------------------------------------


def test_a_secret_is_shown_and_recorded_nowhere(plane: InProcess, resources: Resources) -> None:
    name = fresh("kept")
    made = resources.create(SECRET, {"Name": name, "SecretString": KEPT})
    identifier = made["Identifier"]
    read = resources.client.get_resource(TypeName=SECRET, Identifier=identifier)
    assert json.loads(read["ResourceDescription"]["Properties"])["Name"] == name
    patch = json.dumps([{"op": "add", "path": "/SecretString", "value": f"{KEPT}-again"}])
    event = resources.client.update_resource(TypeName=SECRET, Identifier=identifier, PatchDocument=patch)
    assert json.loads(event["ProgressEvent"]["ResourceModel"])["Name"] == name
    changed = resources.settled(event["ProgressEvent"])
    assert changed["OperationStatus"] == "SUCCESS"
    value = plane.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    assert value == f"{KEPT}-again"
    requests = resources.client.list_resource_requests()
    for told in (made, read, event, changed, requests, *plane.records(200)):
        assert KEPT not in str(told)


def test_a_secret_is_in_no_file_of_the_plane_in_clear(plane: InProcess, resources: Resources) -> None:
    name, secret = fresh("in-no-file"), "in-no-file-of-the-plane"
    resources.create(ROLE, {"RoleName": name, "AssumeRolePolicyDocument": json.loads(TRUSTS_STACKS), "Description": ""})
    resources.create(SECRET, {"Name": name, "SecretString": secret})
    plane.run(plane.node.ledger.flush())
    files = [it for it in Path(plane.node.options.data).rglob("*") if it.is_file()]
    assert [it.name for it in files if secret.encode() in it.read_bytes()] == []


def test_a_test_in_a_patch_is_no_way_to_guess_what_is_not_shown(resources: Resources) -> None:
    identifier = resources.create(SECRET, {"SecretString": "a-guess"})["Identifier"]
    for guess in ("a-guess", "another"):
        patch = json.dumps([{"op": "test", "path": "/SecretString", "value": guess}])
        fault = refused(resources.client.update_resource, TypeName=SECRET, Identifier=identifier, PatchDocument=patch)
        assert (fault.code, "a-guess" in fault.message) == ("ValidationException", False)


# -- endless input -------------------------------------------------------------------------------------------


def bomb(plane: InProcess) -> list[str]:
    """Patches that make much of little."""
    start = {"op": "add", "path": "/Tags", "value": ["x" * 64]}
    doubled = [{"op": "copy", "from": "", "path": "/RedrivePolicy"} for _ in range(2000)]
    appended = [{"op": "copy", "from": "/Tags", "path": "/Tags/-"} for _ in range(2000)]
    return [
        json.dumps([start, *doubled]),
        json.dumps([start, *appended]),
        json.dumps([{"op": "add", "path": "/Tags", "value": json.loads("[" * 90 + "]" * 90)}]),
        "[" * 100_000,
        '[{"op": "add", "path": "/Tags/99999999999999999999", "value": 1}]',
        '[{"op": "add", "path": "", "value": []}]',
        '[{"op": "add", "value": 1}]',
        '[{"op": "add", "path": {"a": 1}, "value": 1}]',
        '[{"op": ["add"], "path": "/Tags", "value": 1}]',
        '[{"op": "copy", "from": 7, "path": "/Tags"}]',
        '[{"op": "move", "from": "", "path": "/Tags"}]',
        '[{"op": "frobnicate", "path": "/Tags"}]',
        '[{"op": "add", "path": "/~9", "value": 1}]',
        "[[]]",
        "null",
    ]


def test_no_patch_breaks_or_fills_the_plane(plane: InProcess, resources: Resources) -> None:
    url = queue(plane)
    for patch in bomb(plane):
        fault = refused(resources.client.update_resource, TypeName=QUEUE, Identifier=url, PatchDocument=patch)
        assert (fault.code, fault.status) == ("ValidationException", 400), patch[:80]


def test_nobody_fills_the_plane_with_requests(
    plane: InProcess, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MOST_UNDER_WAY", 3)
    client = Resources(plane, plane.account("777788889999")).client
    for _ in range(3):
        client.create_resource(TypeName=QUEUE, DesiredState="{}")
    assert refused(client.create_resource, TypeName=QUEUE, DesiredState="{}").code == "ThrottlingException"
    assert resources.create(QUEUE, {})["OperationStatus"] == "SUCCESS"
    assert client.create_resource(TypeName=QUEUE, DesiredState="{}")["ProgressEvent"]["Operation"] == "CREATE"


@pytest.mark.parametrize("state", ["", "{", "[]", "null", '"text"', "NaN", '{"a":' * 5000, '{"DelaySeconds": 1} x'])
def test_a_desired_state_that_is_no_object_is_refused(resources: Resources, state: str) -> None:
    request = {"TypeName": QUEUE, "DesiredState": state}
    fault = refused(Resources(resources._plane, parameter_validation=False).client.create_resource, **request)
    assert (fault.code, fault.status) == ("ValidationException", 400)


@pytest.mark.parametrize("kind", ["AWS::CloudFormation::Stack", "AWS::CloudFormation::WaitConditionHandle"])
def test_what_needs_a_stack_around_it_is_not_made(resources: Resources, kind: str) -> None:
    fault = refused(resources.client.create_resource, TypeName=kind, DesiredState="{}")
    assert fault.code in ("UnsupportedActionException", "TypeNotFoundException")


def test_a_key_of_another_account_reaches_no_resource_here(plane: InProcess, resources: Resources) -> None:
    url, away = queue(plane), Resources(plane, plane.account(AWAY))
    fault = refused(away.client.get_resource, TypeName=QUEUE, Identifier=url)
    assert fault.code in ("ResourceNotFoundException", "AccessDeniedException")
    assert away.delete(QUEUE, url)["OperationStatus"] == "FAILED"
    assert url in resources.listed(QUEUE)


def test_a_session_whose_role_has_lost_its_permissions_meanwhile_makes_nothing(plane: InProcess) -> None:
    name = fresh("session")
    iam = plane.client("iam")
    root = f"arn:aws:iam::{ACCOUNT}:root"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(AWS=root))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(allow(["cloudformation:*", "sqs:*"])))
    user = plane.user(fresh("assumes"), allow("sts:AssumeRole"))
    given = plane.client("sts", user).assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    key = Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    mine = Resources(plane, key)
    event = mine.client.create_resource(TypeName=QUEUE, DesiredState="{}")["ProgressEvent"]
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    failed = Resources(plane).settled(event)
    assert (failed["OperationStatus"], failed["ErrorCode"]) == ("FAILED", "AccessDenied")
