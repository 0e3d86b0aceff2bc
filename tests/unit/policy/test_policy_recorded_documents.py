"""What CreatePolicy said of documents, as recorded from AWS in February 2026: one row a document.

Where several things are wrong with a document, the row shows which of them is told.
"""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from locum import policy
from locum.policy import MalformedPolicy, PolicyKind

BUCKET: Final = "arn:aws:s3:::b"
FINE: Final[dict[str, Any]] = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": BUCKET}

SYNTAX: Final = "Syntax errors in policy."
OLD: Final = "Policy document must be version 2012-10-17 or greater."
LEGACY: Final = "The policy failed legacy parsing"
SAME_SID: Final = "Statement IDs (SID) in a single policy must be unique."
NO_ACTIONS: Final = "Policy statement must contain actions."
NO_RESOURCES: Final = "Policy statement must contain resources."
NO_VENDOR: Final = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
COLONS: Final = "Actions/Condition can contain only one colon."
VENDOR: Final = "Resource vendor must be fully qualified and cannot contain regexes."
IAM_PATHS: Final = (
    'IAM resource path must either be "*", root, or start with user/, federated-user/, role/, group/, '
    "instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, "
    "access-report/."
)


def no_arn(resource: str) -> str:
    return f'Resource {resource} must be in ARN format or "*".'


def partition(name: str, resource: str) -> str:
    return f'Partition "{name}" is not valid for resource "{resource}".'


def of(*statements: dict[str, Any], **fields: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | fields)


