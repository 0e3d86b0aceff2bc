"""The public names, the index, the derived keys, and what decision cases cannot say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum import policy
from locum.core.principal import ANONYMOUS, Principal, PrincipalKind, Session
from locum.policy import Policies, PolicyKind, Request, Source, Verdict, cases

ME = "111111111111"
ALICE = Principal.user(ME, f"arn:aws:iam::{ME}:user/alice", "AIDAEXAMPLEEXAMPLEEXA", "alice")


def made(*statements: dict[str, Any], kind: PolicyKind = PolicyKind.IDENTITY) -> policy.CompiledPolicy:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return policy.compile(policy.parse(text, kind), Source(kind))


def test_the_public_names() -> None:
    assert sorted(policy.__all__) == policy.__all__
    assert all(hasattr(policy, name) for name in policy.__all__)


def test_a_long_policy_finds_the_same_statements_as_a_short_one() -> None:
    statements = [
        {"Effect": "Allow", "Action": "s3:Get*", "Resource": [f"arn:aws:s3:::bucket{i}/*", f"arn:aws:s3:::b{i}/x"]}
        for i in range(200)
    ]
    statements += [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::bucket7/*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::${aws:username}/*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3"},
    ]
    long = made(*statements)
    for resource in ("arn:aws:s3:::bucket7/k", "arn:aws:s3:::b19/x", "arn:aws:s3:::alice/k", "arn:aws:sqs:::q"):
        request = Request(ALICE, "s3:GetObject", resource, ME, {})
        found = policy.evaluate(request, Policies(identity=(long,))).determining
        short = [i for i, s in enumerate(statements) if policy.matches(made(s), request)]
        assert [reference.number for reference in found] == short


def test_what_an_action_was_remembered_to_match_is_bounded_and_right() -> None:
    compiled = made({"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"})
    for i in range(3000):
        request = Request(ALICE, f"s3:{'Get' if i % 2 else 'Put'}{i}", "*", ME, {})
        assert policy.evaluate(request, Policies(identity=(compiled,))).allowed is bool(i % 2)


def test_a_web_identity_is_trusted_by_its_provider_only() -> None:
    role = f"arn:aws:iam::{ME}:role/r"
    provider = f"arn:aws:iam::{ME}:oidc-provider/id.example.com"
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": provider},
        "Condition": {"StringEquals": {"id.example.com:aud": "app"}},
    }
    policies = Policies(resource=made(statement, kind=PolicyKind.TRUST))
    for given, audience, allowed in ((provider, "app", True), (provider, "x", False), (provider + "x", "app", False)):
        context = {"id.example.com:aud": audience}
        request = Request(ANONYMOUS, "sts:AssumeRoleWithWebIdentity", role, ME, context, provider=given)
        assert policy.evaluate(request, policies).allowed is allowed
    everyone = Policies(resource=made(statement | {"Principal": "*"}, kind=PolicyKind.TRUST))
    request = Request(ANONYMOUS, "sts:AssumeRoleWithWebIdentity", role, ME, {"id.example.com:aud": "app"}, provider="x")
    assert policy.evaluate(request, everyone).verdict is Verdict.IMPLICIT_DENY


def test_a_canonical_user_is_the_account() -> None:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": {"CanonicalUser": "c4n0n1c4l"}}
    resource = made(statement, kind=PolicyKind.RESOURCE)
    full = made({"Effect": "Allow", "Action": "*", "Resource": "*"})
    for canonical, allowed in (("c4n0n1c4l", True), ("", False), ("other", False)):
        request = Request(ALICE, "s3:GetObject", "arn:aws:s3:::b/k", "222222222222", {}, canonical_user=canonical)
        assert policy.evaluate(request, Policies(identity=(full,), resource=resource)).allowed is allowed


def test_an_endpoint_policy_filters() -> None:
    full = made({"Effect": "Allow", "Action": "*", "Resource": "*"})
    narrow = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*", "Principal": "*"}
    request = Request(ALICE, "s3:GetObject", "arn:aws:s3:::b/k", ME, {})
    decision = policy.evaluate(request, Policies(identity=(full,), endpoint=made(narrow, kind=PolicyKind.RESOURCE)))
    assert decision.verdict is Verdict.IMPLICIT_DENY
    assert decision.reason("s3:GetObject") == "because no VPC endpoint policy allows the s3:GetObject action"


def test_the_keys_that_follow_from_the_principal() -> None:
    app = Principal.role_session(f"arn:aws:iam::{ME}:role/team/app", "AROAEXAMPLEEXAMPLEEXA", "run")
    session = Session(
        kind=PrincipalKind.ROLE_SESSION,
        account=ME,
        name="run",
        issuer_arn=app.issuer_arn,
        issuer_id=app.unique_id,
        issued_at=0,
        expires_at=1,
        tags={"Team": "red"},
        source_identity="bob",
    )
    assert policy.derived_context(app, session) == {
        "aws:principalarn": f"arn:aws:iam::{ME}:role/team/app",
        "aws:principalaccount": ME,
        "aws:principaltype": "AssumedRole",
        "aws:userid": "AROAEXAMPLEEXAMPLEEXA:run",
        "aws:principaltag/team": "red",
        "aws:sourceidentity": "bob",
    }
    assert policy.derived_context(ALICE)["aws:username"] == "alice"
    assert policy.derived_context(Principal.service("ec2.amazonaws.com")) == {}
    assert policy.derived_context(ANONYMOUS) == {"aws:principaltype": "Anonymous", "aws:userid": "anonymous"}


@pytest.mark.parametrize(
    ("text", "yaml", "words"),
    [
        ("{", False, "line 1: not JSON"),
        ("[]", False, "case 1 is not an object"),
        ('{"id":"x"}', False, "case x: missing field principal_arn"),
        ('{"id":"x","prinzipal":1}', False, "case x: unknown field prinzipal"),
        ("a: b", True, "a YAML file of cases is a list"),
        ("[", True, "not YAML"),
        ("- !!python/object/apply:os.getcwd []", True, "not YAML"),
    ],
)
def test_a_case_that_cannot_be_run_is_refused_with_its_name(text: str, yaml: bool, words: str) -> None:
    with pytest.raises(cases.MalformedCase, match=words.replace("[", r"\[")):
        list(cases.read(text, yaml=yaml))


def test_a_failed_case_says_why() -> None:
    raw = {
        "id": "x",
        "principal_arn": f"arn:aws:iam::{ME}:user/alice",
        "request": {"action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "resource_account": ME, "context": {}},
        "expected": "ALLOW",
    }
    (case,) = cases.read(json.dumps(raw))
    result = cases.run(case)
    assert not result.passed
    assert "because no identity-based policy allows the s3:GetObject action" in result.reason


def test_a_session_whose_role_is_not_named_is_of_a_role_in_its_own_partition() -> None:
    raw = {
        "id": "x",
        "principal_arn": f"arn:aws-us-gov:sts::{ME}:assumed-role/app/run",
        "principal_unique_id": "AROAEXAMPLEEXAMPLEEXA:run",
        "request": {"action": "s3:GetObject", "resource": "*", "resource_account": ME},
        "expected": "IMPLICIT_DENY",
    }
    principal = cases.case(raw).request.principal
    assert principal.principal_arn == f"arn:aws-us-gov:iam::{ME}:role/app"
    assert (principal.unique_id, principal.user_id) == ("AROAEXAMPLEEXAMPLEEXA", "AROAEXAMPLEEXAMPLEEXA:run")


def test_every_spelling_of_true_and_false_is_one_in_yaml() -> None:
    text = f"""
- id: x
  principal_arn: arn:aws:iam::{ME}:root
  flags: {{principal_in_management_account: True, resource_in_management_account: FALSE}}
  request: {{action: s3:GetObject, resource: "*", resource_account: {ME}, context: {{aws:SecureTransport: True}}}}
  expected: ALLOW
"""
    (case,) = cases.read(text, yaml=True)
    assert case.policies.principal_in_management_account
    assert not case.policies.resource_in_management_account
    assert case.request.context == {"aws:securetransport": "true"}


def test_sids_that_iam_refuses_decide_nothing_in_a_case() -> None:
    statement = {"Sid": "not a sid", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    raw = {
        "id": "x",
        "principal_arn": f"arn:aws:iam::{ME}:user/alice",
        "identity_policies": [{"Statement": [statement, statement]}],
        "request": {"action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "resource_account": ME},
        "expected": "ALLOW",
    }
    assert cases.run(cases.case(raw)).passed
    with pytest.raises(policy.MalformedPolicy):
        policy.parse(json.dumps({"Statement": [statement]}), PolicyKind.IDENTITY)
