"""The errors: of each a document that has it, and one that has not."""

from __future__ import annotations

from typing import Final

from support.lint_cases import (
    IDENTITY,
    QUEUE,
    RCP,
    RESOURCE,
    SCP,
    TRUST,
    Case,
    case,
    condition,
    document,
    element,
    text,
)

_ALLOW: Final = dict(IDENTITY.statement)
_LONG: Final = [f"arn:aws:s3:::bucket-number-{i:06}/*" for i in range(700)]
_SAML: Final = "arn:aws:iam::123456789012:saml-provider/corp"
_OIDC: Final = "arn:aws:iam::123456789012:oidc-provider/login.example.com"
_CONDITION: Final = {"StringEquals": {"login.example.com:aud": "app"}}

STRUCTURE: Final[tuple[Case, ...]] = (
    case("JSON_SYNTAX_ERROR", '{"Version": "2012-10-17",}', text({})),
    case("JSON_SYNTAX_ERROR", '{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": []}', text({})),
    case("JSON_SYNTAX_ERROR", "", text({})),
    case("JSON_SYNTAX_ERROR", text({}) + "x", text({}) + "\n"),
    case("JSON_SYNTAX_ERROR", "[" * 1000, "[" * 8 + "]" * 8),
    case("DATA_TYPE_MISMATCH", "[]", text({})),
    element("DATA_TYPE_MISMATCH", "Sid", 1, "1"),
    element("DATA_TYPE_MISMATCH", "Action", [["s3:GetObject"]], ["s3:GetObject"]),
    element("DATA_TYPE_MISMATCH", "Condition", [], {"Bool": {"aws:SecureTransport": True}}),
    condition("DATA_TYPE_MISMATCH", {"Bool": {"aws:SecureTransport": None}}, {"Bool": {"aws:SecureTransport": "true"}}),
    case("DATA_TYPE_MISMATCH", document(_ALLOW, Id=5), document(_ALLOW, Id="five")),
    case("DATA_TYPE_MISMATCH", '{"Version": "2012-10-17", "Statement": ["x"]}', text({})),
    case("INVALID_VERSION", document(_ALLOW, Version="2012-10-18"), document(_ALLOW, Version="2008-10-17")),
    case("INVALID_POLICY_ELEMENT", document(_ALLOW, Statements=[]), document(_ALLOW, Id="x")),
    element("INVALID_POLICY_ELEMENT", "Resources", "*", None),
    case("MISSING_STATEMENT", '{"Version": "2012-10-17"}', text({})),
    case("MISSING_STATEMENT", '{"Version": "2012-10-17", "Statement": []}', text({})),
    element("MISSING_EFFECT", "Effect", None, "Allow"),
    element("INVALID_EFFECT", "Effect", "allow", "Deny"),
    case("MISSING_ACTION", {"Action": None}, {"Action": None, "NotAction": "s3:GetObject"}),
    case("MISSING_RESOURCE", {"Resource": None}, {"Resource": None, "NotResource": "arn:aws:s3:::bucket"}),
    case(
        "MISSING_RESOURCE", text({"Resource": None}, RESOURCE), text({}, TRUST), RESOURCE._replace(resource_type=None)
    ),
    element("MISSING_PRINCIPAL", "Principal", None, "*", RESOURCE),
    element("UNSUPPORTED_PRINCIPAL", "Principal", "*", None),
    case("UNSUPPORTED_ELEMENT_COMBINATION", {"NotAction": "s3:PutObject"}, {"Action": None, "NotAction": "s3:*"}),
    element("UNSUPPORTED_SID", "Sid", "read only", "ReadOnly2"),
    case("UNIQUE_SIDS_REQUIRED", [{"Sid": "A"}, {"Sid": "A", "Action": "s3:*"}], [{"Sid": "A"}, {"Sid": "B"}]),
    element("POLICY_SIZE_EXCEEDS_SCP_QUOTA", "Resource", _LONG[:200], _LONG[:20], SCP),
    element("POLICY_SIZE_EXCEEDS_RCP_QUOTA", "Resource", _LONG[:200], _LONG[:20], RCP),
)

