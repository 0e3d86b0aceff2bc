"""Documents that lint is held against: of each issue code one that has it and one like it that has not.

A case says what of a faultless statement is otherwise. `None` takes an element away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.lint import PolicyType

ROLE: Final = "AWS::IAM::AssumeRolePolicyDocument"
BUCKET: Final = "AWS::S3::Bucket"

Change = Mapping[str, Any]
"""Elements of a statement that are otherwise."""
Told = Change | Sequence[Change] | str
"""One statement, several, or the whole text."""


class Kind(NamedTuple):
    """A kind of policy, and a statement of it that is beyond reproach."""

    type: PolicyType
    resource_type: str | None
    statement: Change


IDENTITY: Final = Kind(
    PolicyType.IDENTITY_POLICY,
    None,
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"},
)
RESOURCE: Final = Kind(
    PolicyType.RESOURCE_POLICY,
    BUCKET,
    {**IDENTITY.statement, "Principal": {"AWS": "arn:aws:iam::123456789012:role/app"}},
)
QUEUE: Final = Kind(
    PolicyType.RESOURCE_POLICY,
    None,
    {
        "Effect": "Allow",
        "Principal": {"AWS": "123456789012"},
        "Action": "sqs:SendMessage",
        "Resource": "arn:aws:sqs:us-east-1:123456789012:queue",
    },
)
TRUST: Final = Kind(
    PolicyType.RESOURCE_POLICY,
    ROLE,
    {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"},
)
SCP: Final = Kind(
    PolicyType.SERVICE_CONTROL_POLICY, None, {"Effect": "Deny", "Action": "s3:DeleteBucket*", "Resource": "*"}
)
RCP: Final = Kind(
    PolicyType.RESOURCE_CONTROL_POLICY,
    None,
    {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"},
)


class Case(NamedTuple):
    """`bad` has a finding of `code`, `good` has none."""

    code: str
    bad: str
    good: str
    kind: Kind


def case(code: str, bad: Told, good: Told, kind: Kind = IDENTITY) -> Case:
    """A case of statements that differ from the kind's own."""
    return Case(code, text(bad, kind), text(good, kind), kind)


def text(told: Told, kind: Kind = IDENTITY) -> str:
    """The document, over several lines."""
    if isinstance(told, str):
        return told
    changes = [told] if isinstance(told, Mapping) else told
    statements = [
        {name: value for name, value in {**kind.statement, **change}.items() if value is not None} for change in changes
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def condition(code: str, bad: Mapping[str, Any], good: Mapping[str, Any], kind: Kind = IDENTITY, **also: Any) -> Case:
    """A case of condition blocks; `also` is otherwise in both."""
    return case(code, {"Condition": bad, **also}, {"Condition": good, **also}, kind)


def element(code: str, name: str, bad: Any, good: Any, kind: Kind = IDENTITY, **also: Any) -> Case:
    """A case of one element; `also` is otherwise in both."""
    return case(code, {name: bad, **also}, {name: good, **also}, kind)


def document(statement: Change, **elements: Any) -> str:
    """A document with elements of its own, `Version` left out where it is None."""
    whole = {"Version": "2012-10-17", "Statement": [statement], **elements}
    return json.dumps({name: value for name, value in whole.items() if value is not None})
