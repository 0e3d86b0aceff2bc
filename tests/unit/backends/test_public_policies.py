"""Which policies are public, in the sense of S3 Block Public Access."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.backends.public_policies import is_public


def of(condition: Any = None, principal: Any = "*", **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "*"} | more
    if condition is not None:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    "text",
    [
        of(),
        of(principal={"AWS": "*"}),
        of(principal={"AWS": ["111122223333", "*"]}),
        of({"StringLike": {"aws:SourceVpc": "vpc-*"}}),
        of({"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}}),
        of({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}),
        of({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}),
        of({"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-1/r-1/"}}),
        of({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}),
        of({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}}),
        of({"IpAddress": {"aws:SourceIp": "::/16"}}),
        of({"StringEquals": {"s3:prefix": "public"}}),
        of({"StringEquals": {"aws:Referer": "https://example.com"}}),
        of({"StringLike": {"aws:userid": "*:session"}}),
        of({"Bool": {"aws:SecureTransport": "true"}}),
    ],
)
def test_what_grants_to_everybody_is_public(text: str) -> None:
    assert is_public(text)


@pytest.mark.parametrize(
    "text",
    [
        of(principal={"AWS": "111122223333"}),
        of(principal={"AWS": "arn:aws:iam::111122223333:root"}),
        of(principal={"Service": "cloudtrail.amazonaws.com"}),
        of(Effect="Deny"),
        of({"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}),
        of({"StringEquals": {"AWS:SourceVpce": ["vpce-1", "vpce-2"]}}),
        of({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        of({"IpAddress": {"aws:SourceIp": "10.0.0.0/32"}}),
        of({"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:111122223333:topic"}}),
        of({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        of({"StringLike": {"aws:userid": "AROAEXAMPLE:*"}}),
        of({"ForAnyValue:StringEquals": {"aws:PrincipalOrgPaths": "o-1/r-1/"}}),
        of({"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:SourceAccount": "111122223333"}}),
        "no policy",
        "[]",
        json.dumps({"Statement": "*"}),
    ],
)
def test_what_grants_to_fixed_values_is_not(text: str) -> None:
    assert not is_public(text)
