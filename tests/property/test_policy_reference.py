"""The engine against the reference: generated policies and requests, the same verdict."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from locum import policy
from locum.core.partial_arn import NEW, UNKNOWN, arn_of
from locum.core.principal import ANONYMOUS, Principal
from locum.policy import Policies, PolicyKind, Source
from property import reference_policy as reference
from property.reference_policy import Question

# A nightly run asks for 100,000.
EXAMPLES = int(os.environ.get("LOCUM_POLICY_EXAMPLES", "400"))

ME, OTHER = "111111111111", "222222222222"
USER, ROLE = f"arn:aws:iam::{ME}:user/alice", f"arn:aws:iam::{ME}:role/team/app"
USER_ID, ROLE_ID = "AIDAEXAMPLE", "AROAEXAMPLE"

PRINCIPALS = (
    Principal.user(ME, USER, USER_ID, "alice"),
    Principal.root(ME),
    Principal.role_session(ROLE, ROLE_ID, "run"),
    Principal.federated_user(ME, "bob", USER, USER_ID),
    Principal.service("sns.amazonaws.com"),
    ANONYMOUS,
)
NAMES = ("*", ME, f"arn:aws:iam::{ME}:root", USER, ROLE, OTHER, USER_ID, ROLE_ID, PRINCIPALS[2].arn, PRINCIPALS[3].arn)
KEY = f"arn:aws:kms:us-east-1:{ME}:key/1"
ACTIONS = ("s3:GetObject", "S3:putobject", "kms:Decrypt", "iam:PassRole", "kms:RetireGrant", "sqs:SendMessage")
ACTION_PATTERNS = (
    "*",
    "*",
    "*",
    "s3:*",
    "s3:*",
    "s3:Get*",
    "S3:GETOBJECT",
    "kms:*",
    "s3:?utObject",
    "iam:PassRole",
    "sqs:Send*sage",
)
RESOURCES = (
    "arn:aws:s3:::b/alice/k",
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/*",
    KEY,
    "arn:aws:s3:::b/red:1",
    "arn:aws:s3:::b/${k}",
    f"arn:aws:s3:::b/{reference.UNKNOWN}",
    f"arn:aws:s3:::b/{reference.UNKNOWN}/k",
    f"arn:aws:s3:::b/{reference.NEW}",
    f"arn:aws:kms:us-east-1:{ME}:key/{reference.UNKNOWN}",
    reference.UNKNOWN,
)
RESOURCE_PATTERNS = (
    "*",
    "*",
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::b",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/${aws:username}/*",
    "arn:aws:s3:::b/${aws:PrincipalTag/team, 'alice'}/?",
    "arn:aws:s3:::b/${aws:PrincipalTag/team}*",
    "arn:aws:s3:::b/${*}",
    "arn:aws:kms:us-east-1:${aws:PrincipalAccount, '111111111111'}:key/1",
    "arn:*:s3:*:*:b/*k",
    "arn:aws:kms:*:11111111111?:key/*",
)
VALUES = ("red", "Red", "*", "", "10", "9.5", "true", "False", "10.0.0.1", "2001:db8::1", USER, "2026-01-01T00:00:00Z")
CONDITION_VALUES: dict[str, tuple[Any, ...]] = {
    "String": ("red", "r*", "RED", "${aws:username}", "${aws:PrincipalTag/team, 'red'}", "${*}", "*", ""),
    "Numeric": ("10", 9, "9.50"),
    "Date": ("2026-01-01T02:00:00+02:00", "1767225600", "2030-06-01T00:00:00Z"),
    "Bool": ("true", True, "FALSE"),
    "IpAddress": ("10.0.0.0/8", "10.0.0.1", "2001:db8::/32"),
    "Arn": (USER, ROLE, f"arn:aws:iam::{ME}:*", "arn:aws:*::*:user/*", "arn:aws:iam::${s3:some}:user/*"),
    "Null": ("true", "false"),
}
OPERATORS = [
    *(("String", f"String{n}{c}") for n in ("", "Not") for c in ("Equals", "EqualsIgnoreCase", "Like")),
    *((t, f"{t}{c}") for t in ("Numeric", "Date") for c in ("Equals", "NotEquals", "LessThan", "GreaterThanEquals")),
    ("Bool", "Bool"),
    ("IpAddress", "IpAddress"),
    ("IpAddress", "NotIpAddress"),
    *(("Arn", f"Arn{n}{c}") for n in ("", "Not") for c in ("Equals", "Like")),
]
KEYS = ("aws:SourceArn", "aws:PrincipalArn", "aws:PrincipalTag/team", "aws:TagKeys", "s3:some", "aws:username")


def some(items: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    return st.sampled_from(items) | st.lists(st.sampled_from(items), min_size=1, max_size=3)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    block: dict[str, Any] = {}
    for _ in range(draw(st.integers(0, 2))):
        family, name = draw(st.sampled_from([*OPERATORS, ("Null", "Null")]))
        if family != "Null":
            name = draw(st.sampled_from(("", "", "ForAllValues:", "ForAnyValue:"))) + name
            name += draw(st.sampled_from(("", "", "IfExists")))
        block.setdefault(name, {})[draw(st.sampled_from(KEYS))] = draw(some(CONDITION_VALUES[family]))
    return block


@st.composite
def statements(draw: st.DrawFn, *, named: bool = False, denies_only: bool = False) -> dict[str, Any]:
    effect = "Deny" if denies_only else draw(st.sampled_from(("Allow", "Allow", "Deny")))
    made: dict[str, Any] = {"Effect": effect}
    made[draw(st.sampled_from(("Action", "Action", "Action", "NotAction")))] = draw(some(ACTION_PATTERNS))
    made[draw(st.sampled_from(("Resource", "Resource", "Resource", "NotResource")))] = draw(some(RESOURCE_PATTERNS))
    block = draw(conditions())
    if block:
        made["Condition"] = block
    if denies_only:
        made["Principal"] = "*"
    elif named:
        element = st.just("*") | st.fixed_dictionaries(
            {"AWS": some(NAMES)}, optional={"Service": st.just("sns.amazonaws.com")}
        )
        name = "NotPrincipal" if effect == "Deny" and draw(st.booleans()) else "Principal"
        made[name] = draw(element)
    return made


@st.composite
def documents(draw: st.DrawFn, *, named: bool = False, denies_only: bool = False) -> dict[str, Any]:
    listed = draw(st.lists(statements(named=named, denies_only=denies_only), min_size=1, max_size=3))
    version = draw(st.sampled_from(("2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", None)))
    return {"Statement": listed} | ({"Version": version} if version else {})


FULL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def grants() -> st.SearchStrategy[Any]:
    """Documents, half of which allow all: else hardly a request would pass."""
    return st.just(FULL) | documents()


def levels(**kind: bool) -> st.SearchStrategy[Any]:
    level = st.lists(documents(**kind) if kind else grants(), max_size=2).map(tuple)
    return st.just(()) | st.lists(level, max_size=2).map(tuple)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    principal = draw(st.sampled_from(PRINCIPALS))
    multi = st.sampled_from(VALUES) | st.lists(st.sampled_from(VALUES), max_size=2)
    context = draw(
        st.fixed_dictionaries(
            {}, optional={"aws:principaltag/team": st.sampled_from(VALUES), "aws:tagkeys": multi, "s3:some": multi}
        )
    )
    flags = ("principal_in_management_account", "principal_is_service_linked_role", "resource_in_management_account")
    caller = principal.kind.value not in ("anonymous", "service")
    return Question(
        kind=principal.kind.value,
        arn=principal.arn,
        account=principal.account,
        unique_id=principal.unique_id,
        issuer=principal.issuer_arn,
        action=draw(st.sampled_from(ACTIONS)),
        resource=draw(st.sampled_from(RESOURCES)),
        resource_account=draw(st.sampled_from((ME, ME, OTHER))),
        context=context,
        wildcard_only=draw(st.sampled_from((False, False, False, True))),
        identity=tuple(draw(st.lists(grants(), max_size=2))) if caller else (),
        boundary=draw(st.none() | grants()) if caller else None,
        session=tuple(draw(st.lists(grants(), max_size=2))) if caller else (),
        resource_policy=draw(st.none() | documents(named=True)),
        scps=draw(levels()),
        rcps=draw(levels(denies_only=True)),
        flags=frozenset(draw(st.lists(st.sampled_from(flags), max_size=1))),
    )


def compiled(document: Any, kind: PolicyKind) -> policy.CompiledPolicy:
    return policy.compile(policy.parse(json.dumps(document), kind), Source(kind))


def resource_of(q: Question) -> str:
    missing = {reference.UNKNOWN: UNKNOWN, reference.NEW: NEW}
    return arn_of(
        *(missing.get(part, part) for part in re.split(f"([{reference.UNKNOWN}{reference.NEW}])", q.resource))
    )


def decide(q: Question) -> policy.Decision:
    principal = next(p for p in PRINCIPALS if p.arn == q.arn)
    context = {key: tuple(v) if isinstance(v, list) else v for key, v in q.context.items()}
    request = policy.Request(principal, q.action, resource_of(q), q.resource_account, context, q.wildcard_only)
    policies = Policies(
        identity=tuple(compiled(d, PolicyKind.IDENTITY) for d in q.identity),
        boundary=compiled(q.boundary, PolicyKind.BOUNDARY) if q.boundary else None,
        session=tuple(compiled(d, PolicyKind.SESSION) for d in q.session) or None,
        resource=compiled(q.resource_policy, PolicyKind.RESOURCE) if q.resource_policy else None,
        scps=tuple(tuple(compiled(d, PolicyKind.SCP) for d in level) for level in q.scps),
        rcps=tuple(tuple(compiled(d, PolicyKind.RCP) for d in level) for level in q.rcps),
        principal_in_management_account="principal_in_management_account" in q.flags,
        principal_is_service_linked_role="principal_is_service_linked_role" in q.flags,
        resource_in_management_account="resource_in_management_account" in q.flags,
    )
    decision = policy.evaluate(request, policies)
    explanation = policy.explain(request, policies, decision)
    matched = {r.reference for r in explanation.statements if r.failure is None}
    assert set(decision.determining) <= matched
    return decision


@pytest.mark.timeout(max(120, EXAMPLES // 10))
@settings(max_examples=EXAMPLES, deadline=None)
@given(questions())
def test_the_engine_and_the_reference_agree(q: Question) -> None:
    assert decide(q).verdict == reference.verdict(q)


@settings(max_examples=60, deadline=None)
@given(questions(), statements())
def test_adding_a_deny_never_grants(q: Question, statement: dict[str, Any]) -> None:
    denying = {"Version": "2012-10-17", "Statement": [statement | {"Effect": "Deny"}]}
    if not decide(q).allowed:
        assert not decide(replace(q, identity=(*q.identity, denying))).allowed


@settings(max_examples=60, deadline=None)
@given(questions(), statements())
def test_adding_an_allow_never_denies(q: Question, statement: dict[str, Any]) -> None:
    allowing = {"Version": "2012-10-17", "Statement": [statement | {"Effect": "Allow"}]}
    if decide(q).allowed:
        assert decide(replace(q, identity=(*q.identity, allowing))).allowed


@settings(max_examples=60, deadline=None)
@given(questions())
def test_order_and_sids_never_matter(q: Question) -> None:
    def turned(document: Any) -> Any:
        listed = [s | {"Sid": f"Renamed{i}"} for i, s in enumerate(document["Statement"])]
        return document | {"Statement": listed[::-1]}

    other = replace(
        q,
        identity=tuple(turned(d) for d in q.identity[::-1]),
        session=tuple(turned(d) for d in q.session[::-1]),
        boundary=turned(q.boundary) if q.boundary else None,
        resource_policy=turned(q.resource_policy) if q.resource_policy else None,
        scps=tuple(tuple(turned(d) for d in level) for level in q.scps[::-1]),
    )
    assert decide(other).verdict is decide(q).verdict


@example("[" * 100_000)
@example('{"Version":"2012-10-17","Statement":' + "[" * 5_000)
@example('{"Version": 1e999, "Statement": NaN}')
@settings(max_examples=200, deadline=None)
@given(st.text())
def test_no_text_has_another_effect_than_a_refusal(text: str) -> None:
    for kind in PolicyKind:
        try:
            policy.compile(policy.parse(text, kind), Source(kind))
        except policy.MalformedPolicy as refusal:
            refusal.describe()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(("*", "s3:*", "Allow", "AWS", "${", "")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("Effect", "Action", "NotAction", "Resource", "Condition", "Principal", "AWS", "Null", "Sid")
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(PolicyKind)), JSON, st.sampled_from(("2012-10-17", "2008-10-17")), st.booleans())
def test_no_json_has_another_effect_than_a_refusal(kind: PolicyKind, body: Any, version: str, strict: bool) -> None:
    text = json.dumps({"Version": version, "Statement": body})
    try:
        made = policy.compile(policy.parse(text, kind, judge_values=strict, known_operators=strict), Source(kind))
    except policy.MalformedPolicy as refusal:
        refusal.describe()
        return
    request = policy.Request(PRINCIPALS[0], "s3:GetObject", "arn:aws:s3:::b/k", ME, {})
    policy.evaluate(request, Policies(identity=(made,)))
