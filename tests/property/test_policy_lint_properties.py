"""Lint takes any text; and what covers, overlaps and matches is what the obvious definitions say."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from locum.lint import FindingType, PolicyType, lint
from locum.lint.globs import covers, matcher, overlaps
from locum.policy import MalformedPolicy, PolicyKind, parse
from locum.services.accessanalyzer.catalogue import catalogue
from locum.services.accessanalyzer.shapes import finding_shape
from support.aws_shapes import misfits

RESOURCE_TYPES = (None, "AWS::S3::Bucket", "AWS::IAM::AssumeRolePolicyDocument", "AWS::DynamoDB::Table")
PATTERNS = st.text("ab*?", max_size=6)

WORDS = st.sampled_from(
    [
        "*", "s3:GetObject", "s3:Get*", "s3:Nothing", "iam:PassRole", "sts:AssumeRole", "x:y", "",
        "arn:aws:s3:::bucket/*", "arn:aws:iam::1:role/${aws:username", "arn:aws:sqs::123456789012:q", "arn:aws",
        "arn:::::", "${}", "${aws:username, 'x}", "${ a }", "\ud800", "10.0.0.1/8", "true", "2031-01-01", "1609459200",
        "AROAEXAMPLE", "123456789012", "sns.amazonaws.com", "token.actions.githubusercontent.com",
    ]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
        "NotResource", "Condition", "AWS", "Service", "Federated", "StringEquals", "ForAllValues:StringLike",
        "ForAnyValue:StringNotLike", "NullIfExists", "Null", "Bool", "IpAddress", "NotIpAddress", "DateLessThan",
        "NumericLessThan", "ArnLike", "aws:SourceIp", "aws:PrincipalOrgID", "aws:ResourceTag/", "aws:ResourceTag/a",
        "aws:userid", "AWS:UserId", "s3:prefix", "iam:PassedToService", "a.b:aud", ":", "aws:",
    ]
)  # fmt: skip
SCALARS = st.one_of(WORDS, st.text(max_size=8), st.booleans(), st.none(), st.integers(), st.floats(allow_nan=False))
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(NAMES, WORDS), inner, max_size=6)),
    max_leaves=25,
)
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "Sid": SCALARS,
    "Effect": st.sampled_from(["Allow", "Deny", "allow", 1]),
    "Principal": JSON,
    "NotPrincipal": JSON,
    "Action": st.one_of(WORDS, st.lists(SCALARS, max_size=3)),
    "NotAction": st.one_of(WORDS, st.lists(SCALARS, max_size=3)),
    "Resource": st.one_of(WORDS, st.lists(SCALARS, max_size=3)),
    "NotResource": JSON,
    "Condition": st.one_of(JSON, st.dictionaries(NAMES, st.dictionaries(NAMES, JSON, max_size=3), max_size=3)),
}
STATEMENTS = st.fixed_dictionaries({}, optional=ELEMENTS)
POLICIES = st.fixed_dictionaries(
    {"Statement": st.one_of(STATEMENTS, st.lists(STATEMENTS, max_size=3))},
    optional={"Version": st.sampled_from(["2012-10-17", "2008-10-17", "x", 1]), "Id": SCALARS},
)
TEXTS = st.one_of(st.text(), JSON.map(json.dumps), POLICIES.map(json.dumps), st.text('{}[]",:0e.-\\ untrefals'))


@settings(max_examples=600, deadline=None)
@given(TEXTS, st.sampled_from(PolicyType), st.sampled_from(RESOURCE_TYPES))
def test_any_text_is_linted_and_answered_in_the_shapes_of_the_model(
    text: str, policy_type: PolicyType, resource_type: str | None
) -> None:
    findings = [finding_shape(finding) for finding in lint(text, policy_type, resource_type, catalogue())]
    assert misfits("accessanalyzer", "ValidatePolicy", {"findings": findings}) == []
    json.dumps(findings, ensure_ascii=False).encode()


@settings(max_examples=400, deadline=None)
@given(POLICIES.map(json.dumps))
def test_a_document_without_errors_is_one_that_iam_takes(text: str) -> None:
    findings = lint(text, PolicyType.IDENTITY_POLICY, None, catalogue())
    if any(finding.type is FindingType.ERROR or finding.code.startswith("EMPTY_") for finding in findings):
        return
    try:
        parse(text, PolicyKind.IDENTITY)
    except MalformedPolicy as refusal:
        assert {finding.code for finding in findings} & {  # noqa: PT017 - a refusal needs a warning that tells why
            "TYPE_MISMATCH_BOOLEAN",
            "TYPE_MISMATCH_DATE",
            "TYPE_MISMATCH_NUMBER",
            "TYPE_MISMATCH_STRING",
        }, refusal.describe()


@settings(max_examples=400, deadline=None)
@given(PATTERNS, PATTERNS, st.text("ab", max_size=6))
def test_what_a_covered_pattern_matches_the_other_matches(pattern: str, other: str, text: str) -> None:
    if covers(pattern)(other) and matcher(other)(text):
        assert matcher(pattern)(text)


@settings(max_examples=400, deadline=None)
@given(PATTERNS, PATTERNS, st.text("ab", max_size=6))
def test_patterns_that_match_one_text_overlap(pattern: str, other: str, text: str) -> None:
    if matcher(pattern)(text) and matcher(other)(text):
        assert overlaps(pattern, other)
