"""What the operations on identity providers, and the callers that they vouch for, are held against."""

from __future__ import annotations

from typing import Any

import pytest

from locum import authz
from locum.core.principal import Caller, FederatedClaims, Principal, PrincipalKind
from locum.state import OidcProvider, State, change, put
from support.authority import HOME, NOW, REGION, allow, role, trusting, user

PROVIDER = f"arn:aws:iam::{HOME}:oidc-provider/idp.example/realm"


def call(operation: str, caller: Caller, service: str = "iam", **params: Any) -> authz.Call:
    return authz.Call(service, operation, params, caller, REGION, NOW)


def checks(made: authz.Call, state: State | None = None) -> list[tuple[str, str]]:
    return [(check.action, check.resource) for check in authz.plan(state or State(), made).checks]


@pytest.mark.parametrize(
    "url", ["https://idp.example/realm", "http://idp.example/realm?x=1", "https://idp.example/realm#a"]
)
def test_a_new_provider_is_what_it_will_be_called(url: str) -> None:
    made = call("CreateOpenIDConnectProvider", Caller(Principal.root(HOME)), Url=url, Tags=[{"Key": "a", "Value": "b"}])
    assert checks(made) == [
        ("iam:CreateOpenIDConnectProvider", PROVIDER),
        ("iam:TagOpenIDConnectProvider", PROVIDER),
    ]


def test_the_tags_of_a_provider_are_known() -> None:
    key = {"Condition": {"StringEquals": {"aws:ResourceTag/team": "red", "iam:ResourceTag/team": "red"}}}
    ann = user("ann", allow("iam:GetOpenIDConnectProvider", PROVIDER, **key))
    provider = OidcProvider(account=HOME, url="idp.example/realm", created=1, tags={"team": "red"})
    made = call(
        "GetOpenIDConnectProvider",
        Caller(Principal.user(HOME, ann.arn, ann.id, ann.name)),
        OpenIDConnectProviderArn=PROVIDER,
    )
    for tags, allowed in (({"team": "red"}, True), ({"team": "blue"}, False)):
        tagged = OidcProvider(account=HOME, url=provider.url, created=1, tags=tags)
        state = change(State(), [put(ann), put(tagged)])
        assert authz.decide(state, made, authz.plan(state, made)).allowed is allowed


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        (PrincipalKind.WEB_IDENTITY, "AssumeRoleWithWebIdentity"),
        (PrincipalKind.SAML, "AssumeRoleWithSAML"),
    ],
)
def test_what_a_provider_says_is_asked_for_as_in_assume_role(kind: PrincipalKind, operation: str) -> None:
    federated_claims = FederatedClaims(
        tags={"a": "b"}, transitive_tag_keys=("a",), source_identity="ann", context={"idp:sub": "x"}
    )
    caller = Caller(Principal.federated(kind, PROVIDER, HOME, "id", "ann"), federated_claims=federated_claims)
    trusted = role(
        "app",
        trust=trusting(
            {"Federated": PROVIDER},
            f"sts:{operation}",
            "sts:TagSession",
            "sts:SetSourceIdentity",
            Condition={"StringEquals": {"idp:sub": "x", "aws:RequestTag/a": "b", "sts:SourceIdentity": "ann"}},
        ),
    )
    made = call(operation, caller, "sts", RoleArn=trusted.arn, RoleSessionName="me", **federated_claims.as_params())
    state = change(State(), [put(trusted)])
    plan = authz.plan(state, made)
    assert [check.action for check in plan.checks] == [f"sts:{operation}", "sts:TagSession", "sts:SetSourceIdentity"]
    assert authz.decide(state, made, plan).allowed


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": HOME}, {"Service": "ec2.amazonaws.com"}])
def test_who_is_vouched_for_is_named_under_federated_alone(principal: Any) -> None:
    caller = Caller(
        Principal.federated(PrincipalKind.SAML, PROVIDER, HOME, "id", "ann"), federated_claims=FederatedClaims()
    )
    named = principal if isinstance(principal, dict) else {"AWS": "*"}
    trusted = role("app", trust=trusting(named, "sts:AssumeRoleWithSAML"))
    made = call("AssumeRoleWithSAML", caller, "sts", RoleArn=trusted.arn)
    state = change(State(), [put(trusted)])
    verdict = authz.decide(state, made, authz.plan(state, made))
    assert not verdict.allowed
    assert verdict.fault().message == "Not authorized to perform sts:AssumeRoleWithSAML"


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"StringEquals": {"sts:RoleSessionName": "ann"}}, True),
        ({"StringEquals": {"sts:RoleSessionName": "bob"}}, False),
        ({"StringNotEquals": {"sts:RoleSessionName": "ann"}}, False),
        ({"Null": {"sts:RoleSessionName": "true"}}, False),
    ],
)
def test_the_session_name_that_a_saml_provider_sets_is_what_conditions_see(
    condition: dict[str, Any], allowed: bool
) -> None:
    federated_claims = FederatedClaims(context={"sts:rolesessionname": "ann"})
    caller = Caller(
        Principal.federated(PrincipalKind.SAML, PROVIDER, HOME, "id", "ann"), federated_claims=federated_claims
    )
    trusted = role("app", trust=trusting({"Federated": PROVIDER}, "sts:AssumeRoleWithSAML", Condition=condition))
    made = call("AssumeRoleWithSAML", caller, "sts", RoleArn=trusted.arn)
    state = change(State(), [put(trusted)])
    assert authz.decide(state, made, authz.plan(state, made)).allowed is allowed