def unversioned(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


def on(*resources: str, **more: Any) -> str:
    return of(FINE | {"Resource": list(resources)} | more)


def when(**condition: Any) -> dict[str, Any]:
    return {"Condition": condition}


def lacking(*names: str, **more: Any) -> dict[str, Any]:
    return {name: value for name, value in (FINE | more).items() if name not in names}


REFUSED: Final[list[tuple[str, str]]] = [
    ("no json", SYNTAX),
    (unversioned(FINE), OLD),
    (of(FINE, Version="2008-10-17"), OLD),
    (of(FINE, Version="2013-10-17"), SYNTAX),
    (of(), SYNTAX),
    (of(FINE, Id={}), SYNTAX),
    (of(FINE | {"Sid": []}), SYNTAX),
    (of(FINE | {"Effect": "maybe"}), SYNTAX),
    (of(FINE | {"Action": "ListBucket"}), NO_VENDOR),
    (of(lacking("Action", NotAction="")), NO_VENDOR),
    (of(FINE | {"Action": "a a:ListBucket"}), "Vendor a a is not valid"),
    (of(FINE, FINE | {"Action": "s3:List:Bucket"}), COLONS),
    (on("no arn"), no_arn("no arn")),
    (on(""), no_arn("")),
    (on("no-arn", Action="s:3:ListBucket"), no_arn("no-arn")),
    (on("a:b"), partition("b", "arn:b:*:*:*:*")),
    (on("a:b:c"), partition("b", "arn:b:c:*:*:*")),
    (on("a:b:c:d:e:f:g:h"), partition("b", "arn:b:c:d:e:f:g:h")),
    (on("aws:s3:::b"), partition("s3", "arn:s3:::b:*")),
    (on("arn:x:s3:::b", "arn:x:s3::b"), partition("x", "arn:x:s3:::b")),
    (of(lacking("Resource")), NO_RESOURCES),
    (of(FINE | {"Resource": []}), NO_RESOURCES),
    (of(lacking("Resource", Action="ListBucket")), NO_RESOURCES),
    (of(lacking("Action")), NO_ACTIONS),
    (of(FINE | {"Action": []}), NO_ACTIONS),
    (of(lacking("Action", "Resource")), NO_ACTIONS),
    (of({"Effect": "Deny"}, FINE), NO_ACTIONS),
    (of(lacking("Effect")), SYNTAX),
    (on("arn:aws:iam:::x"), IAM_PATHS),
    (
        on("arn:aws:iam:us-east-1::user/x"),
        "IAM resource arn:aws:iam:us-east-1::user/x cannot contain region information.",
    ),
    (on("arn:aws:s3:us-east-1::b"), "Resource arn:aws:s3:us-east-1::b can not contain region information."),
    (on("arn:aws:s3::b"), LEGACY),
    (of(lacking("Resource", NotResource="arn:aws:s3::b")), LEGACY),
    (of(lacking("Action", Resource="arn:aws:s3::b")), LEGACY),
    (on("arn:aws"), VENDOR),
    (on("arn:aws::::b"), LEGACY),
    (on("arn:aws::b"), LEGACY),
    (of(lacking("Action", **when(DateGreaterThan={"a": {}}))), SYNTAX),
    (of(FINE | when(x={"a": "1"})), SYNTAX),
    (of(FINE | {"Condition": []}), SYNTAX),
    (of(FINE | when(DateGreaterThan=[])), SYNTAX),
    (of(FINE | {"Sid": "s"}, {"Sid": "s", "Effect": "Allow"}), SAME_SID),
    (unversioned(FINE | {"Sid": "s"}, {"Sid": "s", "Effect": "Allow"}), OLD),
    (of(FINE | {"Effect": "aLLow", "Sid": "s"}, {"Sid": "s", "Effect": "Allow"}), LEGACY),
    (of(FINE | {"Effect": "denY"}), LEGACY),
    (unversioned(FINE | {"Effect": "denY"}), OLD),
    (of(lacking("Action", Effect="allow", Resource="arn:aws:s3:us-east-1::b")), LEGACY),
    (of(FINE | when(DateGreaterThan={"a": "soon"})), LEGACY),
    (unversioned(FINE | when(DateGreaterThan={"a": "soon"})), OLD),
    (of(lacking("Action", "Resource", **when(DateGreaterThan={"a": "soon"}))), LEGACY),
    (on("arn:x:s3:::b", **when(DateGreaterThan={"a": "soon"})), LEGACY),
    (of(FINE | when(DateLessThan={"a": "234-13"})), LEGACY),
    (of(FINE | when(DateLessThan={"a": "2016-12-13t2:00:00.593194+1"})), LEGACY),
    (of(FINE | when(DateLessThan={"a": "2016-12-13t2:00:00.1999999999+10:59"})), LEGACY),
    (of(FINE | when(DateLessThan={"a": "9223372036854775808"})), LEGACY),
    (on("arn:aws:sqs:${AWS::Region}:123456789012:q"), LEGACY),
    (on("arn:aws:sqs:#{AWS::Region}:#{AWS::AccountId}:q"), LEGACY),
    (on("arn:aws:sqs:${aws.region}:123456789012:q"), LEGACY),
    (on("arn:aws:sqs:us-west--2:123456789012:q"), LEGACY),
    (on("arn:aws:sqs:{region}:{aws-account-id}:q"), LEGACY),
    (on("arn:aws:iam::<ACCOUNT_ID>:role/r"), LEGACY),
    (on("arn:aws:sts::ACCOUNT_ID:federated-user/u"), LEGACY),
    (on("arn:aws:events:us-east-1:1.2345678901E10:event-bus/b"), LEGACY),
    (
        on("arn:${AWS::Partition}:s3:::b"),
        'Partition "${AWS::Partition}" is not valid for resource "arn:${AWS::Partition}:s3:::b".',
    ),
]

TAKEN: Final = [
    of(FINE | {"Action": "iam: any  text "}),
    of(FINE | {"Action": "no-such.service:Do"}),
    of(lacking("Action", NotAction="s3:ListBucket")),
    of(FINE | {"Sid": ""}, FINE | {"Sid": ""}),
    of(FINE, Id="x"),
    on(BUCKET, "*"),
    on("arn:aws:iam:::user/x"),
    on("arn:aws:iam::*:user/${aws:username}"),
    on("arn:aws:nowhere:us-east-1::x"),
    on("arn:*:kms:*:${aws:PrincipalAccount}:key/*"),
    on("arn:aws:short"),
    on("arn:aws:test%3Aencoded"),
    on("arn:aws:s3:us-west-2:123456789012:accesspoint/a"),
    of(FINE | when()),
    of(FINE | when(DateGreaterThan={})),
    of(FINE | when(DateGreaterThan={"a": []})),
    of(FINE | when(no={}, operators={})),
    of(FINE | when(StringEqualsIfExists={"a": "x"})),
    of(FINE | when(DateGreaterThan={"a": "01T"})),
    of(FINE | when(DateLessThanEquals={"a": "2016-12-13t2:00:00.593194+23"})),
    of(FINE | when(DateLessThan={"a": "-292275054"})),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_the_error_that_aws_tells_is_told(text: str, message: str) -> None:
    with pytest.raises(MalformedPolicy) as caught:
        policy.parse(text, PolicyKind.IDENTITY, current_version=True)
    assert caught.value.message == message


@pytest.mark.parametrize("text", TAKEN)
def test_what_aws_takes_is_taken_and_can_be_evaluated(text: str) -> None:
    document = policy.parse(text, PolicyKind.IDENTITY, current_version=True)
    policy.compile(document, policy.Source(PolicyKind.IDENTITY))
