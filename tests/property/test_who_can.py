"""Who can do something, against brute force: every principal, in many circumstances, decided on one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import hypothesis.strategies as st
from hypothesis import given, settings

from locum import authz
from locum.analysis.asked import asked
from locum.analysis.candidates import by_name
from locum.analysis.why import why
from locum.authz import Check, FactsOf, Plan
from locum.core.calls import Call
from locum.core.principal import ANONYMOUS, Caller, Principal, PrincipalKind, Session, principal_of
from locum.state import Role, State, User, change, put
from support.small_worlds import (
    BUCKET,
    NOT_HERE,
    ONE,
    ORGANIZATION,
    OUTSIDE,
    TWO,
    bucket,
    document,
    found,
    group,
    managed,
    organized,
    role,
    trusting,
    user,
    verdicts,
    world,
)

EXAMPLES = int(os.environ.get("LOCUM_WHO_CAN_EXAMPLES", "40"))
NOW = 1_800_000_000
LOGS = "logs.amazonaws.com"

ACTIONS: list[Any] = ["*", "s3:*", "s3:Get*", "S3:GETOBJECT", ["s3:PutObject", "s3:GetObject"], "s3:PutObject", "ec2:*"]
RESOURCES: list[Any] = [
    "*",
    f"{BUCKET}/*",
    f"{BUCKET}/red",
    f"{BUCKET}/r?d",
    f"{BUCKET}/ann/*",
    f"{BUCKET}/${{aws:username}}/*",
    f"{BUCKET}/${{aws:PrincipalTag/team}}",
    f"{BUCKET}/${{aws:userid}}",
    "arn:aws:s3:::other/*",
    ["arn:aws:s3:::other/*", f"{BUCKET}/red"],
]
CONDITIONS: list[dict[str, dict[str, Any]]] = [
    {},
    {},
    {},
    {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"NotIpAddress": {"aws:sourceip": ["10.0.0.0/8", "192.168.0.0/16"]}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"StringEquals": {"aws:PrincipalTag/team": "red"}},
    {"StringNotEquals": {"aws:PrincipalTag/team": ["red", "blue"]}},
    {"StringEquals": {"aws:UserAgent": "${aws:PrincipalTag/team}"}},
    {"StringLike": {"aws:username": "a*"}},
    {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ONE}:role/*"}},
    {"ArnNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ONE}:user/ann"}},
    {"StringLike": {"aws:userid": "*:run"}},
    {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}},
    {"StringNotEqualsIfExists": {"aws:PrincipalAccount": ONE}},
    {"Null": {"aws:Referer": "true"}},
    {"StringLikeIfExists": {"aws:Referer": "x*"}},
    {"StringEquals": {"s3:ExistingObjectTag/kind": "open"}},
    {"ForAllValues:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}},
    {"StringEquals": {"aws:SourceAccount": ONE}},
]
PRINCIPALS: list[Any] = [
    "*",
    {"AWS": "*"},
    {"AWS": ONE},
    {"AWS": [TWO, f"arn:aws:iam::{OUTSIDE}:root"]},
    {"AWS": f"arn:aws:iam::{ONE}:user/ann"},
    {"AWS": f"arn:aws:iam::{ONE}:role/app"},
    {"AWS": f"arn:aws:sts::{ONE}:assumed-role/app/run"},
    {"AWS": f"arn:aws:iam::{OUTSIDE}:role/far"},
    {"AWS": [f"arn:aws:iam::{NOT_HERE}:role/x/there", NOT_HERE]},
    {"Service": LOGS},
]
EXCEPTED: list[Any] = [
    {"AWS": [ONE, f"arn:aws:iam::{ONE}:user/ann"]},
    {"AWS": [ONE, f"arn:aws:iam::{ONE}:role/app", f"arn:aws:sts::{ONE}:assumed-role/app/run"]},
    {"AWS": [ONE]},
]
ASKED = (f"{BUCKET}/red", f"{BUCKET}/ann/x", f"{BUCKET}/AROA1111APP:run")

effects = st.sampled_from(["Allow", "Allow", "Allow", "Deny"])


@st.composite
def statements(draw: st.DrawFn, principals: st.SearchStrategy[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A statement; one of a resource's policy with `principals`."""
    made: dict[str, Any] = {"Effect": draw(effects)}
    made["NotAction" if draw(st.integers(0, 7)) == 0 else "Action"] = draw(st.sampled_from(ACTIONS))
    made["NotResource" if draw(st.integers(0, 7)) == 0 else "Resource"] = draw(st.sampled_from(RESOURCES))
    condition = draw(st.sampled_from(CONDITIONS))
    if principals is not None:
        made |= draw(principals)
        if "NotPrincipal" in made:
            made["Effect"] = "Deny"
    return made | ({"Condition": condition} if condition else {})


