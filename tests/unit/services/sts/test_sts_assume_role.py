"""AssumeRole: what it answers, and what it refuses whatever the policies say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.core.principal import Caller, Principal, PrincipalKind, Session
from locum.credentials import open_session
from locum.services.sts import OPERATIONS
from support.one_account import ACCOUNT, ALLOW_ALL, NOW, OTHER, Plane, managed_policy, role

ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/team/App"
POLICY_ARN = f"arn:aws:iam::{ACCOUNT}:policy/readers"


@pytest.fixture
def sts() -> Plane:
    plane = Plane("sts", OPERATIONS)
    plane.having(role("App", path="/team/", max_session=7200), managed_policy())
    return plane


def assume(sts: Plane, **params: Any) -> dict[str, Any]:
    return sts.call("AssumeRole", **{"RoleArn": ROLE_ARN, "RoleSessionName": "job-1", **params})


def opened(sts: Plane, answer: dict[str, Any]) -> Session:
    credentials = answer["Credentials"]
    session, secret = open_session(sts.keyring, credentials["AccessKeyId"], credentials["SessionToken"])
    assert secret == credentials["SecretAccessKey"]
    return session


def chain(sts: Plane, answer: dict[str, Any]) -> None:
    """Calls are made with the credentials of `answer` from now on."""
    session = opened(sts, answer)
    principal = Principal.role_session(session.issuer_arn, session.issuer_id, session.name)
    sts.caller = Caller(principal, answer["Credentials"]["AccessKeyId"], session)


def refused(sts: Plane, **params: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        assume(sts, **params)
    return caught.value


def test_the_answer_names_the_session_without_the_roles_path(sts: Plane) -> None:
    answer = assume(sts)
    assert answer["AssumedRoleUser"] == {
        "AssumedRoleId": "AROAAPP:job-1",
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/App/job-1",
    }
    assert answer["Credentials"]["Expiration"] == NOW + 3600
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    assert "PackedPolicySize" not in answer
    assert "SourceIdentity" not in answer


def test_the_token_carries_all_that_was_passed(sts: Plane) -> None:
    tags = [{"Key": "Team", "Value": "red"}, {"Key": "Cost", "Value": ""}]
    answer = assume(
        sts,
        DurationSeconds=7200,
        Policy=ALLOW_ALL,
        PolicyArns=[{"arn": POLICY_ARN}, {"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
        Tags=tags,
        TransitiveTagKeys=["team"],
        SourceIdentity="ann",
    )
    assert answer["SourceIdentity"] == "ann"
    assert 0 < answer["PackedPolicySize"] < 20
    assert opened(sts, answer) == Session(
        kind=PrincipalKind.ROLE_SESSION,
        account=ACCOUNT,
        name="job-1",
        issuer_arn=ROLE_ARN,
        issuer_id="AROAAPP",
        issued_at=int(NOW),
        expires_at=int(NOW) + 7200,
        policy=ALLOW_ALL,
        policy_arns=(POLICY_ARN, "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        tags={"Team": "red", "Cost": ""},
        transitive_tag_keys=("Team",),
        source_identity="ann",
    )


def test_the_example_of_the_api_page_packs_to_what_the_page_shows(sts: Plane) -> None:
    policy = '{"Version":"2012-10-17","Statement":[{"Sid":"Stmt1","Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
    sts.having(managed_policy("demopolicy1"), managed_policy("demopolicy2"))
    answer = assume(
        sts,
        Policy=policy,
        PolicyArns=[{"arn": f"arn:aws:iam::{ACCOUNT}:policy/demopolicy{n}"} for n in (1, 2)],
        Tags=[
            {"Key": "Project", "Value": "Pegasus"},
            {"Key": "Team", "Value": "Engineering"},
            {"Key": "Cost-Center", "Value": "12345"},
        ],
        TransitiveTagKeys=["Project", "Cost-Center"],
    )
    assert answer["PackedPolicySize"] == 8


def test_a_user_assumes_a_role_of_another_account(sts: Plane) -> None:
    sts.having(role("App", account=OTHER))
    answer = assume(sts, RoleArn=f"arn:aws:iam::{OTHER}:role/App")
    assert opened(sts, answer).account == OTHER


def test_root_may_not_assume_a_role(sts: Plane) -> None:
    sts.signed_by(Principal.root(ACCOUNT))
    fault = refused(sts)
    assert (fault.code, fault.message, fault.status) == (
        "AccessDenied",
        "Roles may not be assumed by root accounts.",
        403,
    )


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:iam::{ACCOUNT}:role/missing",
        f"arn:aws:iam::{ACCOUNT}:role/App",
        f"arn:aws:iam::{ACCOUNT}:role/team/app",
        f"arn:aws:iam::{ACCOUNT}:user/team/App",
        f"arn:aws:iam::{OTHER}:role/team/App",
    ],
)
def test_a_role_that_is_not_there_is_denied_like_one_that_is_forbidden(sts: Plane, arn: str) -> None:
    fault = refused(sts, RoleArn=arn)
    assert fault.code == "AccessDenied"
    assert fault.message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: sts:AssumeRole on resource: {arn}"
    )


@pytest.mark.parametrize(
    "principal",
    [
        Principal.federated_user(ACCOUNT, "bob", f"arn:aws:iam::{ACCOUNT}:user/ann", "AIDAANN"),
        Principal.service("ec2.amazonaws.com"),
        Principal(PrincipalKind.ANONYMOUS, "*"),
    ],
)
def test_only_users_and_role_sessions_assume_roles(sts: Plane, principal: Principal) -> None:
    sts.signed_by(principal)
    assert refused(sts).code == "AccessDenied"


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({"DurationSeconds": 7201}, "ValidationError", "exceeds the MaxSessionDuration set for this role."),
        ({"DurationSeconds": 899}, "ValidationError", "greater than or equal to 900"),
        ({"DurationSeconds": 43201}, "ValidationError", "less than or equal to 43200"),
        ({"RoleArn": "not-an-arn-at-all-here"}, "ValidationError", "is invalid"),
        ({"RoleSessionName": "a b"}, "ValidationError", "'roleSessionName'"),
        ({"RoleSessionName": "a/../b"}, "ValidationError", "'roleSessionName'"),
        ({"RoleSessionName": "x" * 65}, "ValidationError", "'roleSessionName'"),
        ({"Policy": "{"}, "MalformedPolicyDocument", ""),
        ({"Policy": " " * 2049}, "ValidationError", "less than or equal to 2048"),
        ({"PolicyArns": [{"arn": POLICY_ARN}] * 11}, "ValidationError", "less than or equal to 10"),
        ({"PolicyArns": [{"arn": POLICY_ARN + "x"}]}, "ValidationError", "does not exist or is not attachable."),
        ({"PolicyArns": [{"arn": ROLE_ARN}]}, "ValidationError", "managed policy"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/Nope"}]}, "ValidationError", "does not exist"),
        ({"PolicyArns": [{"arn": f"arn:aws:iam::{OTHER}:policy/readers"}]}, "ValidationError", "does not exist"),
        ({"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, "ValidationError", "less than or equal to 50"),
        ({"Tags": [{"Key": "k" * 129, "Value": ""}]}, "ValidationError", "less than or equal to 128"),
        ({"Tags": [{"Key": "k", "Value": "v" * 257}]}, "ValidationError", "less than or equal to 256"),
        ({"Tags": [{"Key": "AWS:x", "Value": "v"}]}, "InvalidParameterValue", "reserved"),
        (
            {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]},
            "InvalidParameterValue",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        (
            {"TransitiveTagKeys": ["a"]},
            "InvalidParameterValue",
            "The specified transitive tag key must be included in the requested tags.",
        ),
        ({"SourceIdentity": "aws:me"}, "ValidationError", "reserved"),
        ({"SerialNumber": "arn:aws:iam::1:mfa/a"}, "AccessDenied", "must provide both"),
        ({"TokenCode": "123456"}, "AccessDenied", "must provide both"),
        ({"SerialNumber": "arn:aws:iam::1:mfa/a", "TokenCode": "123456"}, "AccessDenied", "unable to validate MFA"),
        ({"ProvidedContexts": [{"ProviderArn": "x", "ContextAssertion": "y"}]}, "ValidationError", "context"),
    ],
)
def test_what_is_not_within_the_rules_is_refused(sts: Plane, params: dict[str, Any], code: str, text: str) -> None:
    fault = refused(sts, **params)
    assert fault.code == code
    assert text in fault.message


def test_tags_that_do_not_compress_are_too_large_when_packed(sts: Plane) -> None:
    noise = [sts.entropy(128).hex() for _ in range(50)]
    fault = refused(sts, Tags=[{"Key": f"k{n}", "Value": value} for n, value in enumerate(noise)])
    assert fault.code == "PackedPolicyTooLarge"
    assert fault.message.startswith("Packed size of session tags consumes ")


def test_a_policy_that_does_not_compress_is_named_as_the_reason(sts: Plane) -> None:
    sts.having(managed_policy())
    noise = "".join(chr(0x21 + byte % 90) for byte in sts.entropy(1700)).replace("\\", "x").replace('"', "y")
    statement = f'{{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::{noise.replace("$", "z")}"}}'
    tags = [{"Key": f"k{n}", "Value": sts.entropy(16).hex()} for n in range(40)]
    fault = refused(sts, Policy=f'{{"Version":"2012-10-17","Statement":[{statement}]}}', Tags=tags)
    assert fault.code == "PackedPolicyTooLarge"
    assert "consumes" in fault.message


def test_a_chained_session_lasts_one_hour_at_most(sts: Plane) -> None:
    chain(sts, assume(sts, DurationSeconds=7200))
    fault = refused(sts, DurationSeconds=3601)
    assert fault.message == (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
    )
    chained = opened(sts, assume(sts, DurationSeconds=3600))
    assert chained.chained


def test_the_credentials_of_a_users_session_do_not_make_a_chain(sts: Plane) -> None:
    answer = sts.call("GetSessionToken")
    sts.caller = replace(sts.caller, session=opened(sts, answer))
    assert not opened(sts, assume(sts, DurationSeconds=7200)).chained


def test_transitive_tags_pass_down_a_chain_and_others_do_not(sts: Plane) -> None:
    tags = [{"Key": "Team", "Value": "red"}, {"Key": "Job", "Value": "1"}]
    chain(sts, assume(sts, Tags=tags, TransitiveTagKeys=["Team"]))
    second = assume(sts, Tags=[{"Key": "Step", "Value": "2"}], TransitiveTagKeys=["Step"])
    chain(sts, second)
    assert opened(sts, second).tags == {"Team": "red", "Step": "2"}
    third = opened(sts, assume(sts))
    assert third.tags == {"Team": "red", "Step": "2"}
    assert third.transitive_tag_keys == ("Team", "Step")


def test_an_inherited_tag_cannot_be_overridden(sts: Plane) -> None:
    chain(sts, assume(sts, Tags=[{"Key": "Team", "Value": "red"}], TransitiveTagKeys=["Team"]))
    fault = refused(sts, Tags=[{"Key": "TEAM", "Value": "blue"}])
    assert fault.code == "InvalidParameterValue"
    assert fault.message == (
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
        "from the calling session."
    )


def test_a_source_identity_sticks_and_cannot_be_changed(sts: Plane) -> None:
    chain(sts, assume(sts, SourceIdentity="ann"))
    assert assume(sts)["SourceIdentity"] == "ann"
    fault = refused(sts, SourceIdentity="bob")
    assert (fault.code, fault.message) == (
        "ValidationError",
        "The source identity is already set for this assume role session",
    )
