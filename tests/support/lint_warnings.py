"""The warnings and the security warnings: of each a document that has it, and one that has not."""

from __future__ import annotations

from typing import Any, Final

from support.lint_cases import IDENTITY, QUEUE, RCP, RESOURCE, TRUST, Case, case, condition, document, element

_ALLOW: Final = dict(IDENTITY.statement)
_LONG: Final = [f"arn:aws:s3:::bucket-number-{i:06}/*" for i in range(700)]
_GITHUB: Final = "token.actions.githubusercontent.com"
_OIDC: Final = "arn:aws:iam::123456789012:oidc-provider/"
_WEB: Final = "sts:AssumeRoleWithWebIdentity"
_ROLE: Final = "arn:aws:iam::123456789012:role/app"
_ORG: Final = "o-1234567890"
_NARROW: Final = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}


def _provider(name: str) -> dict[str, Any]:
    return {"Federated": f"{_OIDC}{name}"}


def _roles(code: str, action: str, **narrow: Any) -> tuple[Case, ...]:
    """The six findings about an action on roles."""
    verb = action.removeprefix("iam:")
    own, wild, other = {"Action": action}, {"Action": f"iam:{verb[:6]}*"}, {"Action": None, "NotAction": "s3:*"}
    anywhere, excluding = {"Resource": "*"}, {"Resource": None, "NotResource": _ROLE}
    exact = {**own, "Resource": _ROLE}
    excluded = {"Action": None, "NotAction": ["s3:*", action]}
    return (
        case(f"{code}_WITH_STAR_IN_RESOURCE", own | anywhere, own | anywhere | narrow),
        case(f"{code}_WITH_STAR_IN_RESOURCE", {**own, "Resource": "arn:aws:iam::123456789012:role/*"}, exact),
        case(f"{code}_WITH_STAR_IN_ACTION_AND_RESOURCE", wild | anywhere, wild | {"Resource": _ROLE}),
        case(f"{code}_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", other | anywhere, excluded | anywhere),
        case(f"{code}_WITH_NOT_RESOURCE", own | excluding, exact),
        case(f"{code}_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE", wild | excluding, {**excluding, "Action": "iam:Get*"}),
        case(f"{code}_WITH_NOT_ACTION_AND_NOT_RESOURCE", other | excluding, excluded | excluding),
    )


