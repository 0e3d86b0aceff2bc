"""Globs against the obvious recursive definition, and their worst case."""

from __future__ import annotations

import json
from functools import cache

import hypothesis.strategies as st
from hypothesis import example, given, settings

from locum import policy
from locum.policy.patterns import Wild, glob, scan
from locum.policy.values import instant, network, number


def simple(pattern: str, text: str) -> bool:
    @cache
    def match(p: int, t: int) -> bool:
        if p == len(pattern):
            return t == len(text)
        if pattern[p] == "*":
            return match(p + 1, t) or (t < len(text) and match(p, t + 1))
        return t < len(text) and pattern[p] in ("?", text[t]) and match(p + 1, t + 1)

    return match(0, 0)


@settings(max_examples=1500, deadline=None)
@given(st.text("ab*?.", max_size=12), st.text("ab.", max_size=14))
@example("a*?b", "ab")
@example("*?*?", "a")
@example("?*a", "a")
@example("ab*ba", "aba")
def test_globs_match_as_defined(pattern: str, text: str) -> None:
    assert glob(scan(pattern, variables=True))(text) is simple(pattern, text)


def test_a_hostile_pattern_ends_at_once() -> None:
    text = "a" * 20_000
    for pattern in ("*a" * 2_000 + "*b", "a*" * 2_000 + "b", "*a?" * 1_000 + "*b", "*?" * 2_000 + "b"):
        assert not glob(scan(pattern, variables=True))(text)


def test_hostile_documents_are_refused_or_taken_at_once() -> None:
    for hostile in ("${" + " " * 100_000 + "x", "${" * 50_000, "${" + " " * 100_000 + ",'}", "*?" * 50_000):
        text = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Action": "s3:" + "*a" * 9_999,
                    "Resource": "arn:aws:s3:::" + hostile,
                    "Condition": {"StringLike": {"aws:username": hostile}},
                },
            }
        )
        try:
            policy.parse(text, policy.PolicyKind.IDENTITY)
        except policy.MalformedPolicy as refusal:
            refusal.describe()


@given(st.text())
def test_a_literal_wildcard_and_a_literal_text_match_themselves_only(text: str) -> None:
    spelled = "".join(f"${{{c}}}" if c in "*?$" else c for c in text)
    tokens = scan(spelled, variables=True)
    assert all(token not in (Wild.ANY, Wild.ONE) for token in tokens)
    assert glob(tokens)(text)
    assert not glob(tokens)(text + "x")


@given(st.text())
def test_readers_of_values_read_or_answer_none(text: str) -> None:
    for read in (number, instant, network):
        read(text)
