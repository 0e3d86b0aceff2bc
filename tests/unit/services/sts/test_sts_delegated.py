"""GetDelegatedAccessToken: whom an exchange token is good for, how long, and what for."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.principal import Principal, PrincipalKind, Session
from locum.credentials import open_session
from locum.credentials.delegation import seal_exchange_token
from locum.services.sts import OPERATIONS
from locum.state import DelegationRequest
from support.one_account import ACCOUNT, NOW, OTHER, Plane

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
APPROVER = Session(
    kind=PrincipalKind.ROLE_SESSION,
    account=ACCOUNT,
    name="ann",
    issuer_arn=f"arn:aws:iam::{ACCOUNT}:role/team/admin",
    issuer_id="AROAADMIN",
    issued_at=1,
    expires_at=2,
    tags={"team": "blue"},
    source_identity="ann",
    instance_id="i-0123",
)
REQUEST = DelegationRequest(
    account=OTHER,
    id="e4bdcdae-4f66-4000-8000-000000000001",
    workflow="w",
    template="t",
    policy=POLICY,
    channel="c",
    seconds=3600,
    owner_account=ACCOUNT,
    owner="o",
    owner_id="o",
    approver=APPROVER,
    approver_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/ann",
    stage="FINALIZED",
    created=int(NOW),
    updated=int(NOW),
)


@pytest.fixture
def plane() -> Plane:
    plane = Plane("sts", OPERATIONS)
    plane.having(REQUEST)
    plane.signed_by(Principal.root(OTHER))
    return plane


def token(plane: Plane, requestor: str = OTHER, request: str = REQUEST.id) -> str:
    return seal_exchange_token(plane.keyring, requestor, request, plane.entropy)


def refused(plane: Plane, given: str) -> tuple[str, str]:
    with pytest.raises(Fault) as caught:
        plane.call("GetDelegatedAccessToken", TradeInToken=given)
    return caught.value.code, caught.value.message


def test_the_credentials_are_the_approvers_under_the_policy_of_the_request(plane: Plane) -> None:
    plane.now = NOW + 600
    answer: dict[str, Any] = plane.call("GetDelegatedAccessToken", TradeInToken=token(plane))
    given = answer["Credentials"]
    session, secret = open_session(plane.keyring, given["AccessKeyId"], given["SessionToken"])
    assert secret == given["SecretAccessKey"]
    assert (session.kind, session.issuer_arn, session.name) == (APPROVER.kind, APPROVER.issuer_arn, "ann")
    assert (session.tags, session.source_identity, session.policy) == (APPROVER.tags, "ann", POLICY)
    assert (session.delegate, session.instance_id, session.issued_at) == (OTHER, "", NOW + 600)
    assert answer["AssumedPrincipal"] == REQUEST.approver_arn
    assert answer["PackedPolicySize"] > 0


@pytest.mark.parametrize("later", [0, 1200, 3599])
def test_all_credentials_of_one_token_expire_at_the_same_time(plane: Plane, later: int) -> None:
    plane.now = NOW + later
    answer = plane.call("GetDelegatedAccessToken", TradeInToken=token(plane))
    assert answer["Credentials"]["Expiration"] == NOW + 3600


def test_a_token_is_worth_nothing_when_the_access_has_ended(plane: Plane) -> None:
    plane.now = NOW + 3600
    assert refused(plane, token(plane)) == ("ExpiredTradeInTokenException", "The trade-in token has expired.")


def test_nobody_but_the_requestor_trades_a_token_in(plane: Plane) -> None:
    stolen = token(plane)
    plane.signed_by(Principal.root(ACCOUNT))
    assert refused(plane, stolen) == ("ValidationError", "Invalid trade-in token")


def test_a_token_for_another_request_of_another_account_is_none(plane: Plane) -> None:
    plane.having(replace(REQUEST, account=ACCOUNT, id="e4bdcdae-4f66-4000-8000-000000000002"))
    foreign = token(plane, OTHER, "e4bdcdae-4f66-4000-8000-000000000002")
    assert refused(plane, foreign) == ("ValidationError", "Invalid trade-in token")


@pytest.mark.parametrize("stage", ["ASSIGNED", "ACCEPTED", "REJECTED"])
def test_a_token_of_what_was_not_finalized_is_none(plane: Plane, stage: Any) -> None:
    plane.having(replace(REQUEST, stage=stage))
    assert refused(plane, token(plane)) == ("ValidationError", "Invalid trade-in token")


def altered(text: str) -> str:
    sealed = bytearray(base64.urlsafe_b64decode(text))
    sealed[-1] ^= 1
    return base64.urlsafe_b64encode(sealed).decode()


@pytest.mark.parametrize("forged", [altered, lambda text: text[:-4], lambda text: "x" * 5000, lambda text: "?"])
def test_a_forged_token_is_refused(plane: Plane, forged: Any) -> None:
    assert refused(plane, forged(token(plane))) == ("ValidationError", "Invalid trade-in token")
