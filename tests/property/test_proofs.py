"""What the custom policy checks prove is held against the evaluator, over generated policies.

A PASS is wrong if any request is allowed that should not be: requests near what the policies say are tried. A FAIL
shows a request, which the evaluator allows. No check ends without an answer for more than a few of the policies.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from locum.analysis.proofs import NotDecided, grants, new_access, public_access
from locum.core.principal import ANONYMOUS, Principal
from locum.policy import PolicyKind
from support.generated_policies import VALUES, WORDS, generated, parsed, related, request, sampled

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
UNFIXED: dict[str, tuple[Any, ...]] = {
    "aws:principalorgid": (None, "o-33", "x"),
    "aws:sourceip": (None, "192.0.2.1", "11.0.0.0"),
    "aws:sourcearn": (None, "arn:aws:sns:us-east-1:111122223333:u", "arn:aws:sns:x:444455556666:t"),
    "aws:sourceaccount": (None, "444455556666"),
}
"""Values of the keys that fix where a request comes from, which no generated policy fixes."""


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
        action = draws.choice(("s3:getobject", "s3:getobjectacl", "s3:putobject", "s3:listbucket"))
        made = request(draws.choice(STRANGERS), action, draws.choice(WORDS), context)
        assert not grants(policy, made), (text, made)
    return "FAIL" if found else "PASS"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_what_passes_grants_nothing_new(draws: random.Random) -> None:
    held(draws)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_what_is_not_public_is_closed_to_strangers(draws: random.Random) -> None:
    held_public(draws)


@pytest.mark.parametrize("check", [held, held_public])
def test_nearly_all_generated_policies_are_decided(check: Any) -> None:
    found = Counter(check(random.Random(seed)) for seed in range(120))
    assert found["not decided"] <= 3
    assert min(found["PASS"], found["FAIL"]) > 20


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("check", [held, held_public])
def test_answers_for_10000_policies_hold(check: Any) -> None:
    found = Counter(check(random.Random(1_000_000 + seed)) for seed in range(NIGHTLY))
    assert found["not decided"] < NIGHTLY / 100
