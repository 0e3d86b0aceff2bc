"""What is told of internal access is what the evaluator decides, for policies made at random."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any

import pytest

from locum import authz
from locum.analysis.candidates import Candidate, of_role, of_user
from locum.analysis.internal_access import Access, Reach, questions, ungoverned
from locum.authz import Call, Check, FactsOf, Plan, Supposition
from locum.core.partial_arn import PartialArn
from locum.state import Role, State, User
from support.small_worlds import BUCKET, ONE, TWO, allow, bucket, deny, group, managed, organized, role, user, world

ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:PutBucketPolicy", "s3:Get*", "s3:*")
ALLOWED_ON = (BUCKET, f"{BUCKET}/*", f"{BUCKET}/public/*", "*", "arn:aws:s3:::other/*")
DENIED_ON = (BUCKET, f"{BUCKET}/*", f"{BUCKET}/secret/*", "*", "arn:aws:s3:::other/*")
KEYS = ("public/x", "secret/x", "x")
NOW = 1_800_000_000.0
INSIDE, OUTSIDE_OF_IT = "10.1.2.3", "192.0.2.1"
ALLOWING: dict[str, Any] = {
    "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
    "NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"},
    "Bool": {"aws:SecureTransport": "true"},
    "StringEquals": {"aws:PrincipalTag/team": "red"},
}
DENYING: dict[str, Any] = {
    "Bool": {"aws:SecureTransport": "false"},
    "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
    "BoolIfExists": {"aws:SecureTransport": "true"},
    "StringEquals": {"aws:username": "u1"},
}
"""The conditions of Allow and of Deny statements, of which some cannot hold together."""


def some(
    of: Random, effect: Any, resources: tuple[str, ...], conditions: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """A statement."""
    chosen = {name: conditions[name] for name in conditions if of.random() < 0.3}
    held = {"Condition": chosen} if chosen else {}
    found: dict[str, Any] = effect(of.choice(ACTIONS), of.choice(resources), **held, **more)
    return found


def statements(of: Random, **more: Any) -> list[dict[str, Any]]:
    """The statements of a policy."""
    allows = [some(of, allow, ALLOWED_ON, ALLOWING, **more) for _ in range(of.randrange(3))]
    return allows + [some(of, deny, DENIED_ON, DENYING, **more) for _ in range(of.random() < 0.3)]


def principal_of(of: Random) -> Any:
    names = [f"arn:aws:iam::{ONE}:role/r0", f"arn:aws:iam::{ONE}:user/u1", f"arn:aws:iam::{TWO}:role/far"]
    return of.choice(
        ["*", *({"AWS": name} for name in (*names, f"arn:aws:iam::{ONE}:root", f"arn:aws:iam::{TWO}:root"))]
    )


def made(seed: int) -> tuple[State, FactsOf]:
    """A world, and what is known of the bucket in it."""
    of = Random(seed)
    bounds = [managed("bound", some(of, allow, ("*", f"{BUCKET}/*"), ALLOWING))]
    bounded: dict[str, Any] = {"boundary": f"arn:aws:iam::{ONE}:policy/bound"}
    tags: dict[str, Any] = {"tags": {"team": of.choice(("red", "blue"))}}
    principals: list[User | Role] = [
        *(role(f"r{n}", *statements(of), **(bounded if n == 2 else {}), **(tags if n else {})) for n in range(3)),
        role("far", *statements(of), account=TWO),
        *(user(f"u{n}", *statements(of), groups=("staff",) if n else (), **tags) for n in range(2)),
    ]
    control = "".join(
        [
            '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:',
            of.choice(("Put*", "Get*", "DeleteObject")),
            '", "Resource": "*"}}',
        ]
    )
    scp = control.replace('"Principal": "*", ', "")
    organization = organized(scp, control) if seed % 3 == 0 else []
    policy = [statement for _ in range(of.randrange(3)) for statement in statements(of, Principal=principal_of(of))]
    return world(*bounds, group("staff", *statements(of)), *principals, *organization), bucket(*policy)


def of_account(state: State, account: str) -> Iterator[Candidate]:
    yield from map(of_role, state.table(Role, account).values())
    yield from map(of_user, state.table(User, account).values())


def decided(state: State, candidate: Candidate, check: Check, context: dict[str, str], facts: FactsOf) -> bool:
    """Whether the evaluator allows it in a context that is known in full."""
    service, operation = check.action.split(":")
    call = Call(service, operation, {}, candidate.caller(NOW), "us-east-1", NOW, source_ip="")
    closed = Supposition({name.lower(): value for name, value in context.items()}, closed=True, tags_open=False)
    return authz.decide(state, call, Plan((check,)), facts, closed.asking(None)).allowed


def contexts() -> Iterator[dict[str, str]]:
    for address, secure in product((INSIDE, OUTSIDE_OF_IT), ("true", "false")):
        yield {"aws:SourceIp": address, "aws:SecureTransport": secure}


def resources(check: Check) -> list[str]:
    """The resources that stand for one that is known in part."""
    return (
        [check.resource.beginning + key for key in KEYS] if isinstance(check.resource, PartialArn) else [check.resource]
    )


def allowed_somehow(state: State, candidate: Candidate, facts: FactsOf) -> dict[str, list[dict[str, str]]]:
    """The contexts in which each action is allowed on the bucket or on an object in it."""
    found: dict[str, list[dict[str, str]]] = {}
    for asked in questions("AWS::S3::Bucket", BUCKET, "us-east-1", NOW):
        for resource, context in product(resources(asked.check), contexts()):
            if decided(state, candidate, asked.check._replace(resource=resource), context, facts):
                found.setdefault(asked.check.action, []).append(context)
    return found


def names(conditions: tuple[tuple[str, str], ...], context: dict[str, str]) -> bool:
    """Whether a finding with these conditions names a context: it does not say which way they are meant."""
    return all(key in context and (key != "aws:SecureTransport" or context[key] == value) for key, value in conditions)


@pytest.mark.parametrize("seed", range(24))
def test_each_pair_that_is_allowed_is_told_and_no_other(seed: int) -> None:
    state, facts = made(seed)
    for governed in (state, ungoverned(state)):
        reach = Reach(governed, questions("AWS::S3::Bucket", BUCKET, "us-east-1", NOW), facts)
        told: dict[str, Access] = {}
        for alike in reach.groups(governed, (ONE, TWO)):
            told |= {candidate.arn: reach.of(candidate) for candidate in alike}
            reach.settle()
        for candidate in (*of_account(state, ONE), *of_account(state, TWO)):
            allowed = allowed_somehow(governed, candidate, facts)
            access = told[candidate.arn]
            assert {action for actions in access.values() for action in actions} == set(allowed), candidate.arn
            for conditions, actions in access.items():
                for action in actions:
                    assert any(names(conditions, context) for context in allowed[action]), (candidate.arn, action)