principals = st.one_of(
    *[st.sampled_from([{"Principal": it} for it in PRINCIPALS])] * 4,
    st.sampled_from([{"NotPrincipal": it} for it in EXCEPTED]),
)
own = st.lists(statements(), max_size=3)
tags = st.sampled_from([{}, {"team": "red"}, {"Team": "blue"}])


class Case(NamedTuple):
    """A world, and what is known of its bucket."""

    state: State
    facts: FactsOf


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Worlds of three accounts, two of which may be in an organization."""
    tagging = trusting({"AWS": ONE}, "sts:AssumeRole", "sts:TagSession")
    limit = managed("limit", *draw(st.lists(statements(), min_size=1, max_size=2)))
    boundary = st.sampled_from(["", "", limit.arn])
    shared = draw(own)
    entities: list[Any] = [
        limit,
        group("staff", *draw(st.lists(statements(), min_size=1, max_size=2))),
        user("ann", *draw(own), boundary=draw(boundary), tags=draw(tags)),
        user("bob", *draw(own), groups=draw(st.sampled_from([(), ("staff",)])), tags=draw(tags)),
        role("app", *shared, boundary=draw(boundary), tags=draw(tags)),
        role("app2", *shared, tags=draw(tags)),
        role("app3", *shared, tags=draw(tags)),
        role("tagged", *draw(own), trust=tagging, tags=draw(tags)),
        role("AWSServiceRoleForX", *shared, path="/aws-service-role/x.amazonaws.com/"),
        role("managing", *draw(own), account=TWO),
        role("far", *draw(own), account=OUTSIDE),
    ]
    if draw(st.booleans()):
        denying = st.builds(lambda made: {**made, "Effect": "Deny", "Principal": "*"}, statements())
        no_variables = denying.filter(lambda made: "NotAction" not in made and str(made.get("Action", "")) != "*")
        rcp = draw(st.lists(no_variables, max_size=1))
        scp = document(*draw(st.lists(statements(), min_size=1, max_size=2)))
        entities += organized(scp, document(*rcp) if rcp else "")
    policy = draw(st.lists(statements(principals), max_size=4))
    return Case(world(*entities), bucket(*policy, tags=draw(st.sampled_from([{}, {"kind": "open"}]))))


class Circumstances(NamedTuple):
    """What a call has beside its caller."""

    source_ip: str
    secure: bool
    agent: str
    referer: str


CIRCUMSTANCES = [
    Circumstances(*each) for each in product(("10.0.0.1", "172.16.0.1"), (True, False), ("boto", "red"), ("", "xy"))
]


def session(holder: Role | User, name: str, *, mfa: bool, session_tags: dict[str, str]) -> Caller:
    """A session of a role, or of a user with a second factor."""
    kind = PrincipalKind.ROLE_SESSION if isinstance(holder, Role) else PrincipalKind.USER
    made = Session(
        kind=kind,
        account=holder.account,
        name=name,
        issuer_arn=holder.arn,
        issuer_id=holder.id,
        issued_at=NOW,
        expires_at=NOW + 3600,
        tags=session_tags,
        mfa_at=NOW if mfa else None,
    )
    return Caller(principal_of(made), session=made)


def callers(state: State) -> Iterator[tuple[str, Caller]]:
    """All that can call, each with the names that it is told by (the first that is there counts)."""
    for account in (ONE, TWO, OUTSIDE):
        root = Principal.root(account)
        yield root.arn, Caller(root)
    for each in state.every(User):
        yield each.arn, Caller(Principal.user(each.account, each.arn, each.id, each.name))
        yield each.arn, session(each, each.name, mfa=True, session_tags={})
    for holder in state.every(Role):
        some = [{}, {"team": "red"}, {"TEAM": "blue"}] if holder.name == "tagged" else [{}]
        for name, mfa, session_tags in product(("run", "other"), (True, False), some):
            yield holder.arn, session(holder, name, mfa=mfa, session_tags=session_tags)
    yield "anybody, without signing", Caller(ANONYMOUS)
    yield LOGS, Caller(Principal.service(LOGS))


def is_allowed(case: Case, caller: Caller, resource: str, around: Circumstances) -> bool:
    """The decision on a call that is made."""
    call = Call("s3", "GetObject", {}, caller, "us-east-1", NOW, *around[:2], around.agent, around.referer)
    plan = Plan((Check("s3:GetObject", resource, "object"),))
    return authz.decide(case.state, call, plan, case.facts).allowed


@given(cases(), st.sampled_from(ASKED))
@settings(max_examples=EXAMPLES)
def test_nobody_who_may_is_missing_and_nobody_who_may_not_is_listed_without_conditions(
    case: Case, resource: str
) -> None:
    """The session that a policy names is told for itself where it may more than others of its role."""
    listed = verdicts(found(case.state, "s3:GetObject", resource, case.facts))
    for name, caller in callers(case.state):
        own_verdict = listed.get(caller.principal.arn) if caller.session is not None else None
        verdict = own_verdict or listed.get(name)
        for around in CIRCUMSTANCES:
            allowed = is_allowed(case, caller, resource, around)
            if allowed:
                assert verdict is not None, (name, around)
            elif listed.get(name) == "allowed" or own_verdict == "allowed":
                raise AssertionError((name, around))


@given(cases(), st.sampled_from(ASKED))
@settings(max_examples=EXAMPLES // 2)
def test_nobody_of_an_account_that_is_not_here_is_missing(case: Case, resource: str) -> None:
    """Principals that their account lets do everything, in a plane that does not have the account."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    there = role("there", everything, account=NOT_HERE, path="/x/", tags={"team": "red"})
    strangers = [there, role("other", everything, account=NOT_HERE), role("far-off", everything, account="8" * 12)]
    listed = verdicts(found(case.state, "s3:GetObject", resource, case.facts))
    assert "allowed" not in [verdict for name, verdict in listed.items() if NOT_HERE in name or "not in this" in name]
    more = Case(change(case.state, [put(stranger) for stranger in strangers]), case.facts)
    for stranger in strangers:
        anybody = "any principal of an account that is not in this plane"
        names = (stranger.arn, f"arn:aws:iam::{stranger.account}:root", anybody)
        caller = session(stranger, "run", mfa=False, session_tags={})
        if any(is_allowed(more, caller, resource, around) for around in CIRCUMSTANCES):
            assert any(name in listed for name in names), stranger.arn