WARNINGS: Final[tuple[Case, ...]] = (
    *_roles(
        "CREATE_SLR",
        "iam:CreateServiceLinkedRole",
        Condition={"StringEquals": {"iam:AWSServiceName": "rds.amazonaws.com"}},
    ),
    case("MISSING_VERSION", document(_ALLOW, Version=None), document(_ALLOW)),
    case("UNIQUE_SIDS_RECOMMENDED", [{"Sid": "a b"}, {"Sid": "a b"}], [{"Sid": "a b"}, {"Sid": "a c"}], QUEUE),
    condition(
        "DEPRECATED_GLOBAL_CONDITION_KEY", {"ArnEquals": {"aws:ARN": _ROLE}}, {"ArnEquals": {"aws:PrincipalArn": _ROLE}}
    ),
    condition(
        "INVALID_DATE_VALUE",
        {"DateLessThan": {"aws:CurrentTime": "1609459200"}},
        {"DateLessThan": {"aws:CurrentTime": "2031-01-01T00:00:00Z"}},
    ),
    element("INVALID_ROLE_REFERENCE", "Principal", {"AWS": "AROAEXAMPLEEXAMPLE12"}, {"AWS": _ROLE}, RESOURCE),
    element("INVALID_USER_REFERENCE", "Principal", {"AWS": "AIDAEXAMPLEEXAMPLE12"}, {"AWS": _ROLE}, RESOURCE),
    condition(
        "WILDCARD_WITHOUT_LIKE_OPERATOR",
        {"StringEquals": {"s3:prefix": "home/*"}},
        {"StringLike": {"s3:prefix": "home/*"}},
    ),
    element("POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", "Resource", _LONG, _LONG[:20]),
    element("POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", "Resource", _LONG, _LONG[:20], RESOURCE),
    element(
        "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA",
        "Principal",
        {"AWS": [f"arn:aws:iam::{i:012}:root" for i in range(100)]},
        {"AWS": _ROLE},
        TRUST,
    ),
    condition(
        "TYPE_MISMATCH",
        {"StringEquals": {"aws:MultiFactorAuthPresent": "true"}},
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    ),
    condition(
        "TYPE_MISMATCH",
        {"IpAddress": {"s3:prefix": "8.8.8.8"}},
        {"StringEquals": {"s3:prefix": "8.8.8.8"}},
    ),
    condition("TYPE_MISMATCH_BOOLEAN", {"Null": {"s3:prefix": "yes"}}, {"Null": {"s3:prefix": "FALSE"}}),
    condition(
        "TYPE_MISMATCH_DATE",
        {"DateLessThan": {"aws:CurrentTime": "tomorrow"}},
        {"DateLessThan": {"aws:CurrentTime": "2031-01-01"}},
    ),
    condition(
        "TYPE_MISMATCH_NUMBER",
        {"NumericLessThan": {"s3:max-keys": "ten"}},
        {"NumericLessThan": {"s3:max-keys": 10}},
    ),
    condition(
        "TYPE_MISMATCH_STRING",
        {"BinaryEquals": {"s3:prefix": "not base64!"}},
        {"BinaryEquals": {"s3:prefix": "QmluYXJ5"}},
    ),
    condition(
        "SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED",
        {"StringLike": {f"{_GITHUB}:sub": "repo:octo-org/*"}},
        {
            "StringLike": {f"{_GITHUB}:sub": "repo:octo-org/app:*"},
            "StringEquals": {f"{_GITHUB}:ref": "refs/heads/main"},
        },
        TRUST,
        Principal=_provider(_GITHUB),
        Action=_WEB,
    ),
    condition(
        "RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY",
        {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": _ORG}},
        {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": _ORG},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
        RCP,
    ),
    condition(
        "RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY",
        {"StringNotEqualsIfExists": {"aws:SourceAccount": "123456789012"}},
        {
            "StringNotEqualsIfExists": {"aws:SourceAccount": "123456789012"},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "true"},
        },
        RCP,
    ),
    condition(
        "RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK",
        {"StringNotEqualsIfExists": {"aws:SourceOrgID": _ORG}},
        {"StringNotEqualsIfExists": {"aws:SourceOrgID": _ORG}, "Null": {"aws:SourceAccount": "false"}},
        RCP,
    ),
    condition(
        "USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES",
        {"StringNotEquals": {"aws:VpceOrgID": _ORG}},
        {"StringNotEquals": {"aws:PrincipalOrgID": _ORG}},
        RESOURCE,
        Effect="Deny",
        Action="*",
    ),
)

SECURITY: Final[tuple[Case, ...]] = (
    *_roles("PASS_ROLE", "iam:PassRole", Condition=_NARROW),
    case(
        "ALLOW_WITH_NOT_PRINCIPAL",
        {"Principal": None, "NotPrincipal": {"AWS": _ROLE}},
        {"Principal": None, "NotPrincipal": {"AWS": _ROLE}, "Effect": "Deny"},
        RESOURCE,
    ),
    condition(
        "UNTRUSTWORTHY_CONDITION_KEY",
        {"StringLike": {"aws:Referer": "https://example.com/*"}},
        {"StringEquals": {"aws:SourceVpc": "vpc-12345678"}},
    ),
    condition(
        "FORALLVALUES_WITH_SINGLE_VALUED_KEY",
        {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": _ORG}},
        {"StringEquals": {"aws:PrincipalOrgID": _ORG}},
    ),
    condition(
        "MISSING_PAIRED_CONDITION_KEYS",
        {"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}},
        {"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}, "StringEquals": {"aws:SourceVpc": "vpc-12345678"}},
    ),
    condition(
        "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        {"StringEquals": {"aws:ResourceTag/status": "secret"}},
        {"StringNotEquals": {"aws:ResourceTag/status": "open"}},
        Effect="Deny",
        Action="route53domains:*",
        Resource="*",
    ),
    case(
        "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
        {
            "Effect": "Deny",
            "Action": None,
            "NotAction": "iam:*",
            "Condition": {"StringEquals": {"aws:ResourceTag/a": "b"}},
        },
        {"Effect": "Deny", "Action": "ec2:StopInstances", "Condition": {"StringEquals": {"aws:ResourceTag/a": "b"}}},
    ),
    condition(
        "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL",
        {},
        {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:us-east-1:123456789012:topic"}},
        QUEUE,
        Principal={"Service": "sns.amazonaws.com"},
    ),
    element(
        "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL",
        "Action",
        "sqs:SendMessage",
        "sts:AssumeRole",
        QUEUE,
        Principal={"Service": "ec2.amazonaws.com"},
    ),
    condition(
        "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL",
        {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
        {"StringEquals": {"login.example.com:sub": "ada"}},
        TRUST,
        Principal=_provider("login.example.com"),
        Action=_WEB,
    ),
    condition(
        "MISSING_GITHUB_REPO_CONDITION_KEY",
        {"StringEquals": {f"{_GITHUB}:aud": "sts.amazonaws.com"}},
        {"StringEquals": {f"{_GITHUB}:sub": "repo:octo-org/app:ref:refs/heads/main"}},
        TRUST,
        Principal=_provider(_GITHUB),
        Action=_WEB,
    ),
    condition(
        "STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS",
        {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}},
    ),
    condition(
        "DYNAMODB_ATTRIBUTES_WITHOUT_SELECT",
        {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["id"]}},
        {
            "ForAllValues:StringEquals": {"dynamodb:Attributes": ["id"]},
            "StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
        },
        Action="dynamodb:Query",
        Resource="arn:aws:dynamodb:us-east-1:123456789012:table/t",
    ),
    condition(
        "S3_PREFIX_IN_NEGATIVE_CONTEXT",
        {"StringLike": {"s3:prefix": "private/*"}},
        {"StringNotLike": {"s3:prefix": "public/*"}},
        Effect="Deny",
        Action="s3:ListBucket",
        Resource="arn:aws:s3:::bucket",
    ),
    condition(
        "FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE",
        {"ForAnyValue:StringEquals": {"accounts.google.com:aud": "app"}},
        {"StringEquals": {"accounts.google.com:aud": "app"}},
        TRUST,
        Principal={"Federated": "accounts.google.com"},
        Action=_WEB,
    ),
)

CASES: Final = (*WARNINGS, *SECURITY)
