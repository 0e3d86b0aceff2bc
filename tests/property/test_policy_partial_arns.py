"""Patterns against resources with missing parts: containment and intersection, by trying what is possible."""

from __future__ import annotations

import copy
import itertools
import json

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from locum import policy
from locum.core.partial_arn import NEW, UNKNOWN, UNKNOWN_RESOURCE, Part, PartialArn, arn_of
from locum.core.principal import Principal
from locum.policy import Policies, PolicyKind, Source, Verdict
from locum.policy.partial import Automaton
from locum.policy.patterns import glob, scan

ME = "111111111111"
ALICE = f"arn:aws:iam::{ME}:user/alice"
FRESH = "~"
ANYTHING = ["".join(text) for n in range(5) for text in itertools.product("ab" + FRESH, repeat=n)] + [FRESH * 12]
"""Texts in place of one missing part: with patterns as short as here, no others differ from all of these."""

parts = (
    st.lists(st.sampled_from(("a", "b", "ab", UNKNOWN)), max_size=3)
    .map(tuple)
    .filter(lambda found: found.count(UNKNOWN) <= 2)
)


def possible(resource: tuple[Part, ...]) -> set[str]:
    choices = [[part] if isinstance(part, str) else ANYTHING for part in resource]
    return {"".join(texts) for texts in itertools.product(*choices)}


@settings(max_examples=400, deadline=None)
@given(st.text("ab*?", max_size=4), parts)
@example("*?", ("a", UNKNOWN))
@example("?*", (UNKNOWN, "a"))
@example("a*b", ("a", UNKNOWN, "b"))
@example("a?b", ("a", UNKNOWN, "b"))
@example("*a*", (UNKNOWN, "a", UNKNOWN))
def test_an_allow_covers_all_that_a_missing_part_may_be_and_a_deny_hits_any(
    pattern: str, resource: tuple[Part, ...]
) -> None:
    tokens = scan(pattern, variables=False)
    automaton, matches = Automaton(tokens), glob(tokens)
    texts = possible(resource)
    assert automaton.matches(resource, every=True) is all(map(matches, texts))
    assert automaton.matches(resource, every=False) is any(map(matches, texts))


@settings(max_examples=400, deadline=None)
@given(st.text("ab*?", max_size=6), st.text("ab", max_size=6))
def test_a_resource_without_missing_parts_is_matched_as_ever(pattern: str, text: str) -> None:
    tokens = scan(pattern, variables=False)
    for every in (True, False):
        assert Automaton(tokens).matches((text,), every=every) is glob(tokens)(text)


@settings(max_examples=200, deadline=None)
@given(st.text("ab*?", max_size=4), parts)
def test_no_statement_is_about_the_name_that_a_new_resource_will_have(pattern: str, resource: tuple[Part, ...]) -> None:
    new = tuple(NEW if part is UNKNOWN else part for part in resource)
    automaton = Automaton(scan(pattern, variables=False))
    assert automaton.matches(new, every=False) is automaton.matches(resource, every=True)


def allowed(resource: str, *statements: dict[str, str]) -> bool:
    text = json.dumps({"Version": "2012-10-17", "Statement": [{"Action": "s3:*", **s} for s in statements]})
    compiled = policy.compile(policy.parse(text, PolicyKind.IDENTITY), Source(PolicyKind.IDENTITY))
    request = policy.Request(Principal.user(ME, ALICE, "AIDAEXAMPLE", "alice"), "s3:GetObject", resource, ME, {})
    return policy.evaluate(request, Policies(identity=(compiled,))).verdict is Verdict.ALLOW


ALL = {"Effect": "Allow", "Resource": "*"}
OBJECT = arn_of("arn:aws:s3:::b/", UNKNOWN)
CREATED = arn_of("arn:aws:s3:::b/", NEW)


@pytest.mark.parametrize(
    ("resource", "statements", "expected"),
    [
        (OBJECT, [{"Effect": "Allow", "Resource": "arn:aws:s3:::b/*"}], True),
        (OBJECT, [{"Effect": "Allow", "Resource": "arn:aws:s3:::b/a*"}], False),
        (OBJECT, [{"Effect": "Allow", "Resource": "arn:aws:s3:::b/${*}"}], False),
        (OBJECT, [{"Effect": "Allow", "NotResource": "arn:aws:s3:::b/a"}], False),
        (OBJECT, [{"Effect": "Allow", "NotResource": "arn:aws:s3:::c/*"}], True),
        (OBJECT, [ALL, {"Effect": "Deny", "Resource": "arn:aws:s3:::b/secret"}], False),
        (OBJECT, [ALL, {"Effect": "Deny", "Resource": "arn:aws:s3:::c/*"}], True),
        (OBJECT, [ALL, {"Effect": "Deny", "NotResource": "arn:aws:s3:::b/a*"}], False),
        (OBJECT, [ALL, {"Effect": "Deny", "NotResource": "arn:aws:s3:::b/*"}], True),
        (CREATED, [{"Effect": "Allow", "Resource": "arn:aws:s3:::b/*"}], True),
        (CREATED, [{"Effect": "Allow", "Resource": "arn:aws:s3:::b/a*"}], False),
        (CREATED, [ALL, {"Effect": "Deny", "Resource": "arn:aws:s3:::b/secret"}], True),
        (CREATED, [ALL, {"Effect": "Deny", "Resource": "arn:aws:s3:::b/*"}], False),
        (UNKNOWN_RESOURCE, [ALL], True),
        (UNKNOWN_RESOURCE, [{"Effect": "Allow", "Resource": "arn:aws:s3:::*"}], False),
        (UNKNOWN_RESOURCE, [ALL, {"Effect": "Deny", "Resource": "arn:aws:s3:::b/secret"}], False),
        (UNKNOWN_RESOURCE, [ALL, {"Effect": "Deny", "NotResource": "arn:aws:s3:::b"}], False),
    ],
)
def test_statements_about_a_resource_that_is_known_in_part(
    resource: str, statements: list[dict[str, str]], expected: bool
) -> None:
    assert allowed(resource, *statements) is expected


def test_a_deny_among_many_statements_hits_a_resource_known_in_part() -> None:
    many = [{"Effect": "Deny", "Resource": f"arn:aws:s3:::b/{n}"} for n in range(40)]
    assert not allowed(OBJECT, ALL, *many)


def test_a_resource_known_in_part_is_never_taken_for_the_one_of_that_name() -> None:
    assert str(OBJECT) == "arn:aws:s3:::b/*"
    assert len({OBJECT, CREATED, "arn:aws:s3:::b/*"}) == 3
    assert copy.deepcopy(OBJECT) == OBJECT
    assert arn_of("arn:aws:s3:::b/", "k") == "arn:aws:s3:::b/k"


def test_a_long_pattern_and_a_long_name_are_matched_at_once() -> None:
    resource = PartialArn(("arn:aws:s3:::b/", "k" * 1024, UNKNOWN))
    hostile = "arn:aws:s3:::b/" + "*k" * 1000
    assert not allowed(resource, ALL, {"Effect": "Deny", "Resource": hostile})
