"""AssumeRoot: whose root access to whom, for which task."""

from __future__ import annotations

from dataclasses import replace as with_fields
from typing import Any

import pytest
from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.principal import Principal, PrincipalKind, Session
from locum.credentials import open_session
from locum.services.sts import OPERATIONS
from locum.state import AnyEntity
from support.one_account import NOW, Plane
from support.organization import IAM, MANAGEMENT, MEMBER, ROOT, STRANGER, member, organization, tree

TASK = "arn:aws:iam::aws:policy/root-task/"
TASKS = (
    "IAMAuditRootUserCredentials",
    "IAMCreateRootUserPassword",
    "IAMDeleteRootUserCredentials",
    "S3UnlockBucketPolicy",
    "SQSUnlockQueuePolicy",
)
BOTH = ("RootCredentialsManagement", "RootSessions")
BOSS = Principal.user(MANAGEMENT, f"arn:aws:iam::{MANAGEMENT}:user/boss", "AIDABOSS", "boss")
ENABLED: dict[str, Any] = {"features": BOTH, "services": {IAM: 1}}


@pytest.fixture
def sts() -> Plane:
    plane = Plane("sts", OPERATIONS)
    plane.having(*tree(**ENABLED), member("222233334444", ROOT, delegations={IAM: 1}))
    plane.signed_by(BOSS)
    return plane


def assume(sts: Plane, task: str = "IAMAuditRootUserCredentials", **params: Any) -> dict[str, Any]:
    return sts.call("AssumeRoot", **{"TargetPrincipal": MEMBER, "TaskPolicyArn": {"arn": TASK + task}, **params})


def refused(sts: Plane, task: str = "IAMAuditRootUserCredentials", **params: Any) -> tuple[str, int, str]:
    with pytest.raises(Fault) as caught:
        assume(sts, task, **params)
    return caught.value.code, caught.value.status, caught.value.message


def opened(sts: Plane, answer: dict[str, Any]) -> Session:
    given = answer["Credentials"]
    return open_session(sts.keyring, given["AccessKeyId"], given["SessionToken"])[0]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("target", [MEMBER, f"arn:aws:iam::{MEMBER}:root"])
def test_the_session_is_the_member_s_root_user_on_its_task(sts: Plane, task: str, target: str) -> None:
    answer = assume(sts, task, TargetPrincipal=target)
    assert set(answer) == {"Credentials"}
    assert answer["Credentials"]["Expiration"] == NOW + 900
    session = opened(sts, answer)
    assert session == Session(
        kind=PrincipalKind.ROOT,
        account=MEMBER,
        name=MEMBER,
        issuer_arn=BOSS.arn,
        issuer_id=BOSS.unique_id,
        issued_at=int(NOW),
        expires_at=int(NOW) + 900,
        policy_arns=(TASK + task,),
    )
    assert session.assumed_root


def test_it_may_be_shorter(sts: Plane) -> None:
    assert assume(sts, DurationSeconds=60)["Credentials"]["Expiration"] == NOW + 60


def test_the_delegated_administrator_for_iam_may(sts: Plane) -> None:
    sts.signed_by(Principal.user("222233334444", "arn:aws:iam::222233334444:user/d", "AIDAD", "d"))
    assert assume(sts)


def test_the_source_identity_of_the_caller_is_passed_on(sts: Plane) -> None:
    role = f"arn:aws:iam::{MANAGEMENT}:role/admin"
    session = Session(
        kind=PrincipalKind.ROLE_SESSION,
        account=MANAGEMENT,
        name="s",
        issuer_arn=role,
        issuer_id="AROA",
        issued_at=int(NOW),
        expires_at=int(NOW) + 900,
        source_identity="ann",
    )
    sts.signed_by(Principal.role_session(role, "AROA", "s"), session)
    answer = assume(sts)
    assert answer["SourceIdentity"] == "ann"
    assert opened(sts, answer).source_identity == "ann"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"TargetPrincipal": "arn:aws:iam::111122223333:user/x"}, "arn:aws:iam::111122223333:user/x is invalid"),
        ({"TargetPrincipal": "1111222233334"}, "1111222233334 is invalid"),
        (
            {"TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}},
            (
                "The task policy ARN arn:aws:iam::aws:policy/AdministratorAccess is not one of the supported root task "
                "policies."
            ),
        ),
        (
            {"DurationSeconds": 901},
            (
                "1 validation error detected: Value '901' at 'durationSeconds' failed to satisfy constraint: "
                "Member must have value less than or equal to 900"
            ),
        ),
        (
            {"DurationSeconds": -1},
            (
                "1 validation error detected: Value '-1' at 'durationSeconds' failed to satisfy constraint: "
                "Member must have value greater than or equal to 0"
            ),
        ),
    ],
)
def test_what_is_not_valid(sts: Plane, params: dict[str, Any], message: str) -> None:
    assert refused(sts, **params) == ("ValidationError", 400, message)


def denied(arn: str, target: str = MEMBER) -> tuple[str, int, str]:
    said = f"User: {arn} is not authorized to perform: sts:AssumeRoot on resource: arn:aws:iam::{target}:root"
    return "AccessDenied", 403, said


@pytest.mark.parametrize(
    "principal",
    [
        Principal.root(MANAGEMENT),
        Principal.user(MEMBER, f"arn:aws:iam::{MEMBER}:user/x", "AIDAX", "x"),
        Principal.user(STRANGER, f"arn:aws:iam::{STRANGER}:user/x", "AIDAX", "x"),
        Principal.federated_user(MANAGEMENT, "fed", BOSS.arn, "AIDABOSS"),
    ],
    ids=["the management account's root user", "a member", "a stranger", "a federated user"],
)
def test_who_may_not(sts: Plane, principal: Principal) -> None:
    sts.signed_by(principal)
    assert refused(sts) == denied(principal.arn)


@pytest.mark.parametrize("target", [MANAGEMENT, STRANGER, "123456789012"], ids=["management", "stranger", "nobody"])
def test_into_whom_nobody_gets(sts: Plane, target: str) -> None:
    assert refused(sts, TargetPrincipal=target) == denied(BOSS.arn, target)


@pytest.mark.parametrize(
    "entity",
    [
        member(status="SUSPENDED"),
        organization(**{**ENABLED, "features": ()}),
        organization(**{**ENABLED, "services": {}}),
    ],
    ids=["a closed account", "no feature", "no trusted access"],
)
def test_what_must_be_there(sts: Plane, entity: AnyEntity) -> None:
    sts.having(entity)
    assert refused(sts) == denied(BOSS.arn)


@pytest.mark.parametrize(
    ("feature", "tasks"),
    [
        ("RootCredentialsManagement", {"IAMAuditRootUserCredentials", "IAMDeleteRootUserCredentials"}),
        ("RootSessions", set(TASKS) - {"IAMDeleteRootUserCredentials"}),
    ],
)
def test_which_feature_is_for_which_task(sts: Plane, feature: str, tasks: set[str]) -> None:
    sts.having(replace(organization(**ENABLED), features=(feature,)))
    for task in TASKS:
        if task in tasks:
            assert assume(sts, task)
        else:
            assert refused(sts, task) == denied(BOSS.arn)


def test_a_session_of_getsessiontoken_is_no_root_session(sts: Plane) -> None:
    session = opened(sts, assume(sts))
    assert not with_fields(session, policy_arns=()).assumed_root
    assert not with_fields(session, kind=PrincipalKind.USER).assumed_root
