"""What is refused when it is written, with which text of AWS's and at which place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum import policy
from locum.policy import MalformedPolicy, PolicyKind

ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
EVERYONE = {"Principal": "*"}
TRUST: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111111111111"}}


def without(name: str, statement: dict[str, Any] = ALLOW) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != name}


def refused(text: str, kind: PolicyKind = PolicyKind.IDENTITY, **options: bool) -> MalformedPolicy:
    with pytest.raises(MalformedPolicy) as caught:
        policy.parse(text, kind, **options)
    return caught.value


def document(*statements: Any, **fields: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | fields)


SYNTAX = "Syntax errors in policy."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", SYNTAX),
        ("[]", SYNTAX),
        ("{", SYNTAX),
        ('{"Version":"2012-10-17"}', SYNTAX),
        ('{"Statement":[]}', SYNTAX),
        ('{"Statement":"x"}', SYNTAX),
        (document(7), SYNTAX),
        (document(ALLOW, Version="2012-10-18"), SYNTAX),
        (document(ALLOW, Version=20121017), SYNTAX),
        (document(ALLOW, Id=7), SYNTAX),
        (document(ALLOW, Statements=[]), SYNTAX),
        (document(ALLOW | {"Resources": "*"}), SYNTAX),
        (document(ALLOW | {"effect": "Allow"}), SYNTAX),
        (document(without("Effect")), SYNTAX),
        (document(without("Action")), "Policy statement must contain actions."),
        (document(without("Resource")), "Policy statement must contain resources."),
        (document(ALLOW | {"Effect": "allow"}), "The policy failed legacy parsing"),
        (document(ALLOW | {"Effect": "Permit"}), SYNTAX),
        (document(ALLOW | {"Effect": ["Allow"]}), SYNTAX),
        (document(ALLOW | {"NotAction": "s3:*"}), SYNTAX),
        (document(ALLOW | {"NotResource": "*"}), SYNTAX),
        (document(ALLOW | EVERYONE), "Policy document should not specify a principal."),
        (document(ALLOW | {"NotPrincipal": "*"}), "Policy document should not specify a principal."),
        (document(ALLOW | {"Action": []}), "Policy statement must contain actions."),
        (document(ALLOW | {"Resource": []}), "Policy statement must contain resources."),
        (document(ALLOW | {"Action": 7}), SYNTAX),
        (document(ALLOW | {"Action": [None]}), SYNTAX),
        (
            document(ALLOW | {"Action": "GetObject"}),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (document(ALLOW | {"Action": "s3:Get:Object"}), "Actions/Condition can contain only one colon."),
        (
            document(ALLOW | {"Action": "s*:GetObject"}),
            "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards.",
        ),
        (document(ALLOW | {"Resource": "bucket"}), 'Resource bucket must be in ARN format or "*".'),
        (document(ALLOW | {"Resource": ["*", "b*"]}), 'Resource b* must be in ARN format or "*".'),
        (
            document(ALLOW | {"Resource": "arn:aws:s*:::b"}),
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ),
        (
            document(ALLOW | {"Resource": "arn:azure:s3:::b"}),
            'Partition "azure" is not valid for resource "arn:azure:s3:::b".',
        ),
        (document(ALLOW | {"Resource": "arn:aws:s3:::${aws:username"}), SYNTAX),
        (document(ALLOW | {"Sid": "a b"}), "Statement IDs (SID) must be alpha-numeric."),
        (
            document(ALLOW | {"Sid": "a"}, ALLOW | {"Sid": "a"}),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
        ('{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}', SYNTAX),
    ],
)
def test_what_iam_refuses_is_refused_with_its_text(text: str, message: str) -> None:
    assert refused(text).message.startswith(message)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"StringEquals": {"username": "x"}}, "Actions/Conditions must be prefaced by a vendor"),
        ({"StringEquals": {"aws:username": []}}, SYNTAX),
        ({"Unknown": {}}, SYNTAX),
    ],
)
def test_iam_takes_some_conditions_that_mean_nothing(condition: Any, message: str) -> None:
    policy.parse(document(ALLOW | {"Condition": condition}), PolicyKind.IDENTITY)
    refusal = refused(document(ALLOW | EVERYONE | {"Condition": condition}), PolicyKind.RESOURCE)
    assert message == SYNTAX or refusal.message.startswith(message)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ([], SYNTAX),
        ({"StringEquals": "x"}, SYNTAX),
        ({"StringEqual": {"aws:username": "x"}}, "Invalid Condition type : StringEqual."),
        ({"stringequals": {"aws:username": "x"}}, "Invalid Condition type : stringequals."),
        ({"NullIfExists": {"aws:username": "true"}}, "Invalid Condition type : NullIfExists."),
        ({"ForSomeValue:StringEquals": {"aws:username": "x"}}, "Invalid Condition type : ForSomeValue:StringEquals."),
        ({"StringEquals": {"aws:username": None}}, SYNTAX),
        ({"StringEquals": {"aws:username": {"a": "b"}}}, SYNTAX),
        ({"NumericEquals": {"s3:max-keys": "ten"}}, "Invalid value for NumericEquals: ten"),
        ({"NumericEquals": {"s3:max-keys": "${aws:username}"}}, "Invalid value for NumericEquals"),
        ({"DateEquals": {"aws:CurrentTime": "2026-02-30"}}, "Invalid value for DateEquals"),
        ({"DateEquals": {"aws:CurrentTime": "yesterday"}}, "Invalid value for DateEquals"),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/33"}}, "Invalid value for IpAddress"),
        ({"IpAddress": {"aws:SourceIp": "10.0.0"}}, "Invalid value for IpAddress"),
        ({"Bool": {"aws:SecureTransport": "yes"}}, "Invalid value for Bool"),
        ({"Null": {"aws:username": "maybe"}}, "Invalid value for Null"),
        ({"BinaryEquals": {"s3:some": "!"}}, "Invalid value for BinaryEquals"),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:sns*"}}, "Invalid value for ArnLike"),
        ({"StringLike": {"aws:username": "${}"}}, "Invalid policy variable in ${}"),
    ],
)
def test_a_condition_that_cannot_be_meant_is_refused(condition: Any, message: str) -> None:
    refusal = refused(document(ALLOW | {"Condition": condition}))
    assert (refusal.detail or refusal.message).startswith(message)
    for kind in (PolicyKind.RESOURCE, PolicyKind.RCP):
        assert refused(document(ALLOW | EVERYONE | {"Condition": condition}), kind).message.startswith(message)


@pytest.mark.parametrize(
    ("kind", "statement", "message"),
    [
        (PolicyKind.RESOURCE, ALLOW, "Missing required field Principal"),
        (PolicyKind.RESOURCE, without("Resource") | EVERYONE, "Missing required field Resource"),
        (PolicyKind.RESOURCE, ALLOW | {"NotPrincipal": "*"}, "Allow with NotPrincipal is not allowed."),
        (PolicyKind.RESOURCE, ALLOW | {"Principal": "alice"}, 'Invalid principal in policy: "alice"'),
        (PolicyKind.RESOURCE, ALLOW | {"Principal": {"User": "x"}}, 'Invalid principal in policy: "User"'),
        (PolicyKind.RESOURCE, ALLOW | {"Principal": {}}, "Invalid principal in policy"),
        (
            PolicyKind.RESOURCE,
            ALLOW | {"Principal": {"AWS": "arn:aws:iam::111111111111:user/a*"}},
            'Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:user/a*"',
        ),
        (PolicyKind.RESOURCE, ALLOW | {"Principal": {"AWS": "11111111111"}}, "Invalid principal in policy"),
        (
            PolicyKind.RESOURCE,
            ALLOW | {"Principal": {"Service": "sns"}},
            'Invalid principal in policy: "Service":"sns"',
        ),
        (PolicyKind.RESOURCE, ALLOW | EVERYONE | {"Resource": "arn:aws:s3"}, "Resource arn:aws:s3 must be in ARN"),
        (PolicyKind.TRUST, without("Effect", TRUST), "Missing required field Effect"),
        (PolicyKind.TRUST, without("Action", TRUST), "Missing required field Action"),
        (PolicyKind.TRUST, TRUST | {"Effect": "allow"}, "Invalid effect: allow"),
        (PolicyKind.TRUST, TRUST | {"Principals": "*"}, "Unknown field Principals"),
        (PolicyKind.TRUST, TRUST | {"Resource": "*"}, "Has prohibited field Resource"),
        (PolicyKind.TRUST, without("Principal", TRUST), "Missing required field Principal"),
        (PolicyKind.TRUST, without("Principal", TRUST) | {"NotPrincipal": "*"}, "Has prohibited field NotPrincipal"),
        (
            PolicyKind.TRUST,
            TRUST | {"Action": "s3:GetObject"},
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (PolicyKind.SESSION, ALLOW | {"Resource": "arn:aws:sqs"}, "Resource arn:aws:sqs must be in ARN format"),
        (PolicyKind.SCP, ALLOW | EVERYONE, "Policy document should not specify a principal."),
        (PolicyKind.BOUNDARY, ALLOW | EVERYONE, "Policy document should not specify a principal."),
        (PolicyKind.RCP, ALLOW | {"Principal": {"AWS": "111111111111"}}, "Invalid principal in policy"),
    ],
)
def test_each_kind_has_its_own_elements(kind: PolicyKind, statement: dict[str, Any], message: str) -> None:
    assert refused(document(statement), kind).message.startswith(message)


def test_managed_policies_want_the_current_version() -> None:
    for text in (document(ALLOW, Version="2008-10-17"), json.dumps({"Statement": ALLOW})):
        assert policy.parse(text, PolicyKind.IDENTITY).version == "2008-10-17"
        assert refused(text, current_version=True).message == ("Policy document must be version 2012-10-17 or greater.")


def test_a_refusal_says_where() -> None:
    text = '{"Version": "2012-10-17",\n\n"Statement": [\n    {"Effect": "allow", "Action": "*", "Resource": "*"}\n]}'
    refusal = refused(text)
    assert (refusal.span.line, refusal.span.column) == (4, 16)
    assert text[refusal.span.start : refusal.span.end] == '"allow"'
    assert refusal.describe() == (
        "The policy failed legacy parsing Invalid effect: allow (at $.Statement[0].Effect, line 4, column 16)"
    )


def test_what_is_no_json_is_refused_with_the_text_of_its_kind() -> None:
    for text in ("", "[]", "trust.json", '{"Statement": NaN}', "[" * 200):
        assert refused(text, PolicyKind.TRUST).message == "This policy contains invalid Json"
        assert refused(text, PolicyKind.IDENTITY).message == SYNTAX


def test_a_syntax_error_says_where() -> None:
    assert refused('{"Version": "2012-10-17",\n "Statement": [}').span.line == 2


def test_a_statement_knows_its_place() -> None:
    one = '"Action":"*","Resource":"*"}'
    text = f'{{"Statement": [{{"Effect":"Allow",{one},\n {{"Effect":"Deny",{one}]}}'
    made = policy.parse(text, PolicyKind.IDENTITY)
    spans = [made.span(statement) for statement in made.statements]
    assert [json.loads(text[span.start : span.end])["Effect"] for span in spans] == ["Allow", "Deny"]
    assert (spans[1].line, spans[1].column) == (2, 2)


def test_values_nobody_could_write_today_can_still_be_read() -> None:
    text = document(ALLOW | {"Condition": {"NumericEquals": {"s3:max-keys": "ten"}}})
    assert policy.parse(text, PolicyKind.IDENTITY, judge_values=False).statements[0].conditions[0].values == ("ten",)
    assert refused(document(without("Effect")), judge_values=False).detail == "Missing required field Effect"


def test_white_space_does_not_count() -> None:
    assert policy.significant_length(' { "a" :\n\t"b c" } ') == len('{"a":"bc"}')


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"AWS": ["111111111111", "arn:aws:iam::111111111111:root"]},
        {"AWS": "arn:aws:iam::111111111111:user/dev/alice@example.com"},
        {"AWS": "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"},
        {"AWS": "arn:aws:sts::111111111111:assumed-role/app/run"},
        {"AWS": "AROAEXAMPLEEXAMPLEEXA"},
        {"Service": ["ec2.amazonaws.com", "logs.us-east-1.amazonaws.com"]},
        {"Federated": "cognito-identity.amazonaws.com"},
        {"Federated": "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"},
        {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
    ],
)
def test_every_form_of_principal_is_taken(principal: Any) -> None:
    policy.parse(document(ALLOW | {"Principal": principal}), PolicyKind.RESOURCE)
