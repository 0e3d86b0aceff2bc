"""GetScopedCredentials: the same session with fewer permissions, a shorter life, or both."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.core.principal import Caller, Session, principal_of
from locum.credentials import open_session
from locum.services.sts import OPERATIONS
from locum.services.sts.scoped import LONGEST_TOKEN, MOST_SCOPES
from support.authority import World, allow, as_role, as_user, deny, document, role, session_of, user
from support.one_account import NOW, Plane

APP = role("app", allow("*"), path="/team/")
LIST = document(allow("s3:ListBucket"))
ANYTHING = document(allow("*"))


@pytest.fixture
def sts() -> Plane:
    plane = Plane("sts", OPERATIONS)
    called_by(plane, session_of(APP, source_identity="ann", tags={"ns": "a"}, expires_at=int(NOW) + 1800))
    return plane


def called_by(plane: Plane, session: Session) -> None:
    plane.caller = Caller(principal_of(session), "ASIAEXAMPLE", session)


def scoped(plane: Plane, **params: Any) -> tuple[dict[str, Any], Session]:
    """The answer, and the session of the credentials in it."""
    answer = plane.call("GetScopedCredentials", **params)
    credentials = answer["Credentials"]
    session, _ = open_session(plane.keyring, credentials["AccessKeyId"], credentials["SessionToken"])
    return answer, session


def refused(plane: Plane, **params: Any) -> str:
    with pytest.raises(Fault) as caught:
        plane.call("GetScopedCredentials", **params)
    return caught.value.code


def test_the_session_stays_the_same_and_gets_one_more_policy(sts: Plane) -> None:
    before = sts.caller.session
    assert before is not None
    answer, session = scoped(sts, Policy=LIST)
    assert session.scopes == (LIST,)
    assert (session.name, session.issuer_arn, session.tags) == (before.name, before.issuer_arn, before.tags)
    assert (session.issued_at, session.expires_at) == (before.issued_at, before.expires_at)
    assert answer["SessionInfo"] == {
        "ScopedSessionId": sts.caller.principal.user_id,
        "Arn": sts.caller.principal.arn,
    }
    assert (answer["ScopedPoliciesCount"], answer["SourceIdentity"]) == (1, "ann")
    assert answer["SessionTokenSize"] == len(answer["Credentials"]["SessionToken"])


def test_the_life_is_shortened_and_never_prolonged(sts: Plane) -> None:
    answer, session = scoped(sts, DurationSeconds=60)
    assert answer["Credentials"]["Expiration"] == session.expires_at == NOW + 60
    assert answer["ScopedPoliciesCount"] == 0
    assert scoped(sts, DurationSeconds=1800)[1].expires_at == NOW + 1800
    assert refused(sts, DurationSeconds=1801) == "InsufficientSessionLifetime"


def test_a_session_has_three_layers_at_most(sts: Plane) -> None:
    for layer in range(MOST_SCOPES):
        answer, session = scoped(sts, Policy=LIST)
        assert answer["ScopedPoliciesCount"] == layer + 1
        called_by(sts, session)
    assert refused(sts, Policy=LIST) == "AccessDenied"
    assert scoped(sts, DurationSeconds=60)[0]["ScopedPoliciesCount"] == MOST_SCOPES


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "ValidationError"),
        ({"ScopedSessionDescription": "nothing else"}, "ValidationError"),
        ({"Policy": "{"}, "MalformedPolicyDocument"),
        (
            {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]})},
            "MalformedPolicyDocument",
        ),
    ],
)
def test_what_is_not_within_the_rules_is_refused(sts: Plane, params: dict[str, Any], code: str) -> None:
    assert refused(sts, **params) == code


@pytest.mark.parametrize("least", [0, 1500, LONGEST_TOKEN])
def test_the_token_is_as_long_as_was_asked_for(sts: Plane, least: int) -> None:
    answer, session = scoped(sts, Policy=LIST, MinimumSessionTokenSize=least)
    assert answer["SessionTokenSize"] >= least
    assert 0 < answer["SessionTokenUtilization"] <= 100
    called_by(sts, session)
    assert scoped(sts, Policy=LIST)[0]["SessionTokenSize"] < 1000


# -- what the credentials may do ---------------------------------------------------------------------------------

BUCKET = {"Bucket": "b"}


def test_every_layer_must_allow() -> None:
    world = World().having(APP)
    for scopes, allowed in [
        ((), True),
        ((LIST,), True),
        ((LIST, ANYTHING), True),
        ((LIST, document(allow("s3:Get*"))), False),
    ]:
        assert world.allows(as_role(APP, scopes=scopes), "s3:ListObjectsV2", **BUCKET) is allowed
    refusal = world.refusal(as_role(APP, scopes=(LIST,)), "s3:GetBucketPolicy", **BUCKET)
    assert "because no session policy allows the s3:GetBucketPolicy action" in refusal


def test_a_layer_grants_nothing_that_the_session_has_not() -> None:
    poor = role("poor", allow("sqs:*"))
    world = World().having(poor)
    assert not world.allows(as_role(poor, scopes=(ANYTHING,)), "s3:ListObjectsV2", **BUCKET)


def test_a_deny_in_a_layer_is_explicit() -> None:
    world = World().having(APP)
    scopes = (document(allow("*"), deny("s3:*")),)
    refusal = world.refusal(as_role(APP, scopes=scopes), "s3:ListObjectsV2", **BUCKET)
    assert "with an explicit deny in a session policy" in refusal


def test_a_trust_policy_that_names_the_session_does_not_get_round_a_layer() -> None:
    session = as_role(APP, "s1", scopes=(LIST,))
    trust = document({"Effect": "Allow", "Principal": {"AWS": session.principal.arn}, "Action": "sts:AssumeRole"})
    other = role("other", trust=trust)
    world = World().having(APP, other)
    params = {"RoleArn": other.arn, "RoleSessionName": "next"}
    assert world.allows(as_role(APP, "s1"), "sts:AssumeRole", **params)
    assert not world.allows(session, "sts:AssumeRole", **params)


def test_long_term_keys_cannot_be_scoped_and_the_sessions_of_users_can() -> None:
    ann = user("ann", allow("*"))
    world = World().having(ann)
    scope = {"Policy": LIST}
    assert "without session credentials" in world.refusal(as_user(ann), "sts:GetScopedCredentials", **scope)
    of_user = session_of(APP, kind=as_user(ann).principal.kind, issuer_arn=ann.arn, issuer_id=ann.id)
    assert world.allows(as_user(ann, of_user), "sts:GetScopedCredentials", **scope)
