"""GetCallerIdentity, GetAccessKeyInfo, GetSessionToken, GetFederationToken."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.errors import Fault
from locum.core.identifiers import access_key_id
from locum.core.principal import ANONYMOUS, Principal, PrincipalKind, Session
from locum.credentials import open_session
from locum.services.sts import OPERATIONS
from support.one_account import ACCOUNT, ALLOW_ALL, NOW, USER, Plane, managed_policy

ROOT = Principal.root(ACCOUNT)
ROLE_SESSION = Principal.role_session(f"arn:aws:iam::{ACCOUNT}:role/a/App", "AROAAPP", "job")
FEDERATED = Principal.federated_user(ACCOUNT, "bob", USER.arn, USER.unique_id)


@pytest.fixture
def sts() -> Plane:
    plane = Plane("sts", OPERATIONS)
    plane.having(managed_policy())
    return plane


def opened(sts: Plane, answer: dict[str, Any]) -> Session:
    return open_session(sts.keyring, answer["Credentials"]["AccessKeyId"], answer["Credentials"]["SessionToken"])[0]


def refused(sts: Plane, operation: str, **params: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        sts.call(operation, **params)
    return caught.value


@pytest.mark.parametrize(
    ("principal", "user_id", "arn"),
    [
        (ROOT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"),
        (USER, "AIDAANN", f"arn:aws:iam::{ACCOUNT}:user/ann"),
        (ROLE_SESSION, "AROAAPP:job", f"arn:aws:sts::{ACCOUNT}:assumed-role/App/job"),
        (FEDERATED, f"{ACCOUNT}:bob", f"arn:aws:sts::{ACCOUNT}:federated-user/bob"),
    ],
)
def test_every_kind_of_caller_is_told_who_it_is(sts: Plane, principal: Principal, user_id: str, arn: str) -> None:
    sts.signed_by(principal)
    assert sts.call("GetCallerIdentity") == {"UserId": user_id, "Account": ACCOUNT, "Arn": arn}


def test_nobody_has_no_identity(sts: Plane) -> None:
    sts.signed_by(ANONYMOUS)
    assert refused(sts, "GetCallerIdentity").code == "MissingAuthenticationToken"


def test_a_key_tells_its_account(sts: Plane) -> None:
    for prefix in ("AKIA", "ASIA"):
        key_id = access_key_id(prefix, "987654321098", sts.entropy)
        assert sts.call("GetAccessKeyInfo", AccessKeyId=key_id) == {"Account": "987654321098"}


@pytest.mark.parametrize("key_id", ["AKIAAAAAAAAAAAAAAAA1", "AROAIOSFODNN7EXAMPLE", "x" * 20])
def test_what_is_no_access_key_id_is_refused(sts: Plane, key_id: str) -> None:
    assert refused(sts, "GetAccessKeyInfo", AccessKeyId=key_id).code == "ValidationError"


@pytest.mark.parametrize(
    ("principal", "asked", "lasts"),
    [
        (USER, {}, 43_200),
        (USER, {"DurationSeconds": 900}, 900),
        (USER, {"DurationSeconds": 129_600}, 129_600),
        (ROOT, {}, 3_600),
        (ROOT, {"DurationSeconds": 129_600}, 3_600),
        (ROOT, {"DurationSeconds": 900}, 900),
    ],
)
@pytest.mark.parametrize("operation", ["GetSessionToken", "GetFederationToken"])
def test_a_session_lasts_as_asked_and_roots_an_hour_at_most(
    sts: Plane, operation: str, principal: Principal, asked: dict[str, int], lasts: int
) -> None:
    sts.signed_by(principal)
    named = {"Name": "bob"} if operation == "GetFederationToken" else {}
    answer = sts.call(operation, **asked, **named)
    assert answer["Credentials"]["Expiration"] == NOW + lasts


@pytest.mark.parametrize("principal", [USER, ROOT])
def test_a_session_token_speaks_for_the_same_principal(sts: Plane, principal: Principal) -> None:
    sts.signed_by(principal)
    session = opened(sts, sts.call("GetSessionToken"))
    assert (session.kind, session.name, session.issuer_arn, session.issuer_id) == (
        principal.kind,
        principal.name,
        principal.arn,
        principal.unique_id,
    )


@pytest.mark.parametrize("operation", ["GetSessionToken", "GetFederationToken"])
@pytest.mark.parametrize("principal", [ROLE_SESSION, FEDERATED, USER])
def test_a_session_makes_no_session(sts: Plane, operation: str, principal: Principal) -> None:
    held = opened(sts, sts.call("GetSessionToken"))
    sts.signed_by(principal, held)
    fault = refused(sts, operation, Name="bob")
    assert (fault.code, fault.message, fault.status) == (
        "AccessDenied",
        f"Cannot call {operation} with session credentials",
        403,
    )


@pytest.mark.parametrize("seconds", [899, 129_601])
def test_durations_out_of_range_are_refused(sts: Plane, seconds: int) -> None:
    assert refused(sts, "GetSessionToken", DurationSeconds=seconds).code == "ValidationError"


def test_a_second_factor_that_cannot_be_verified_is_refused(sts: Plane) -> None:
    fault = refused(sts, "GetSessionToken", SerialNumber="arn:aws:iam::1:mfa/a", TokenCode="123456")
    assert fault.message == (
        "MultiFactorAuthentication failed, unable to validate MFA code.  "
        "Please verify your MFA serial number is valid and associated with this user."
    )


def test_a_federated_session_without_policies_has_a_packed_size_of_nothing(sts: Plane) -> None:
    answer = sts.call("GetFederationToken", Name="bob")
    assert set(answer) == {"Credentials", "FederatedUser", "PackedPolicySize"}
    assert answer["PackedPolicySize"] == 0


def test_a_federated_session_carries_its_policies_and_tags(sts: Plane) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/readers"
    answer = sts.call(
        "GetFederationToken",
        Name="bob",
        Policy=ALLOW_ALL,
        PolicyArns=[{"arn": arn}],
        Tags=[{"Key": "Team", "Value": "red"}],
    )
    assert answer["FederatedUser"] == {
        "FederatedUserId": f"{ACCOUNT}:bob",
        "Arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob",
    }
    assert answer["PackedPolicySize"] > 0
    session = opened(sts, answer)
    assert session.kind is PrincipalKind.FEDERATED_USER
    assert (session.issuer_arn, session.issuer_id) == (USER.arn, USER.unique_id)
    assert (session.policy, session.policy_arns, session.tags) == (ALLOW_ALL, (arn,), {"Team": "red"})


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Policy": "[]"}, "MalformedPolicyDocument"),
        ({"PolicyArns": [{"arn": "nonsense"}]}, "ValidationError"),
        ({"Tags": [{"Key": "aws:x", "Value": ""}]}, "InvalidParameterValue"),
    ],
)
def test_a_federated_session_takes_no_broken_policies_or_tags(sts: Plane, params: dict[str, Any], code: str) -> None:
    assert refused(sts, "GetFederationToken", Name="bob", **params).code == code
