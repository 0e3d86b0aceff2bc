"""The suggestions: of each a document that has it, and one that has not."""

from __future__ import annotations

from typing import Final

from support.lint_cases import QUEUE, RESOURCE, TRUST, Case, case, condition, element

_PREFIX: Final = "s3:prefix"

CASES: Final[tuple[Case, ...]] = (
    element("EMPTY_SID_VALUE", "Sid", "", "A"),
    element("EMPTY_ARRAY_ACTION", "Action", [], ["s3:GetObject"]),
    element("EMPTY_ARRAY_RESOURCE", "Resource", [], ["*"]),
    element("EMPTY_ARRAY_PRINCIPAL", "Principal", {"AWS": []}, {"AWS": ["*"]}, RESOURCE),
    element("EMPTY_OBJECT_PRINCIPAL", "Principal", {}, {"AWS": "*"}, RESOURCE),
    condition("EMPTY_OBJECT_CONDITION", {}, {"StringEquals": {_PREFIX: "x"}}),
    condition("EMPTY_OBJECT_CONDITION", {"StringEquals": {}}, {"StringEquals": {_PREFIX: "x"}}),
    condition("EMPTY_ARRAY_CONDITION", {"StringEquals": {_PREFIX: []}}, {"StringEquals": {_PREFIX: ["x"]}}),
    condition(
        "EMPTY_ARRAY_CONDITION_FORALLVALUES",
        {"ForAllValues:StringEquals": {"aws:TagKeys": []}},
        {"ForAnyValue:StringEquals": {"aws:TagKeys": []}},
    ),
    condition(
        "EMPTY_ARRAY_CONDITION_FORANYVALUE",
        {"ForAnyValue:StringEquals": {"aws:TagKeys": []}},
        {"ForAllValues:StringEquals": {"aws:TagKeys": []}},
    ),
    condition(
        "EMPTY_ARRAY_CONDITION_IFEXISTS",
        {"StringEqualsIfExists": {_PREFIX: []}},
        {"StringEquals": {_PREFIX: []}},
    ),
    condition(
        "NULL_WITH_QUALIFIER",
        {"ForAllValues:Null": {"aws:TagKeys": "false"}},
        {"Null": {"aws:TagKeys": "false"}},
    ),
    condition(
        "IMPROVE_IP_RANGE",
        {"IpAddress": {"aws:SourceIp": "203.0.113.7/24"}},
        {"IpAddress": {"aws:SourceIp": "203.0.114.0/24"}},
    ),
    condition(
        "PRIVATE_IP_ADDRESS_SUBSET",
        {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "8.8.8.8"]}},
        {"IpAddress": {"aws:SourceIp": ["8.8.8.8"]}},
    ),
    condition(
        "PRIVATE_NOT_IP_ADDRESS_SUBSET",
        {"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "8.8.8.8"]}},
        {"NotIpAddress": {"aws:SourceIp": ["8.8.8.8"]}},
    ),
    element("REDUNDANT_ACTION", "Action", ["s3:Get*", "s3:GetObject"], ["s3:Get*", "s3:*Acl"]),
    element("REDUNDANT_ACTION", "Action", ["s3:GetObject", "S3:getobject"], ["s3:GetObject", "s3:PutObject"]),
    element(
        "REDUNDANT_RESOURCE",
        "Resource",
        ["arn:aws:s3:::jane*", "arn:aws:s3:::jane-admin"],
        ["arn:aws:s3:::jane*", "arn:aws:s3:::john"],
    ),
    case("REDUNDANT_STATEMENT", [{"Sid": "A"}, {"Sid": "B"}], [{}, {"Effect": "Deny"}]),
    condition(
        "REDUNDANT_CONDITION_VALUE_NUM",
        {"NumericLessThan": {"aws:MultiFactorAuthAge": ["2700", "3600"]}},
        {"NumericEquals": {"aws:MultiFactorAuthAge": ["2700", "3600"]}},
    ),
    element("WILDCARD_IN_SERVICE_NAME", "Action", "s*:GetObject", "s3:Get*"),
    element("WILDCARD_IN_SERVICE_NAME", "Resource", "arn:aws:*code*::111122223333:*", "*"),
    condition(
        "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        {"StringEquals": {"aws:ResourceTag/team": "a"}},
        {"StringEqualsIfExists": {"aws:ResourceTag/team": "a"}},
        Action="route53domains:*",
        Resource="*",
    ),
    case(
        "ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        {"Action": None, "NotAction": "iam:*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}}},
        {"Action": "ec2:StopInstances", "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}}},
    ),
    condition(
        "RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
        {"StringEquals": {"aws:Referer": "123456789012"}},
        {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        QUEUE,
        Principal={"Service": "ses.amazonaws.com"},
    ),
    condition(
        "IRRELEVANT_CONDITION_KEY_IN_POLICY",
        {"StringEquals": {"s3:ResourceAccount": "123456789012"}},
        {"StringEquals": {"aws:PrincipalAccount": "123456789012"}},
        RESOURCE,
    ),
    condition("EQUIVALENT_TO_NULL_FALSE", {"StringLike": {_PREFIX: "*"}}, {"StringLike": {_PREFIX: "a*"}}),
    condition("EQUIVALENT_TO_NULL_TRUE", {"StringNotLike": {_PREFIX: "*"}}, {"StringNotEquals": {_PREFIX: "a"}}),
    condition(
        "REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION",
        {"StringLikeIfExists": {_PREFIX: "*"}},
        {"StringLike": {_PREFIX: "*"}},
    ),
    condition(
        "REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION",
        {"ForAnyValue:StringNotLike": {"aws:TagKeys": "*"}},
        {"ForAnyValue:StringNotLike": {"aws:TagKeys": "a*"}},
    ),
    element(
        "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY",
        "Principal",
        {"AWS": ["arn:aws:iam::123456789012:role/app", "arn:aws:sts::123456789012:assumed-role/app/one"]},
        {"AWS": ["arn:aws:iam::123456789012:role/app", "arn:aws:sts::123456789012:assumed-role/other/one"]},
        TRUST,
    ),
    condition(
        "CONFIRM_AUDIENCE_CLAIM_TYPE",
        {"ForAnyValue:StringEquals": {"login.example.com:aud": "app"}},
        {"StringEquals": {"login.example.com:aud": "app"}},
        TRUST,
        Principal={"Federated": "login.example.com"},
        Action="sts:AssumeRoleWithWebIdentity",
    ),
)
