"""Escalations: what is reported, the evaluator allows call by call; and the cheap look before it leaves nobody out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locum import authz
from locum.analysis.escalation import METHODS, Judge, Surface, escalations, looking
from locum.analysis.escalation.bindings import BINDERS
from locum.analysis.escalation.judging import caller_of
from locum.authz import Call
from locum.state import Role, State, User
from support.planted import ADMIN, NOW, REGION, Planted, Statement, allow, deny, trust

ACCOUNTS = ("111122223333", "444455556666")
NAMES = ("ann", "bob")
ACTIONS = ("iam:PutUserPolicy", "iam:AttachRolePolicy", "iam:Create*", "iam:UpdateAssumeRolePolicy", "iam:PassRole",
           "ec2:RunInstances", "sts:AssumeRole", "iam:*PermissionsBoundary", "lambda:*", "iam:AddUserToGroup",
           "iam:PutGroupPolicy", "s3:Get*")  # fmt: skip
RESOURCES = ("*", "arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::*:user/${aws:username}",
             "arn:aws:iam::111122223333:*", "arn:aws:iam::*:role/w?b", "arn:aws:iam", "arn:aws:ec2:*:*:*")  # fmt: skip

ASKED = ("iam:PutUserPolicy", "iam:CreateRole", "iam:PassRole", "sts:AssumeRole", "lambda:Invoke", "s3:GetObject")
TARGETS = ("arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:role/web",
           "arn:aws:iam::111122223333:role/deep/er/web", "arn:aws:iam::111122223333:user/team/ann", "*",
           "arn:aws:ec2:us-east-1:111122223333:instance/i-1", "arn:aws:s3:::b/k")  # fmt: skip

statements = st.builds(
    lambda effect, actions, on: effect(*actions, on=on),
    st.sampled_from([allow, allow, allow, deny]),
    st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3),
    st.sampled_from(RESOURCES),
)
trusts = st.one_of(
    st.builds(lambda account: trust(aws=account), st.sampled_from(ACCOUNTS)),
    st.just(trust(aws="*")),
    st.just(trust(service="ec2.amazonaws.com")),
    st.just(trust(service="lambda.amazonaws.com")),
    st.builds(lambda number: f"named {number}", st.integers(0, 1)),
)


@st.composite
def states(draw: Any) -> State:
    """Two accounts with two users, three roles, a group and a boundary."""
    state = State()
    policies: st.SearchStrategy[list[Statement]] = st.lists(statements, max_size=2)
    for account in ACCOUNTS:
        at = Planted(account, state)
        limit = at.policy("limit", '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*",'
                                   '"Resource":"*"}}')  # fmt: skip
        at.group("admins", attached=(ADMIN,))
        users = [at.user(name, *draw(policies), boundary=limit.arn if draw(st.booleans()) else "",
                         groups=("admins",) if draw(st.integers(0, 9)) == 0 else ()) for name in NAMES]  # fmt: skip
        for name in ("web", "app", "top"):
            letter = draw(trusts)
            if letter.startswith("named"):
                letter = trust(aws=users[int(letter[-1])].id)
            role = at.role(name, *draw(policies), trust=letter, attached=(ADMIN,) if name == "top" else ())
            if draw(st.booleans()):
                at.profile(role)
        state = at.state
    return state


def entity(state: State, arn: str) -> User | Role:
    every: list[User | Role] = [*state.every(User), *state.every(Role)]
    return next(one for one in every if one.arn == arn)


@settings(max_examples=40, deadline=None)
@given(states())
def test_each_hop_begins_with_a_call_that_the_evaluator_allows_and_holds_when_it_is_decided_anew(state: State) -> None:
    surface = Surface(state, NOW, REGION)
    for path in escalations(surface).paths:
        for hop in path.hops:
            source, target = entity(state, hop.source), entity(state, hop.target)
            first = hop.calls[0]
            call = Call(first.service, first.operation, first.params, caller_of(source, NOW), REGION, NOW,
                        source_ip="", secure=True)  # fmt: skip
            assert authz.decide(state, call, authz.plan(state, call)).allowed
            names = [method for method in METHODS if hop.method.startswith(method.name)]
            assert any(Judge(surface, 10_000).hop(method, source, target) for method in names)


@settings(max_examples=25, deadline=None)
@given(states())
def test_the_cheap_look_leaves_nobody_out(state: State) -> None:
    surface = Surface(state, NOW, REGION)
    quick = {path.source for path in escalations(surface).paths}
    with pytest.MonkeyPatch.context() as patch:
        everybody = surface.principals()
        patch.setattr(looking.Looks, "may", lambda *_: True)
        patch.setattr(
            looking.Looks, "targets", lambda _, one, __: [it for it in everybody if it.account == one.account]
        )
        patch.setattr(
            looking.Looks, "holders", lambda _, account, *__: [it for it in everybody if it.account == account]
        )
        patch.setattr(looking.Looks, "trusted", lambda *_: everybody)
        patch.setattr(looking.Looks, "may_assume", lambda *_: True)
        assert {path.source for path in escalations(surface).paths} == quick


@settings(max_examples=40, deadline=None)
@given(states())
def test_a_path_ends_with_an_administrator_and_goes_over_nobody_twice(state: State) -> None:
    found = escalations(Surface(state, NOW, REGION))
    for path in found.paths:
        assert path.hops[-1].raises or path.administrator in found.administrators
        assert path.source not in found.administrators
        sources = [hop.source for hop in path.hops]
        assert len(set(sources)) == len(sources)
        assert all(one.target == other.source for one, other in zip(path.hops, path.hops[1:], strict=False))


@settings(max_examples=150, deadline=None)
@given(st.lists(statements, min_size=1, max_size=3))
def test_what_the_evaluator_allows_is_not_left_out_by_the_cheap_look(own: list[Statement]) -> None:
    at = Planted(ACCOUNTS[0])
    ann = at.user("ann", *own)
    looks = looking.Looks(Surface(at.state, NOW, REGION))
    context = {"aws:username": "ann"}
    supposed = authz.suppose(caller_of(ann, NOW).principal, context, authz.gathered(at.state, ann))
    for action in ASKED:
        for arn in TARGETS:
            if supposed.decide(action, arn, ACCOUNTS[0]).allowed:
                assert looks.may(ann, (action,), action, arn), (action, arn)


def test_every_binding_is_of_a_method_and_every_method_has_one() -> None:
    assert {method.binds for method in METHODS} == set(BINDERS)