ACTIONS: Final[tuple[Case, ...]] = (
    element("INVALID_ACTION", "Action", "s3:GetObjekt", "S3:getobject"),
    element("INVALID_ACTION", "Action", "s3:Gett*", "s3:Get*Acl"),
    element("INVALID_ACTION", "Action", "GetObject", "*"),
    case("INVALID_ACTION", {"Action": None, "NotAction": "iam:Nothing"}, {"Action": None, "NotAction": "iam:GetUser"}),
    element("INVALID_SERVICE_IN_ACTION", "Action", "dynamo:GetItem", "dynamodb:GetItem"),
    element("UNSUPPORTED_ACTION_IN_POLICY", "Action", "kms:Decrypt", "s3:PutObject", RESOURCE),
    element("UNSUPPORTED_ACTION_IN_POLICY", "Action", "s3:GetObject", "sts:TagSession", TRUST),
    element("SCP_SYNTAX_ERROR_ACTION_WILDCARD", "Action", "iam:*role", "iam:Get*", SCP),
    condition(
        "MISSING_ACTION_FOR_CONDITION_KEY",
        {"StringEquals": {"sts:SourceIdentity": "ada"}},
        {"StringEquals": {"sts:ExternalId": "ada"}},
        TRUST,
    ),
    case(
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
        {
            "Action": ["iam:PassRole", "iam:GetRole"],
            "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        },
        {"Action": "iam:PassRole", "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}},
    ),
)

ACTIONS_WITH_KEYS: Final[tuple[Case, ...]] = (
    element(
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
        "Action",
        ["ec2:StopInstances", "ec2:DescribeInstances"],
        ["ec2:StopInstances", "ec2:Describe*"],
        Resource="*",
        Condition={"StringEquals": {"ec2:ResourceTag/team": "a"}},
    ),
    element(
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
        "Condition",
        {"StringEquals": {"ec2:InstanceType": "t3.micro"}},
        {"ArnEquals": {"ec2:SourceInstanceArn": "arn:aws:ec2:us-east-1:123456789012:instance/i-1"}},
        Action="ec2:CreateVpc",
        Resource="*",
    ),
)

ARNS: Final[tuple[Case, ...]] = (
    element("INVALID_ARN_PREFIX", "Resource", "bucket/*", "*"),
    element("MISSING_ARN_FIELD", "Resource", "arn:aws:s3:bucket", "arn:aws:s3:::bucket"),
    element("INVALID_PARTITION", "Resource", "arn:amazon:s3:::bucket", "arn:aws-cn:s3:::bucket"),
    element("INVALID_ARN_SERVICE_CASE", "Resource", "arn:aws:S3:::bucket", "arn:aws:s3:::bucket"),
    element("INVALID_SERVICE", "Resource", "arn:aws:s4:::bucket", "arn:aws:s3:::bucket"),
    condition("INVALID_SERVICE", {"StringEquals": {"s4:prefix": "x"}}, {"StringEquals": {"s3:prefix": "x"}}),
    element("ARN_REGION_NOT_ALLOWED", "Resource", "arn:aws:s3:us-east-1::bucket", "arn:aws:s3:*::bucket"),
    element("MISSING_ARN_REGION", "Resource", "arn:aws:sqs::123456789012:q", "arn:aws:sqs:us-east-1:123456789012:q"),
    element(
        "INVALID_ARN_REGION", "Resource", "arn:aws:sqs:us-east-9:123456789012:q", "arn:aws:sqs:us-*:123456789012:q"
    ),
    element("ARN_ACCOUNT_NOT_ALLOWED", "Resource", "arn:aws:s3::123456789012:bucket", "arn:aws:s3:::bucket"),
    element("MISSING_ARN_ACCOUNT", "Resource", "arn:aws:iam:::role/app", "arn:aws:iam::*:role/app"),
    element("MISSING_ARN_ACCOUNT", "Resource", "arn:aws:kms:us-east-1::key/*", "arn:aws:ssm:us-east-1::document/AWS-X"),
    element("INVALID_ARN_ACCOUNT", "Resource", "arn:aws:iam::1234:role/app", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
    element("INVALID_ARN_RESOURCE", "Resource", "arn:aws:iam::123456789012:app", "arn:aws:iam::123456789012:ro*"),
    element(
        "UNSUPPORTED_RESOURCE_ARN_IN_POLICY",
        "Resource",
        "arn:aws:kms:us-east-1:123456789012:key/1",
        ["arn:aws:s3:::bucket", "*"],
        RESOURCE,
    ),
)

PRINCIPALS: Final[tuple[Case, ...]] = (
    element("INVALID_PRINCIPAL_FORMAT", "Principal", "123456789012", {"AWS": "123456789012"}, RESOURCE),
    element("INVALID_PRINCIPAL_FORMAT", "Principal", {"AWS": "ada"}, {"AWS": "arn:aws:iam::1:user/ada"}, RESOURCE),
    element("INVALID_PRINCIPAL_FORMAT", "Principal", ["*"], "*", RESOURCE),
    element("INVALID_PRINCIPAL_KEY", "Principal", {"Aws": "*"}, {"AWS": "*"}, RESOURCE),
    element(
        "UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
        "Principal",
        {"AWS": "arn:aws:iam::123456789012:role/*"},
        {"AWS": "*"},
        RESOURCE,
    ),
    element(
        "INVALID_SERVICE_PRINCIPAL_FORMAT",
        "Principal",
        {"Service": "sns.aws.com"},
        {"Service": "sns.amazonaws.com"},
        QUEUE,
    ),
    condition(
        "INVALID_SERVICE_PRINCIPAL_FORMAT",
        {"StringEquals": {"kms:ViaService": "s3.amazonaws.com"}},
        {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
        Action="kms:Decrypt",
    ),
    element("FEDERATED_PRINCIPAL_NOT_SUPPORTED", "Principal", {"Federated": _SAML}, {"AWS": "123456789012"}, RESOURCE),
    condition(
        "UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL",
        {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}},
        {"StringEquals": {"aws:SourceOrgID": "o-1234567890"}},
        QUEUE,
        Principal={"Service": "sns.amazonaws.com"},
    ),
    case(
        "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL",
        {"Principal": None, "NotPrincipal": {"AWS": "123456789012"}, "Effect": "Deny"},
        {},
        TRUST,
    ),
    element("ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", "Principal", "*", {"AWS": "*"}, TRUST),
    element("ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", "Resource", "*", None, TRUST),
    element(
        "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY",
        "Principal",
        {"Federated": "corp"},
        {"Federated": _SAML},
        TRUST,
        Action="sts:AssumeRoleWithSAML",
    ),
    element(
        "MISMATCHED_ACTION_FOR_PRINCIPAL",
        "Action",
        "sts:AssumeRoleWithSAML",
        "sts:AssumeRoleWithWebIdentity",
        TRUST,
        Principal={"Federated": _OIDC},
        Condition=_CONDITION,
    ),
    element(
        "MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY",
        "Action",
        ["sts:AssumeRole", "sts:TagSession"],
        ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        TRUST,
        Principal={"Service": "rolesanywhere.amazonaws.com"},
    ),
    element("SCP_SYNTAX_ERROR_PRINCIPAL", "Principal", "*", None, SCP),
    element("RCP_SYNTAX_ERROR_PRINCIPAL", "Principal", {"AWS": "123456789012"}, {"AWS": "*"}, RCP),
    case("RCP_SYNTAX_ERROR_ALLOW", {"Effect": "Allow", "Resource": "arn:aws:s3:::b"}, {"Effect": "Allow"}, RCP),
    case("RCP_SYNTAX_ERROR_NOTACTION", {"Action": None, "NotAction": "s3:*"}, {}, RCP),
    element("RCP_SYNTAX_ERROR_ACTION", "Action", "ec2:*", "sqs:*", RCP),
    case("RCP_SYNTAX_ERROR_ACTION", {"Action": "*"}, {"Action": "*", "Effect": "Allow"}, RCP),
)

CONDITIONS: Final[tuple[Case, ...]] = (
    condition("INVALID_CONDITION_OPERATOR", {"StringIs": {"s3:prefix": "x"}}, {"StringEquals": {"s3:prefix": "x"}}),
    condition("NULL_WITH_IF_EXISTS", {"NullIfExists": {"s3:prefix": "true"}}, {"Null": {"s3:prefix": "true"}}),
    condition("INVALID_CONDITION_KEY_FORMAT", {"StringEquals": {"prefix": "x"}}, {"StringEquals": {"s3:prefix": "x"}}),
    condition(
        "INVALID_GLOBAL_CONDITION_KEY",
        {"StringEquals": {"aws:PrincipalAcount": "123456789012"}},
        {"StringEquals": {"AWS:principalaccount": "123456789012"}},
    ),
    condition(
        "INVALID_SERVICE_CONDITION_KEY",
        {"StringEquals": {"s3:prefixes": "x"}},
        {"StringEquals": {"s3:ExistingObjectTag/team": "x"}},
    ),
    condition(
        "UNSUPPORTED_GLOBAL_CONDITION_KEY",
        {"ArnEquals": {"aws:ARN": "arn:aws:iam::123456789012:role/app"}},
        {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/app"}},
        RESOURCE,
    ),
    condition(
        "DUPLICATE_KEYS_WITH_DIFFERENT_CASE",
        {"StringEquals": {"s3:prefix": "x", "s3:Prefix": "y"}},
        {"StringEquals": {"s3:prefix": "x"}, "StringLike": {"s3:Prefix": "x*"}},
    ),
    condition(
        "MISSING_TAG_KEY_IN_CONDITION",
        {"StringEquals": {"aws:ResourceTag": "x"}},
        {"StringEquals": {"aws:ResourceTag/team": "x"}},
    ),
    condition(
        "MISSING_QUALIFIER",
        {"StringEquals": {"aws:TagKeys": ["a", "b"]}},
        {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}},
    ),
    condition(
        "INVALID_CONDITION_MULTIPLE_BOOLEAN",
        {"Bool": {"aws:SecureTransport": ["true", "false"]}},
        {"Bool": {"aws:SecureTransport": ["true"]}},
    ),
    condition(
        "INVALID_CONDITION_DATA_TYPE",
        {"StringEquals": {"s3:max-keys": ["1", 2]}},
        {"StringEquals": {"s3:max-keys": [1, 2]}},
    ),
    condition(
        "INVALID_REGION",
        {"StringEquals": {"aws:RequestedRegion": "us-east"}},
        {"StringEquals": {"aws:RequestedRegion": ["us-east-1", "cn-north-1"]}},
    ),
    condition(
        "PRIVATE_IP_ADDRESS",
        {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.168.0.1"]}},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
    ),
    condition(
        "PRIVATE_NOT_IP_ADDRESS",
        {"NotIpAddress": {"aws:SourceIp": "172.16.0.0/12"}},
        {"NotIpAddress": {"aws:SourceIp": "8.8.8.8"}},
    ),
    condition(
        "TYPE_MISMATCH_IP_RANGE",
        {"IpAddress": {"aws:SourceIp": "8.8.8.8/33"}},
        {"IpAddress": {"aws:SourceIp": "2600:1f00::/24"}},
    ),
    condition(
        "INVALID_VPC_FORMAT",
        {"StringEquals": {"aws:SourceVpc": "vpc-123"}},
        {"StringEquals": {"aws:SourceVpc": "vpc-12345678"}},
    ),
    condition(
        "INVALID_VPCE_FORMAT",
        {"StringEquals": {"aws:SourceVpce": "vpc-12345678"}},
        {"StringEquals": {"aws:SourceVpce": "vpce-11223344556677889"}},
    ),
    condition(
        "INVALID_KMS_KEY_VALUE",
        {"StringEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "alias/mine"}},
        {
            "StringEquals": {
                "s3:x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:us-east-1:123456789012:key/1a2b"
            }
        },
        Action="s3:PutObject",
    ),
    condition(
        "WILDCARD_USAGE_TOO_PERMISSIVE",
        {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
        {"StringLike": {"aws:PrincipalOrgID": "o-1234567890"}},
    ),
    condition(
        "WILDCARD_USAGE_TOO_PERMISSIVE",
        {"StringLike": {"aws:userid": "AROA*"}},
        {"StringLike": {"aws:userid": ["AROAEXAMPLEID:*", "*:session"]}},
    ),
    condition(
        "VARIABLE_USAGE_TOO_PERMISSIVE",
        {"StringEquals": {"aws:SourceVpc": "${aws:PrincipalTag/vpc}"}},
        {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}},
    ),
    condition(
        "VARIABLE_USAGE_TOO_PERMISSIVE",
        {"StringEquals": {"aws:userid": "${aws:PrincipalTag/id}"}},
        {"StringEquals": {"aws:userid": "AROAEXAMPLEID:${aws:PrincipalTag/id}"}},
    ),
)

VARIABLES: Final[tuple[Case, ...]] = (
    element(
        "MISSING_BRACE_IN_VARIABLE",
        "Resource",
        "arn:aws:s3:::bucket/${aws:username/*",
        "arn:aws:s3:::bucket/${aws:username}/*",
    ),
    element(
        "MISSING_QUOTE_IN_VARIABLE",
        "Resource",
        "arn:aws:s3:::${aws:PrincipalTag/team, 'all}",
        "arn:aws:s3:::${aws:PrincipalTag/team, 'all'}",
    ),
    element(
        "UNSUPPORTED_SPACE_IN_VARIABLE",
        "Resource",
        "arn:aws:s3:::b/${aws: username}",
        "arn:aws:s3:::b/${aws:PrincipalTag/cost center}",
    ),
    element("EMPTY_VARIABLE", "Resource", "arn:aws:s3:::b/${}", "arn:aws:s3:::b/${*}"),
    case(
        "VARIABLE_UNSUPPORTED_IN_ELEMENT",
        text({"Principal": {"AWS": "arn:aws:iam::123456789012:user/${aws:username}"}}, RESOURCE),
        text({"Resource": "arn:aws:s3:::b/${aws:username}"}, RESOURCE),
        RESOURCE,
    ),
    case(
        "VARIABLE_UNSUPPORTED_IN_VERSION",
        document({**_ALLOW, "Resource": "arn:aws:s3:::b/${aws:username}"}, Version="2008-10-17"),
        document({**_ALLOW, "Resource": "arn:aws:s3:::b/${name}"}, Version="2008-10-17"),
    ),
    condition(
        "INVALID_VARIABLE_FOR_OPERATOR",
        {"NumericEquals": {"s3:max-keys": "${aws:PrincipalTag/keys}"}},
        {"StringEquals": {"s3:prefix": "${aws:username}"}},
        Action="s3:ListBucket",
    ),
)

CASES: Final = (*STRUCTURE, *ACTIONS, *ACTIONS_WITH_KEYS, *ARNS, *PRINCIPALS, *CONDITIONS, *VARIABLES)