@given(cases(), st.sampled_from(ASKED), own)
@settings(max_examples=EXAMPLES // 2)
def test_a_session_with_a_policy_of_its_own_may_no_more_than_is_listed(
    case: Case, resource: str, limits: list[dict[str, Any]]
) -> None:
    listed = verdicts(found(case.state, "s3:GetObject", resource, case.facts))
    for holder in case.state.every(Role):
        made = session(holder, "run", mfa=True, session_tags={}).session
        assert made is not None
        limited = Caller(principal_of(made), session=replace(made, policy=document(*limits)))
        for around in CIRCUMSTANCES[::3]:
            if is_allowed(case, limited, resource, around):
                assert holder.arn in listed or limited.principal.arn in listed


@given(cases(), st.sampled_from(ASKED), st.sampled_from(CIRCUMSTANCES))
@settings(max_examples=EXAMPLES)
def test_with_keys_that_are_given_the_answer_is_that_of_calls_that_have_them(
    case: Case, resource: str, around: Circumstances
) -> None:
    keys = [("aws:SourceIp", around.source_ip), ("aws:SecureTransport", str(around.secure).lower())]
    keys += [("aws:UserAgent", around.agent)] + ([("aws:Referer", around.referer)] if around.referer else [])
    absent = ["aws:CalledVia", *(() if around.referer else ("aws:Referer",))]
    listed = verdicts(found(case.state, "s3:GetObject", resource, case.facts, keys, absent))
    for name, caller in callers(case.state):
        allowed = is_allowed(case, caller, resource, around)
        own_verdict = listed.get(caller.principal.arn) if caller.session is not None else None
        assert not allowed or (own_verdict or listed.get(name)) is not None, name
        assert allowed or "allowed" not in (own_verdict, listed.get(name)), name


@given(cases())
@settings(max_examples=EXAMPLES // 2)
def test_of_a_resource_known_in_part_all_that_it_may_be_is_meant(case: Case) -> None:
    listed = verdicts(found(case.state, "s3:GetObject", f"{BUCKET}/*", case.facts))
    for name, caller in callers(case.state):
        own_verdict = listed.get(caller.principal.arn) if caller.session is not None else None
        for resource, around in product(ASKED, CIRCUMSTANCES[::5]):
            allowed = is_allowed(case, caller, resource, around)
            assert not allowed or (own_verdict or listed.get(name)) is not None, (name, resource)
            assert allowed or "allowed" not in (own_verdict, listed.get(name)), (name, resource)


@given(cases(), st.sampled_from(ASKED))
@settings(max_examples=EXAMPLES // 2)
def test_what_is_decided_once_for_many_is_what_is_decided_for_each(case: Case, resource: str) -> None:
    question = asked("s3:GetObject", resource, (), (), "us-east-1", NOW)
    listed = verdicts(found(case.state, "s3:GetObject", resource, case.facts))
    for each in (*case.state.every(User), *case.state.every(Role)):
        alone = why(case.state, by_name(case.state, ONE, each.arn, NOW), question, case.facts)["depends"]
        sessions = each.name == "app" and listed.get(each.arn) == "conditional"
        assert sessions or listed.get(each.arn) == (None if alone is None else alone["verdict"]), each.arn


TRUSTED: list[Any] = [
    {"AWS": ONE},
    {"AWS": [OUTSIDE, NOT_HERE]},
    {"AWS": "*"},
    {"AWS": "AIDA1111ANN"},
    {"AWS": ["AROA1111APP2", "AROA3333FAR"]},
    {"AWS": f"arn:aws:sts::{ONE}:assumed-role/app/run"},
    {"Service": LOGS},
]
OF_TRUST: list[dict[str, dict[str, Any]]] = [
    {},
    {},
    {"StringEquals": {"sts:ExternalId": "secret"}},
    {"StringLike": {"sts:RoleSessionName": "${aws:username}"}},
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    {"StringEquals": {"aws:PrincipalTag/team": "red"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app*"}},
    {"StringEquals": {"aws:ResourceTag/team": "red"}},
]
ASSUMING: list[Any] = ["sts:AssumeRole", "sts:*", ["sts:TagSession", "sts:AssumeRole"], "sts:TagSession"]
ROLES: list[Any] = ["*", f"arn:aws:iam::{ONE}:role/target", f"arn:aws:iam::{ONE}:role/*", "arn:aws:iam::*:role/other"]


@st.composite
def assumptions(draw: st.DrawFn) -> State:
    """Worlds with a role `target` and those who may assume it."""

    def statement(**more: Any) -> dict[str, Any]:
        condition = draw(st.sampled_from(OF_TRUST))
        made = {"Effect": draw(effects), "Action": draw(st.sampled_from(ASSUMING)), **more}
        return {**made, "Condition": condition} if condition else made

    def own_statements() -> list[dict[str, Any]]:
        return [statement(Resource=draw(st.sampled_from(ROLES))) for _ in range(draw(st.integers(0, 2)))]

    trust = [statement(Principal=draw(st.sampled_from(TRUSTED))) for _ in range(draw(st.integers(1, 3)))]
    limit = managed("limit", *own_statements(), {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    return world(
        limit,
        user("ann", *own_statements(), tags=draw(tags), boundary=draw(st.sampled_from(["", limit.arn]))),
        user("bob", *own_statements()),
        role("app", *own_statements(), tags=draw(tags)),
        role("app2", *own_statements(), boundary=draw(st.sampled_from(["", limit.arn]))),
        role("tagged", *own_statements(), trust=trusting({"AWS": ONE}, "sts:AssumeRole", "sts:TagSession")),
        role("far", *own_statements(), account=OUTSIDE),
        role("managing", *own_statements(), account=TWO),
        role("target", trust=document(*trust), tags=draw(tags)),
    )


@given(assumptions())
@settings(max_examples=EXAMPLES)
def test_who_can_assume_a_role_is_who_is_let_by_its_trust_policy(state: State) -> None:
    target = f"arn:aws:iam::{ONE}:role/target"
    listed = verdicts(found(state, "sts:AssumeRole", target))
    parameters = [{"ExternalId": "secret"}, {"RoleSessionName": "ann"}, {"ExternalId": "x", "RoleSessionName": "bob"}]
    for name, caller in callers(state):
        if caller.principal is ANONYMOUS:
            continue  # whoever assumes a role has signed
        own_verdict = listed.get(caller.principal.arn) if caller.session is not None else None
        for params in parameters:
            call = Call("sts", "AssumeRole", {"RoleArn": target, **params}, caller, "us-east-1", NOW)
            allowed = authz.decide(state, call, Plan((Check("sts:AssumeRole", target, "role"),))).allowed
            assert not allowed or (own_verdict or listed.get(name)) is not None, (name, params)
            assert allowed or "allowed" not in (own_verdict, listed.get(name)), (name, params)
