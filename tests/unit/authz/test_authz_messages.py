"""What a refused client is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from locum.core.principal import NOBODY, Caller, Principal, PrincipalKind, Session
from locum.core.resources import ResourceFacts
from support.authority import (
    HOME,
    NOW,
    REGION,
    World,
    allow,
    as_role,
    as_root,
    as_user,
    deny,
    document,
    role,
    trusting,
    user,
)

ANN = user("ann")
WHO = f"User: arn:aws:iam::{HOME}:user/ann is not authorized to perform: "
SILENT = "because no identity-based policy allows the {} action"

# operation, parameters, code, status, message
REFUSALS: list[tuple[str, dict[str, Any], str, int, str]] = [
    (
        "iam:GetUser",
        {},
        "AccessDenied",
        403,
        f"{WHO}iam:GetUser on resource: {ANN.arn} {SILENT.format('iam:GetUser')}",
    ),
    ("iam:ListUsers", {}, "AccessDenied", 403, f"{WHO}iam:ListUsers {SILENT.format('iam:ListUsers')}"),
    (
        "s3:GetObject",
        {"Bucket": "b", "Key": "k"},
        "AccessDenied",
        403,
        f'{WHO}s3:GetObject on resource: "arn:aws:s3:::b/k" {SILENT.format("s3:GetObject")}',
    ),
    (
        "ec2:TerminateInstances",
        {"InstanceIds": ["i-1"]},
        "UnauthorizedOperation",
        403,
        (
            f"You are not authorized to perform this operation. {WHO}ec2:TerminateInstances on resource: "
            f"arn:aws:ec2:{REGION}:{HOME}:instance/i-1 {SILENT.format('ec2:TerminateInstances')}"
        ),
    ),
    (
        "dynamodb:GetItem",
        {"TableName": "t"},
        "AccessDeniedException",
        400,
        (
            f"{WHO}dynamodb:GetItem on resource: arn:aws:dynamodb:{REGION}:{HOME}:table/t "
            f"{SILENT.format('dynamodb:GetItem')}"
        ),
    ),
    (
        "sns:CreateTopic",
        {"Name": "t"},
        "AuthorizationError",
        403,
        f"{WHO}sns:CreateTopic on resource: arn:aws:sns:{REGION}:{HOME}:t {SILENT.format('sns:CreateTopic')}",
    ),
    (
        "sqs:ListQueues",
        {},
        "AccessDenied",
        403,
        f"{WHO}sqs:ListQueues on resource: arn:aws:sqs:{REGION}:{HOME}: {SILENT.format('sqs:ListQueues')}",
    ),
    (
        "lambda:Invoke",
        {"FunctionName": "f"},
        "AccessDeniedException",
        403,
        (
            f"{WHO}lambda:InvokeFunction on resource: arn:aws:lambda:{REGION}:{HOME}:function:f "
            f"{SILENT.format('lambda:InvokeFunction')}"
        ),
    ),
    ("kms:ListKeys", {}, "AccessDeniedException", 400, f"{WHO}kms:ListKeys {SILENT.format('kms:ListKeys')}"),
]


@pytest.mark.parametrize(("operation", "params", "code", "status", "message"), REFUSALS)
def test_each_service_refuses_in_its_own_words(
    operation: str, params: dict[str, Any], code: str, status: int, message: str
) -> None:
    fault = World().having(ANN).ask(as_user(ANN), operation, **params).fault()
    assert (fault.code, fault.status, fault.message) == (code, status, message)


def _explicit(world: World) -> Caller:
    ann = user("ann", allow("*"), deny("sqs:*"))
    world.having(ann)
    return as_user(ann)


def _bounded(world: World) -> Caller:
    ann = user("ann", allow("*"), boundary="arn:aws:iam::aws:policy/AmazonSNSReadOnlyAccess")
    world.having(ann)
    return as_user(ann)


def _narrowed(world: World) -> Caller:
    app = role("app", allow("*"))
    world.having(app)
    return as_role(app, policy=document(allow("s3:*")))


@pytest.mark.parametrize(
    ("who", "ending"),
    [
        (_explicit, "with an explicit deny in an identity-based policy"),
        (_bounded, "because no permissions boundary allows the sqs:ListQueues action"),
        (_narrowed, "because no session policy allows the sqs:ListQueues action"),
    ],
)
def test_the_message_names_the_type_of_policy(who: Callable[[World], Caller], ending: str) -> None:
    world = World()
    assert world.refusal(who(world), "sqs:ListQueues").endswith(ending)


def test_an_explicit_deny_in_a_trust_policy_is_told_as_such() -> None:
    statement = json.loads(trusting("*"))["Statement"][0]
    app = role("app", trust=document(statement, {**statement, "Effect": "Deny"}))
    world = World().having(ANN, app)
    told = world.refusal(as_user(ANN), "sts:AssumeRole", RoleArn=app.arn, RoleSessionName="s")
    assert told == f"{WHO}sts:AssumeRole on resource: {app.arn} with an explicit deny in the role trust policy"


def test_a_resource_policy_that_is_missing_is_named_across_accounts() -> None:
    ann = user("ann", allow("s3:*"))
    world = World().having(ann)
    world.facts["arn:aws:s3:::theirs"] = ResourceFacts("999988887777")
    told = world.refusal(as_user(ann), "s3:GetObject", Bucket="theirs", Key="k")
    assert told.endswith("because no resource-based policy allows the s3:GetObject action")


def test_nobody_is_told_nothing_of_a_bucket() -> None:
    assert World().refusal(NOBODY, "s3:GetObject", Bucket="b", Key="k") == "Access Denied"


def test_the_record_names_the_deciding_statements() -> None:
    ann = user("ann", {**allow("sqs:*"), "Sid": "Queues"})
    verdict = World().having(ann).ask(as_user(ann), "sqs:ListQueues")
    assert verdict.determining == ('inline policy "own" of user ann#Queues',)


def test_an_explanation_is_json() -> None:
    app = role("app", allow("s3:GetObject", "arn:aws:s3:::b/x/*"))
    verdict = World().having(app).ask(as_role(app), "s3:GetObject", Bucket="b", Key="k")
    explained = json.loads(json.dumps(verdict.explanation()))
    assert explained["allowed"] is False
    assert explained["checks"][0]["action"] == "s3:GetObject"
    assert explained["checks"][0]["verdict"] == "IMPLICIT_DENY"


def test_an_allowed_call_has_no_fault() -> None:
    verdict = World().ask(as_root(), "sqs:ListQueues")
    with pytest.raises(ValueError, match="no fault"):
        verdict.fault()


def _token(caller: Caller, *, mfa: bool = False) -> Caller:
    principal = caller.principal
    session = Session(
        kind=principal.kind,
        account=HOME,
        name=principal.name,
        issuer_arn=principal.arn,
        issuer_id=principal.unique_id,
        issued_at=int(NOW),
        expires_at=int(NOW) + 900,
        mfa_at=int(NOW) if mfa else None,
    )
    return Caller(principal, "ASIAEXAMPLE", session)


ALL = user("ann", allow("*"))
FEDERATED = Caller(
    Principal.federated_user(HOME, "guest", ALL.arn, ALL.id),
    "ASIAEXAMPLE",
    Session(
        kind=PrincipalKind.FEDERATED_USER,
        account=HOME,
        name="guest",
        issuer_arn=ALL.arn,
        issuer_id=ALL.id,
        issued_at=int(NOW),
        expires_at=int(NOW) + 900,
        policy=document(allow("*")),
    ),
)
APP = role("app", allow("*"))


@pytest.mark.parametrize(
    ("caller", "operation", "code"),
    [
        (_token(as_user(ALL)), "iam:ListUsers", "InvalidClientTokenId"),
        (_token(as_user(ALL), mfa=True), "iam:ListUsers", None),
        (_token(as_user(ALL)), "sts:GetCallerIdentity", None),
        (_token(as_user(ALL)), "sts:GetSessionToken", "AccessDenied"),
        (_token(as_user(ALL)), "sts:GetAccessKeyInfo", "AccessDenied"),
        (_token(as_user(ALL)), "sqs:ListQueues", None),
        (_token(as_root()), "iam:ListUsers", "InvalidClientTokenId"),
        (FEDERATED, "iam:ListUsers", "InvalidClientTokenId"),
        (FEDERATED, "sts:AssumeRole", "AccessDenied"),
        (FEDERATED, "sts:GetCallerIdentity", None),
        (FEDERATED, "sqs:ListQueues", None),
        (as_role(APP), "sts:GetSessionToken", "AccessDenied"),
        (as_role(APP), "sts:GetFederationToken", "AccessDenied"),
        (as_role(APP), "iam:ListUsers", None),
        (as_root(), "sts:AssumeRole", "AccessDenied"),
        (as_root(), "iam:ListUsers", None),
    ],
)
def test_credentials_are_limited_by_their_kind(caller: Caller, operation: str, code: str | None) -> None:
    verdict = World().having(ALL, APP).ask(caller, operation)
    assert (None if verdict.allowed else verdict.fault().code) == code
