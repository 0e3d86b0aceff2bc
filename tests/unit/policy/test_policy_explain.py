"""The ten typical mistakes: each is told to a person in one sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum import policy
from locum.core.principal import Principal
from locum.policy import Policies, PolicyKind, PolicyType, Request, Source

ME, OTHER = "111111111111", "222222222222"
ALICE = Principal.user(ME, f"arn:aws:iam::{ME}:user/alice", "AIDAEXAMPLEEXAMPLEEXA", "alice")
APP = Principal.role_session(f"arn:aws:iam::{ME}:role/app", "AROAEXAMPLEEXAMPLEEXA", "run")
KEY = "arn:aws:s3:::b/k"


def made(*statements: dict[str, Any], kind: PolicyKind = PolicyKind.IDENTITY) -> policy.CompiledPolicy:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return policy.compile(policy.parse(text, kind), Source(kind, "p"))


def allow(action: str = "s3:*", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def ask(
    action: str = "s3:GetObject",
    resource: str = KEY,
    *,
    who: Principal = ALICE,
    context: dict[str, str] | None = None,
    wildcard_only: bool = False,
    **policies: Any,
) -> policy.Explanation:
    request = Request(who, action, resource, ME, context or {}, wildcard_only)
    given = Policies(**policies)
    return policy.explain(request, given, policy.evaluate(request, given))


@pytest.mark.parametrize(
    ("statement", "resource", "hint"),
    [
        (allow(resource="arn:aws:s3:::b"), KEY, "what is in it is arn:aws:s3:::b/*"),
        (allow(resource="arn:aws:s3:::b/*"), "arn:aws:s3:::b", "the bucket itself is arn:aws:s3:::b"),
        (allow(resource="arn:aws:s3:::B/k"), KEY, "differs from the request's only in upper and lower case"),
        (allow(resource="arn:aws-cn:s3:::b/k"), KEY, "the partition differs: the policy has aws-cn"),
        (allow(resource="arn:aws:s3:::${s3:x}/k"), KEY, "${s3:x} has no value in this request"),
        (allow("s4:GetObject"), KEY, "s4:GetObject is the action of another service: the prefix here is s3"),
        (
            allow(Condition={"StringEquals": {"aws:PrincipalTag/t": "Red"}}),
            KEY,
            "the tag value is red, the policy wants Red",
        ),
        (allow(Condition={"StringEquals": {"s3:prefix": "a*"}}), KEY, "StringEquals takes * literally"),
        (allow(Condition={"Bool": {"aws:SecureTransport": "true"}}), KEY, "the request has no aws:SecureTransport"),
    ],
)
def test_a_near_miss_says_what_was_probably_meant(statement: dict[str, Any], resource: str, hint: str) -> None:
    found = ask(
        resource=resource, context={"aws:principaltag/t": "red", "s3:prefix": "ab"}, identity=(made(statement),)
    )
    failure = found.near_misses[0].failure
    assert failure is not None
    assert hint in failure.hint
    assert any(hint in line for line in found.lines())
    assert len(found.lines()) <= 20


def test_an_action_without_resources_wants_a_star() -> None:
    found = ask("s3:ListAllMyBuckets", "*", wildcard_only=True, identity=(made(allow(resource="arn:aws:s3:::*")),))
    assert 'it is allowed on Resource "*" only' in found.text()


def trust(principal: str) -> policy.CompiledPolicy:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}}
    return made(statement, kind=PolicyKind.TRUST)


@pytest.mark.parametrize(
    ("principal", "hint"),
    [
        (f"arn:aws:iam::{OTHER}:user/alice", f"it names account {OTHER}; the call comes from account {ME}"),
        (f"arn:aws:iam::{ME}:user/Alice", "differs from the caller only in upper and lower case"),
        (f"arn:aws:iam::{ME}:user/dev/alice", "has another path"),
        ("AIDAGONEGONEGONEGONEG", "perhaps one that was deleted and made again"),
    ],
)
def test_a_trust_policy_that_names_somebody_else(principal: str, hint: str) -> None:
    request = Request(ALICE, "sts:AssumeRole", f"arn:aws:iam::{ME}:role/r", ME, {})
    policies = Policies(resource=trust(principal))
    text = policy.explain(request, policies, policy.evaluate(request, policies)).text()
    assert hint in text


@pytest.mark.parametrize(
    ("policies", "kind", "words"),
    [
        ({}, PolicyType.IDENTITY, "because no identity-based policy allows the s3:GetObject action"),
        (
            {"boundary": made(allow("sqs:*"), kind=PolicyKind.BOUNDARY), "identity": (made(allow()),)},
            PolicyType.BOUNDARY,
            "because no permissions boundary allows the s3:GetObject action",
        ),
        (
            {"session": (made(allow("sqs:*"), kind=PolicyKind.SESSION),), "identity": (made(allow()),)},
            PolicyType.SESSION,
            "because no session policy allows the s3:GetObject action",
        ),
        (
            {"scps": ((made(allow("sqs:*"), kind=PolicyKind.SCP),),), "identity": (made(allow()),)},
            PolicyType.SCP,
            "because no service control policy allows the s3:GetObject action",
        ),
    ],
)
def test_the_missing_allow_is_named_as_aws_names_it(policies: dict[str, Any], kind: PolicyType, words: str) -> None:
    found = ask(who=APP, **policies)
    assert found.decision.denied_by is kind
    assert words in found.text()
    assert found.changes


def test_an_explicit_deny_names_its_statement_and_policy_type() -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Sid": "NoS3"}
    found = ask(identity=(made(allow()), made(deny)))
    assert found.decision.reason("s3:GetObject") == "with an explicit deny in an identity-based policy"
    assert 'Deny, statement 0 "NoS3" of p denies this' in found.text()
    assert found.as_dict()["statements"][1]["matched"] is True


def test_an_allow_names_the_statement_that_grants() -> None:
    found = ask(identity=(made(allow(Sid="Read")),))
    assert [reference.sid for reference in found.decision.determining] == ["Read"]
    assert found.reason == "allowed"
    assert found.changes == ()


def across(who: Principal, action: str, resource: str, owner: str, **policies: Any) -> str:
    request = Request(who, action, resource, owner, {})
    given = Policies(identity=(made(allow("*")),), **policies)
    return policy.explain(request, given, policy.evaluate(request, given)).text()


def test_another_accounts_resource_without_a_policy_is_told_to_get_one() -> None:
    text = across(APP, "s3:GetObject", KEY, OTHER)
    assert f"{KEY}, of account {OTHER}, has no policy of its own: give it one with " in text
    assert f'"Principal": {{"AWS": "arn:aws:iam::{ME}:role/app"}}' in text


def test_a_role_of_another_account_cannot_be_passed_and_no_policy_is_proposed() -> None:
    text = across(ALICE, "iam:PassRole", f"arn:aws:iam::{OTHER}:role/r", OTHER)
    assert f"a role of another account cannot be passed: pass one of account {ME}" in text
    assert "Effect" not in text


@pytest.mark.parametrize(
    ("deny", "way"),
    [
        ({"Action": "s3:*", "Resource": "*"}, f"take s3:GetObject on {KEY} out of its Action or Resource"),
        ({"NotAction": "sqs:*", "Resource": "*"}, "add s3:GetObject to its NotAction"),
        ({"Action": "*", "NotResource": "arn:aws:s3:::x"}, f"add {KEY} to its NotResource"),
        (
            {"Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            "make the call with aws:SecureTransport true",
        ),
        (
            {"Action": "*", "Resource": "*", "Condition": {"Null": {"aws:RequestTag/team": "true"}}},
            "make the call with aws:RequestTag/team",
        ),
        (
            {"Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:PrincipalTag/team": ["a", "b"]}}},
            "tag the caller: team = one of a, b",
        ),
        (
            {"Action": "*", "Resource": "*", "Condition": {"StringLike": {"aws:SourceIdentity": "x*"}}},
            "make the call so that StringLike aws:SourceIdentity x* does not hold",
        ),
    ],
)
def test_a_deny_tells_the_ways_out_of_it(deny: dict[str, Any], way: str) -> None:
    context = {"aws:securetransport": "false", "aws:sourceidentity": "xy"}
    found = ask(context=context, identity=(made(allow(), {"Effect": "Deny", **deny}),))
    assert any(way in change for change in found.changes), found.changes


def test_of_levels_that_lack_an_allow_each_is_named() -> None:
    scp = made(allow("sqs:*"), kind=PolicyKind.SCP)
    found = ask(identity=(made(allow()),), scps=((scp,), (made(allow(), kind=PolicyKind.SCP),), ()))
    first, last = found.changes
    assert first.startswith("no SCP at level 1 of 3")
    assert last.startswith("no SCP at level 3 of 3")
    assert "no SCP is attached there" in last


def test_a_list_of_values_is_cut_short() -> None:
    statement = allow(Condition={"StringEquals": {"s3:prefix": [f"p{n}" for n in range(99)]}})
    text = ask(context={"s3:prefix": "q"}, identity=(made(statement),)).text()
    assert "p3 and 95 more" in text
    assert "p4" not in text


def test_a_variable_without_a_value_is_told_apart_from_a_value_that_differs() -> None:
    statement = allow(Condition={"StringEquals": {"aws:ResourceTag/o": "${aws:PrincipalTag/o}"}})
    found = ask(context={"aws:resourcetag/o": "x"}, identity=(made(statement),))
    assert "${aws:principaltag/o} has no value in this request" in found.text()
    assert any(change.startswith("tag the caller: o") for change in found.changes)


@pytest.mark.parametrize(
    "statement",
    [
        allow(resource="arn:aws:s3:::b/${aws:username}"),
        allow(Condition={"StringEquals": {"s3:prefix": "${aws:username}"}}),
    ],
)
def test_a_variable_in_a_document_of_the_first_version_is_told_to_be_text(statement: dict[str, Any]) -> None:
    first = policy.parse(json.dumps({"Statement": [statement]}), PolicyKind.IDENTITY)
    identity = (policy.compile(first, Source(PolicyKind.IDENTITY, "p")),)
    found = ask(resource="arn:aws:s3:::b/alice", context={"s3:prefix": "alice"}, identity=identity)
    assert "is plain text in Version 2008-10-17" in found.text()
    assert any('write "Version": "2012-10-17" in the document' in change for change in found.changes)


def test_an_operator_that_does_not_exist_is_named() -> None:
    text = json.dumps({"Statement": [allow(Condition={"StringContains": {"aws:username": "alice"}})]})
    odd = policy.parse(text, PolicyKind.IDENTITY, known_operators=False)
    found = ask(identity=(policy.compile(odd, Source(PolicyKind.IDENTITY, "p")),))
    assert "there is no condition operator StringContains" in found.text()


@pytest.mark.parametrize(
    ("listed", "who", "bounded", "way"),
    [
        ([ALICE.arn], ALICE, False, f"add {ME} to its NotPrincipal"),
        ([ME], ALICE, False, f"add {ALICE.arn} to its NotPrincipal"),
        ([APP.arn], APP, False, f"add {APP.issuer_arn} and {ME} to its NotPrincipal"),
        ([ALICE.arn, ME], ALICE, True, "a condition on aws:PrincipalArn for NotPrincipal"),
    ],
)
def test_who_is_hit_by_not_principal_is_told_what_is_not_listed(
    listed: list[str], who: Principal, bounded: bool, way: str
) -> None:
    deny = {"Effect": "Deny", "NotPrincipal": {"AWS": listed}, "Action": "*", "Resource": "*"}
    boundary = made(allow(), kind=PolicyKind.BOUNDARY) if bounded else None
    given = Policies(identity=(made(allow()),), boundary=boundary, resource=made(deny, kind=PolicyKind.RESOURCE))
    request = Request(who, "s3:GetObject", KEY, ME, {})
    found = policy.explain(request, given, policy.evaluate(request, given))
    assert any(way in change for change in found.changes), found.changes
