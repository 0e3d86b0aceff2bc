"""AssumeRoleWithWebIdentity through the whole plane: real keys, an issuer on this machine, boto3 on the other side."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.federation import ACCOUNT, ACTION, AUDIENCE, DENIED, OTHER, World, key_of
from support.inprocess import InProcess, Key, refusal
from support.issuer import Issuer, signed


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer().serving() as serving:
        yield serving


@pytest.fixture(scope="module")
def world(plane: InProcess, issuer: Issuer) -> World:
    return World(plane, issuer)


def test_a_token_of_the_provider_is_a_session_of_the_role(world: World) -> None:
    answer = world.assume(signed(world.claims()))
    assert answer["SubjectFromWebIdentityToken"] == "alice"
    assert answer["Provider"] == world.provider
    assert answer["Audience"] == AUDIENCE
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/trusting/session"
    assert {"PackedPolicySize", "SourceIdentity"}.isdisjoint(answer)
    told = answer["Credentials"]
    attached = Key(told["AccessKeyId"], told["SecretAccessKey"], told["SessionToken"])
    assert world.plane.client("sts", attached).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]


def test_the_call_needs_no_signature_and_its_token_is_not_in_the_record(world: World) -> None:
    request = world.plane.request(
        "sts",
        "assume_role_with_web_identity",
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/trusting",
        RoleSessionName="session",
        WebIdentityToken=signed(world.claims(sub="bob")),
    )
    assert "authorization" not in request.headers
    assert world.plane.send(request).status == 200
    record = world.plane.records(1)[0]
    assert (record.operation, record.account, record.error_code) == ("AssumeRoleWithWebIdentity", ACCOUNT, "")
    assert record.parameters["webIdentityToken"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert (record.identity.kind, record.identity.name) == ("web-identity", "bob")
    assert record.identity.user_id == f"{world.provider}:{AUDIENCE}:bob"
    assert record.identity.provider == world.provider


def test_cloudtrail_says_who_was_vouched_for(world: World) -> None:
    world.assume(signed(world.claims(sub="carol")))
    events = world.plane.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "AssumeRoleWithWebIdentity"}], MaxResults=1
    )["Events"]
    identity = json.loads(events[0]["CloudTrailEvent"])["userIdentity"]
    assert identity == {
        "type": "WebIdentityUser",
        "principalId": f"{world.provider}:{AUDIENCE}:carol",
        "userName": "carol",
        "identityProvider": world.provider,
    }


# --- the trust policy ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("principal", "action", "let_in"),
    [
        ({"Federated": "PROVIDER"}, ACTION, True),
        ({"Federated": ["accounts.google.com", "PROVIDER"]}, ACTION, True),
        ({"Federated": "PROVIDER"}, "sts:AssumeRole*", True),
        ({"Federated": "PROVIDER"}, "sts:AssumeRole", False),
        ({"Federated": "PROVIDER"}, "sts:AssumeRoleWithSAML", False),
        ({"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/another.example"}, ACTION, False),
        ({"Federated": f"arn:aws:iam::{OTHER}:oidc-provider/HOST"}, ACTION, False),
        ("*", ACTION, False),
        ({"AWS": "*"}, ACTION, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, ACTION, False),
    ],
)
def test_only_federated_lets_a_web_identity_in(world: World, principal: Any, action: str, let_in: bool) -> None:
    spelled = json.loads(json.dumps(principal).replace("PROVIDER", world.provider).replace("HOST", world.issuer.host))
    name = world.role_that({"Effect": "Allow", "Principal": spelled, "Action": action})
    if let_in:
        assert world.assume(signed(world.claims()), name)
    else:
        assert world.refused(signed(world.claims()), name) == DENIED


def test_a_role_that_is_not_there_is_a_forbidden_one(world: World) -> None:
    assert world.refused(signed(world.claims()), "nowhere") == DENIED


def test_a_deny_for_everybody_is_one_for_a_web_identity(world: World) -> None:
    world.role("denying", world.trust(), {"Effect": "Deny", "Principal": "*", "Action": ACTION})
    assert world.refused(signed(world.claims()), "denying") == DENIED


@pytest.mark.parametrize(
    ("operator", "name", "value", "claims", "let_in"),
    [
        ("StringEquals", "sub", "alice", {}, True),
        ("StringEquals", "sub", "alice", {"sub": "mallory"}, False),
        ("StringLike", "sub", "repo:org/*", {"sub": "repo:org/app:ref:refs/heads/main"}, True),
        ("StringEquals", "aud", AUDIENCE, {}, True),
        ("StringEquals", "aud", "app", {"aud": "other", "azp": "app"}, True),
        ("StringEquals", "oaud", "other", {"aud": "other", "azp": "app"}, True),
        ("StringEquals", "email", "a@example.com", {"email": "a@example.com"}, True),
        ("ForAnyValue:StringEquals", "amr", "mfa", {"amr": ["pwd", "mfa"]}, True),
        ("ForAnyValue:StringEquals", "amr", "mfa", {"amr": ["pwd"]}, False),
        ("StringEquals", "department", "sales", {"department": "sales"}, False),
    ],
)
def test_claims_are_condition_keys_of_the_trust_policy(
    world: World,
    operator: str,
    name: str,
    value: str,
    claims: dict[str, Any],
    let_in: bool,
) -> None:
    role = world.role_that(world.trust(**{operator: {f"{world.issuer.host}:{name}": value}}))
    token = signed(world.claims(**claims))
    if let_in:
        assert world.assume(token, role)
    else:
        assert world.refused(token, role) == DENIED


TAGGED = {
    "https://aws.amazon.com/tags": {
        "principal_tags": {"Project": ["Automation"], "Team": "Red"},
        "transitive_tag_keys": ["Project"],
    }
}
FLAT = {
    "https://aws.amazon.com/tags/principal_tags/Project": "Automation",
    "https://aws.amazon.com/tags/transitive_tag_keys": ["Project"],
}


@pytest.mark.parametrize("claims", [TAGGED, FLAT], ids=["nested", "flat"])
def test_session_tags_of_a_token_take_a_permission_of_their_own(
    world: World, claims: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    role = f"tagged-{request.node.callspec.id}"
    world.role(f"un{role}", world.trust())
    tags = {
        "StringEquals": {"aws:RequestTag/project": "Automation"},
        "ForAllValues:StringEquals": {"sts:TransitiveTagKeys": ["Project"]},
    }
    world.role(role, world.trust(), world.trust("sts:TagSession", **tags))
    token = signed(world.claims(**claims))
    assert world.refused(token, f"un{role}") == ("AccessDenied", 403, "Not authorized to perform sts:TagSession")
    answer = world.assume(token, role)
    assert answer["PackedPolicySize"] > 0
    session = world.session(answer)
    assert session.tags["Project"] == "Automation"
    assert session.transitive_tag_keys == ("Project",)


def test_a_source_identity_of_a_token_takes_a_permission_and_stays(world: World) -> None:
    token = signed(world.claims(**{"https://aws.amazon.com/source_identity": "alice"}))
    assert world.refused(token) == ("AccessDenied", 403, "Not authorized to perform sts:SetSourceIdentity")
    world.role("sourced", world.trust("sts:SetSourceIdentity", StringEquals={"sts:SourceIdentity": "alice"}))
    answer = world.assume(token, "sourced")
    assert answer["SourceIdentity"] == "alice"
    assert world.session(answer).source_identity == "alice"


@pytest.mark.parametrize(
    "claims",
    [
        {"https://aws.amazon.com/tags": ["Project"]},
        {"https://aws.amazon.com/tags": {"principal_tags": {"Project": ["a", "b"]}}},
        {"https://aws.amazon.com/tags": {"principal_tags": {"Project": 1}}},
        {"https://aws.amazon.com/tags": {"transitive_tag_keys": [1]}},
        {"https://aws.amazon.com/source_identity": "not one"},
        {"https://aws.amazon.com/source_identity": "aws:root"},
        {"https://aws.amazon.com/source_identity": 7},
    ],
)
def test_claims_for_sts_that_make_no_sense_are_rejected(world: World, claims: dict[str, Any]) -> None:
    (name,) = claims
    assert world.refused(signed(world.claims(**claims))) == (
        "IDPRejectedClaim",
        403,
        f"The claim {name} is not valid.",
    )


def test_a_token_may_say_which_roles_it_is_for(world: World) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/trusting"
    assert world.assume(signed(world.claims(**{"https://aws.amazon.com/roles": [arn]})))
    code, status, _ = world.refused(signed(world.claims(**{"https://aws.amazon.com/roles": f"{arn}2"})))
    assert (code, status) == ("InvalidIdentityToken", 400)
    world.role("pinned", world.trust(Bool={"sts:RoleAuthorizedByIdp": "true"}))
    assert world.refused(signed(world.claims()), "pinned") == DENIED
    pinned = {"https://aws.amazon.com/roles": f"arn:aws:iam::{ACCOUNT}:role/pinned"}
    assert world.assume(signed(world.claims(**pinned)), "pinned")


# --- the session ---------------------------------------------------------------------------------------------


def test_claims_stay_condition_keys_in_the_session(world: World) -> None:
    world.role("lasting", world.trust())
    condition = {
        "StringEquals": {f"{world.issuer.host}:sub": "alice", "aws:FederatedProvider": world.provider},
        "ForAnyValue:StringEquals": {f"{world.issuer.host}:amr": "mfa"},
    }
    allow = {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*", "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": allow})
    world.iam.put_role_policy(RoleName="lasting", PolicyName="may", PolicyDocument=document)
    answer = world.assume(signed(world.claims(amr=["mfa"])), "lasting")
    world.plane.client("iam", key_of(answer)).list_users()
    record = world.plane.records(1)[0]
    assert record.identity.provider == world.provider
    for claims in ({"amr": ["pwd"]}, {"amr": ["mfa"], "sub": "bob"}):
        attached = key_of(world.assume(signed(world.claims(**claims)), "lasting"))
        assert refusal(world.plane.client("iam", attached).list_users)[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"DurationSeconds": 3601}, "ValidationError"),
        ({"DurationSeconds": 899}, "ValidationError"),
        ({"RoleSessionName": "nämlich"}, "ValidationError"),
        ({"RoleArn": "arn:aws:sts::000000000000:assumed-role/trusting/x"}, "ValidationError"),
        ({"RoleArn": "arn:aws:iam::000000000000:user/trusting"}, "ValidationError"),
        ({"Policy": "{"}, "MalformedPolicyDocument"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/Nothing"}]}, "ValidationError"),
    ],
)
def test_parameters_are_judged_as_in_assume_role(world: World, params: dict[str, Any], code: str) -> None:
    assert world.refused(signed(world.claims()), **params)[0] == code


def test_the_session_lasts_as_long_as_is_asked_for(world: World) -> None:
    answer = world.assume(signed(world.claims()), DurationSeconds=900)
    assert abs(answer["Credentials"]["Expiration"].timestamp() - time.time() - 900) < 60
    policy = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}})
    assert world.assume(signed(world.claims()), Policy=policy)["PackedPolicySize"] > 0
