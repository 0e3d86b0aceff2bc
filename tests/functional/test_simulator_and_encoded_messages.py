"""The policy simulator, and what a denial of EC2 holds for who may know, through a real plane and boto3."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.plane import ACCOUNT, REGION, Refusal, RunningPlane, allow, document, fresh, refused

MARK = " Encoded authorization failure message: "


def test_the_simulator_tells_beforehand_what_a_call_is_then_answered(plane: RunningPlane) -> None:
    bucket = plane.bucket(public=b"1", secret=b"2")
    name, key = plane.user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/public"))
    objects = {k: f"arn:aws:s3:::{bucket}/{k}" for k in ("public", "secret")}
    (result,) = plane.client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/{name}",
        ActionNames=["s3:GetObject"],
        ResourceArns=list(objects.values()),
        ContextEntries=[
            {"ContextKeyName": "aws:SourceIp", "ContextKeyType": "ip", "ContextKeyValues": ["10.0.0.1"]},
        ],
    )["EvaluationResults"]
    told = {found["EvalResourceName"]: found["EvalResourceDecision"] for found in result["ResourceSpecificResults"]}
    assert told == {objects["public"]: "allowed", objects["secret"]: "implicitDeny"}
    assert result["EvalDecisionDetails"] == {}
    (statement,) = result["MatchedStatements"]
    assert (statement["SourcePolicyId"], statement["SourcePolicyType"]) == (f"user_{name}_may", "IAM Policy")
    s3 = plane.client("s3", key)
    assert s3.get_object(Bucket=bucket, Key="public")["Body"].read() == b"1"
    assert refused(s3.get_object, Bucket=bucket, Key="secret").code == "AccessDenied"


def test_custom_policies_are_simulated_page_by_page(plane: RunningPlane) -> None:
    iam = plane.client("iam")
    asked: dict[str, Any] = {
        "PolicyInputList": [document(allow("s3:Get*", StringEquals={"aws:PrincipalTag/team": "red"}))],
        "ActionNames": ["s3:GetObject", "s3:GetBucketPolicy", "s3:PutObject"],
        "PaginationConfig": {"PageSize": 2},
    }
    pages = list(iam.get_paginator("simulate_custom_policy").paginate(**asked))
    results = [result for page in pages for result in page["EvaluationResults"]]
    assert [len(page["EvaluationResults"]) for page in pages] == [2, 1]
    assert {result["EvalDecision"] for result in results} == {"implicitDeny"}
    assert results[0]["MissingContextValues"] == ["aws:PrincipalTag/team"]
    keys = iam.get_context_keys_for_custom_policy(PolicyInputList=asked["PolicyInputList"])
    assert keys["ContextKeyNames"] == ["aws:PrincipalTag/team"]


def test_only_who_may_simulate_a_user_learns_what_it_may_do(plane: RunningPlane) -> None:
    other, _ = plane.user(allow("*"))
    asked: dict[str, Any] = {"PolicySourceArn": f"arn:aws:iam::{ACCOUNT}:user/{other}", "ActionNames": ["s3:GetObject"]}
    _, key = plane.user(allow("iam:SimulatePrincipalPolicy", f"arn:aws:iam::{ACCOUNT}:user/somebody-else"))
    refusal = refused(plane.client("iam", key).simulate_principal_policy, **asked)
    assert refusal.code == "AccessDenied"
    assert f"iam:SimulatePrincipalPolicy on resource: arn:aws:iam::{ACCOUNT}:user/{other}" in refusal.message
    _, key = plane.user(allow("iam:SimulatePrincipalPolicy", f"arn:aws:iam::{ACCOUNT}:user/{other}"))
    assert plane.client("iam", key).simulate_principal_policy(**asked)["EvaluationResults"]


def test_a_source_that_is_not_there_is_told_in_the_words_of_iam(plane: RunningPlane) -> None:
    source = f"arn:aws:iam::{ACCOUNT}:user/{fresh('nobody')}"
    asked: dict[str, Any] = {"PolicySourceArn": source, "ActionNames": ["s3:GetObject"]}
    refusal = refused(plane.client("iam").simulate_principal_policy, **asked)
    assert refusal[:3] == ("NoSuchEntity", 404, "Unable to retrieve specified IAM entity.")


# --- encoded authorization messages ------------------------------------------------------------------------------


def denied(plane: RunningPlane, *statements: dict[str, Any]) -> tuple[str, Refusal, str]:
    """A user to whom terminating an instance is refused: its name, the refusal, and the encoded message."""
    name, key = plane.user(*statements)
    terminate = plane.client("ec2", key).terminate_instances
    refusal = refused(terminate, InstanceIds=["i-00000000000000001"])
    text, mark, message = refusal.message.partition(MARK)
    assert mark == MARK
    assert text.startswith("You are not authorized to perform this operation. User: ")
    return name, refusal, message


def decoded(plane: RunningPlane, message: str) -> dict[str, Any]:
    answer = plane.client("sts").decode_authorization_message(EncodedMessage=message)
    found: dict[str, Any] = json.loads(answer["DecodedMessage"])
    return found


def test_a_denial_of_ec2_holds_why_for_who_may_decode_it(plane: RunningPlane) -> None:
    name, refusal, message = denied(plane, allow("ec2:DescribeInstances"))
    assert (refusal.code, refusal.status) == ("UnauthorizedOperation", 403)
    found = decoded(plane, message)
    assert (found["allowed"], found["explicitDeny"]) == (False, False)
    assert found["matchedStatements"] == found["failures"] == {"items": []}
    context = found["context"]
    assert context["principal"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"
    assert context["principal"]["id"].startswith("AIDA")
    assert context["action"] == "ec2:TerminateInstances"
    assert context["resource"] == f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-00000000000000001"
    keys = {
        item["key"]: [value["value"] for value in item["values"]["items"]] for item in context["conditions"]["items"]
    }
    assert keys["aws:requestedregion"] == [REGION]


def test_an_explicit_deny_names_its_statement(plane: RunningPlane) -> None:
    deny = allow("ec2:Terminate*", StringEquals={"aws:RequestedRegion": [REGION]}) | {"Effect": "Deny", "Sid": "Never"}
    _, _, message = denied(plane, allow("*"), deny)
    found = decoded(plane, message)
    assert found["explicitDeny"]
    (statement,) = found["matchedStatements"]["items"]
    assert (statement["statementId"], statement["effect"]) == ("Never", "DENY")
    assert statement["actions"] == {"items": [{"value": "ec2:Terminate*"}]}
    assert statement["resources"] == {"items": [{"value": "*"}]}
    assert statement["principals"]["items"][0]["value"].startswith("AIDA")
    assert statement["conditions"] == {
        "items": [{"key": "aws:RequestedRegion", "values": {"items": [{"value": REGION}]}}]
    }


def test_who_was_denied_may_not_decode_why(plane: RunningPlane) -> None:
    _, key = plane.user(allow("ec2:DescribeInstances"))
    refusal = refused(plane.client("ec2", key).terminate_instances, InstanceIds=["i-00000000000000001"])
    message = refusal.message.partition(MARK)[2]
    decode = plane.client("sts", key).decode_authorization_message
    assert refused(decode, EncodedMessage=message).code == "AccessDenied"
    _, allowed = plane.user(allow("sts:DecodeAuthorizationMessage"))
    assert plane.client("sts", allowed).decode_authorization_message(EncodedMessage=message)["DecodedMessage"]


@pytest.mark.parametrize("change", [lambda text: text[:-2], lambda text: "A" + text, lambda _: "made-up"])
def test_a_message_that_is_not_whole_is_invalid(plane: RunningPlane, change: Any) -> None:
    _, _, message = denied(plane)
    decode = plane.client("sts").decode_authorization_message
    refusal = refused(decode, EncodedMessage=change(message))
    assert (refusal.code, refusal.status) == ("InvalidAuthorizationMessageException", 400)


def test_other_services_give_no_message(plane: RunningPlane) -> None:
    _, key = plane.user()
    assert MARK not in refused(plane.client("iam", key).list_users).message


def test_a_message_is_never_too_long_to_be_decoded(plane: RunningPlane) -> None:
    statement = allow("ec2:Terminate*") | {"Effect": "Deny"}
    many = [
        {
            **statement,
            "Resource": f"arn:aws:ec2:*:{ACCOUNT}:instance/i-0000000000000000{number % 10}*",
            "Sid": f"S{number}",
        }
        for number in range(10)
    ]
    name, key = plane.user()
    iam = plane.client("iam")
    for number in range(6):
        arn = iam.create_policy(PolicyName=fresh(f"deny{number}"), PolicyDocument=document(*many))["Policy"]["Arn"]
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
    refusal = refused(plane.client("ec2", key).terminate_instances, InstanceIds=["i-00000000000000001"])
    message = refusal.message.partition(MARK)[2]
    assert len(message) <= 10_240
    assert decoded(plane, message)["explicitDeny"]
