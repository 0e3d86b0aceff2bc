"""A recorded call can be decided on again: with the same outcome on the same state, with another after a change."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from locum.audit import Record
from locum.calls.replay import decided_again, doubt_after
from locum.core.resources import ResourceFacts
from locum.wire.redact import HIDDEN
from support.inprocess import InProcess, Key


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def attempted(plane: InProcess, key: Key, service: str, operation: str, **params: Any) -> Record:
    """The record of a call, whatever came of it."""
    client = plane.client(service, key)
    with suppress(client.exceptions.ClientError):
        getattr(client, operation)(**params)
    return plane.records(1)[0]


def again(plane: InProcess, record: Record, **facts: ResourceFacts) -> str:
    """The verdict on `record` now, in the words of a record."""
    decided = decided_again(record, plane.node.ledger.state, facts)
    assert decided is not None
    return "allow" if decided.allowed else str(decided.failing and decided.failing.decision.verdict)


def test_a_decision_depends_on_what_was_asked_for(plane: InProcess) -> None:
    tagged = allow("iam:CreateRole", Condition={"StringEquals": {"aws:RequestTag/team": "red"}})
    key = plane.user("tagger", tagged, allow("iam:TagRole"))
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    red = [{"Key": "team", "Value": "red"}]
    plain = attempted(plane, key, "iam", "create_role", RoleName="plain", AssumeRolePolicyDocument=trust, Tags=red)
    other = attempted(plane, key, "iam", "create_role", RoleName="other", AssumeRolePolicyDocument=trust)
    assert (other.verdict, again(plane, other)) == ("implicit-deny", "IMPLICIT_DENY")
    assert (plain.verdict, again(plane, plain)) == ("allow", "allow")


def test_the_session_policy_of_a_session_is_in_its_records(plane: InProcess) -> None:
    iam = plane.client("iam")
    user = plane.user("assuming", allow("sts:AssumeRole"))
    account = plane.client("sts").get_caller_identity()["Account"]
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="limited", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("iam:*")]})
    iam.put_role_policy(RoleName="limited", PolicyName="all", PolicyDocument=document)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow("iam:GetUser")]})
    made = plane.client("sts", user).assume_role(RoleArn=role, RoleSessionName="s1", Policy=policy)["Credentials"]
    key = Key(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    denied = attempted(plane, key, "iam", "list_users")
    assert denied.identity.policy == policy
    assert again(plane, denied) == "IMPLICIT_DENY"
    allowed = attempted(plane, key, "iam", "get_user", UserName="assuming")
    assert (allowed.verdict, again(plane, allowed)) == ("allow", "allow")
    iam.delete_role_policy(RoleName="limited", PolicyName="all")
    assert again(plane, allowed) == "IMPLICIT_DENY"


def test_what_a_backend_knew_is_given_again(plane: InProcess) -> None:
    key = plane.user("reader", allow("s3:GetObject", "arn:aws:s3:::kept/*"))
    plane.client("s3").create_bucket(Bucket="kept")
    record = attempted(plane, key, "s3", "get_object", Bucket="kept", Key="a")
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::kept/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = "arn:aws:s3:::kept/a"
    assert again(plane, record) == "allow"
    assert again(plane, record, **{arn: ResourceFacts("000000000000", policy)}) == "EXPLICIT_DENY"


def test_nothing_secret_is_kept_for_it(plane: InProcess) -> None:
    key = plane.user("changing", allow("iam:*"))
    record = attempted(plane, key, "iam", "create_login_profile", UserName="changing", Password="Hush-hush-12345")
    assert "Hush-hush" not in repr(record)
    assert key.secret_access_key not in repr(record)


def test_a_condition_on_content_that_the_record_hides_leaves_a_doubt(plane: InProcess) -> None:
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}}
    key = plane.user("dynamic", allow("dynamodb:GetItem", Condition=own))
    record = attempted(plane, key, "dynamodb", "get_item", TableName="t", Key={"k": {"S": "mine"}})
    assert (record.verdict, record.parameters["key"]) == ("allow", HIDDEN)
    decided = decided_again(record, plane.node.ledger.state, {})
    assert decided is not None
    assert not decided.allowed  # not true by accident, as ForAllValues is of nothing
    assert doubt_after(decided, lambda _: False) == "a condition asks for a value that the record hides"
