"""What the custom policy checks and analyzers prove is held against the evaluator, over generated policies.

A PASS is wrong if any request is allowed that should not be: requests near what the policies say are tried. A FAIL
shows a request, which the evaluator allows; so does a finding of external access, and what others may do is in one. No
check ends without an answer for more than a few of the policies.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from locum.analysis.proofs import NotDecided, Zone, external_access, grants, new_access, public_access
from locum.core.principal import ANONYMOUS, Principal, PrincipalKind
from locum.policy import Document, PolicyKind, Statement
from support.generated_policies import (
    CALLERS,
    ME,
    OTHER,
    THIRD,
    VALUES,
    WORDS,
    generated,
    parsed,
    related,
    request,
    sampled,
)

KINDS = (PolicyKind.IDENTITY, PolicyKind.RESOURCE)
EXAMPLES = max(120, int(os.environ.get("LOCUM_POLICY_EXAMPLES", "0")) // 100)
SAMPLES = 40
NIGHTLY = 10_000
BUCKET = "AWS::S3::Bucket"
STRANGER = "123123123123"
STRANGERS = (
    ANONYMOUS,
    Principal.user(STRANGER, f"arn:aws:iam::{STRANGER}:user/who", "AIDAWHO", "who"),
    Principal.role_session(f"arn:aws:iam::{STRANGER}:role/Dev", "AROAWHO", "s"),
)
OUTSIDERS = (
    *STRANGERS,
    *(caller for caller in CALLERS if caller.account not in ("", ME) and caller.kind is not PrincipalKind.SERVICE),
)
ACTIONS = ("s3:getobject", "s3:getobjectacl", "s3:putobject", "s3:listbucket")
UNFIXED: dict[str, tuple[Any, ...]] = {
    "aws:principalorgid": (None, "o-33", "x"),
    "aws:sourceip": (None, "192.0.2.1", "11.0.0.0"),
    "aws:sourcearn": (None, "arn:aws:sns:us-east-1:111122223333:u", "arn:aws:sns:x:444455556666:t"),
    "aws:sourceaccount": (None, "444455556666"),
    "aws:principalorgpaths": (None, ("o-2/r-2/",), ("o-3/r-1/",)),
}
"""Values of the keys that fix where a request comes from, which no generated policy fixes."""

ZONES = (
    Zone(frozenset({ME})),
    Zone(frozenset({ME, OTHER}), "o-1"),
    Zone(frozenset({ME, OTHER, STRANGER}), "o-1"),
    Zone(frozenset({ME, THIRD, "888888888888", "999999999999"}), "o-2"),
)
"""Zones of trust, the accounts that stand for others in proofs among them."""
OF_ACCOUNT = Zone(frozenset({ME}))


def held(draws: Any) -> str:
    """One comparison of two policies: its answer, held against the evaluator."""
    kind = draws.choice(KINDS)
    old = generated(draws, kind)
    new = related(draws, old, kind) if draws.randint(0, 2) else generated(draws, kind)
    after, before = parsed(new, kind), parsed(old, kind)
    try:
        found = new_access(after, before)
    except NotDecided:
        return "not decided"
    for each in found:
        assert grants(after, each.request)
        assert not grants(before, each.request, reference=True)
    for made in () if found else sampled(draws, (after, before), SAMPLES):
        assert not grants(after, made) or grants(before, made, reference=True), (new, old, made)
    return "FAIL" if found else "PASS"


def held_public(draws: Any) -> str:
    """One policy: whether it is public, held against requests of strangers."""
    text = generated(draws, PolicyKind.RESOURCE, everyone=True)
    policy = parsed(text, PolicyKind.RESOURCE)
    try:
        found = public_access(policy, BUCKET)
    except NotDecided:
        return "not decided"
    assert all(grants(policy, each.request) for each in found)
    for _ in () if found else range(SAMPLES):
        context = {key: draws.choice(UNFIXED.get(key, values)) for key, values in VALUES.items()}
        made = request(draws.choice(STRANGERS), draws.choice(ACTIONS), draws.choice(WORDS), context)
        assert not grants(policy, made), (text, made)
    return "FAIL" if found else "PASS"


def held_findings(draws: Any) -> str:
    """One policy: the findings of external access, held against requests of callers from other accounts."""
    text = generated(draws, PolicyKind.RESOURCE, everyone=draws.choice((True, False)))
    policy = parsed(text, PolicyKind.RESOURCE)
    try:
        found = external_access(policy, BUCKET, OF_ACCOUNT)
    except NotDecided:
        return "not decided"
    assert all(grants(policy, each.request) for each in found)
    for _ in range(SAMPLES):
        caller = draws.choice(OUTSIDERS)
        stranger = caller in STRANGERS and draws.choice((True, False))
        values = {key: UNFIXED.get(key, values) if stranger else values for key, values in VALUES.items()}
        context = {key: draws.choice(some) for key, some in values.items()}
        made = request(caller, draws.choice(ACTIONS), draws.choice(WORDS), context)
        if grants(policy, made) and OF_ACCOUNT.admits(made):
            telling = [each for each in found if grants(alone(policy, each.statement), made)]
            assert any(names(each.principal["AWS"], caller) for each in telling if "AWS" in each.principal), (
                text,
                made,
            )
            assert not stranger or any(each.public for each in telling), (text, made)
    return "FAIL" if found else "PASS"


def alone(policy: Document, statement: Statement) -> Document:
    """A policy of one statement."""
    return policy._replace(statements=(statement._replace(number=0),))


def names(told: str, caller: Principal) -> bool:
    """Whether a finding for the principal `told` is about a caller."""
    return told in {"*", caller.account, caller.arn, caller.issuer_arn, caller.unique_id} - {""}


def held_external(draws: Any) -> str:
    """One policy of a resource in a zone: who outside may do something.

    Where nobody may, requests of callers of every account outside are tried: they have no value of a condition key
    that only those inside have.
    """
    zone = draws.choice(ZONES)
    text = generated(draws, PolicyKind.RESOURCE, everyone=bool(draws.randint(0, 1)))
    policy = parsed(text, PolicyKind.RESOURCE)
    try:
        found = external_access(policy, BUCKET, zone)
    except NotDecided:
        return "not decided"
    for each in found:
        assert each.request.principal.account not in zone.accounts or each.principal.keys() == {"Federated"}
        assert grants(policy, each.request)
        assert zone.admits(each.request)
    callers = [it for it in (*STRANGERS, *CALLERS) if it is ANONYMOUS or it.account not in ("", *zone.accounts)]
    for _ in () if found else range(SAMPLES):
        context = {key: draws.choice(values) for key, values in VALUES.items()}
        made = request(draws.choice(callers), draws.choice(ACTIONS), draws.choice(WORDS), context)
        assert not zone.admits(made) or not grants(policy, made), (text, zone, made)
    return "FAIL" if found else "PASS"


CHECKS = (held, held_public, held_findings, held_external)


@pytest.mark.nightly
@pytest.mark.parametrize("check", CHECKS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(draws=st.randoms(use_true_random=False))
def test_answers_hold_for_other_policies_each_time(check: Any, draws: random.Random) -> None:
    check(draws)


@pytest.mark.parametrize("check", CHECKS)
def test_answers_hold_and_nearly_all_policies_are_decided(check: Any) -> None:
    found = Counter(check(random.Random(seed)) for seed in range(40))
    assert found["not decided"] <= 2
    assert min(found["PASS"], found["FAIL"]) > 5


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("check", CHECKS)
def test_answers_for_10000_policies_hold(check: Any) -> None:
    found = Counter(check(random.Random(1_000_000 + seed)) for seed in range(NIGHTLY))
    assert found["not decided"] < NIGHTLY / 100
