"""Bucket and access point policies, put with boto3: what S3 refuses, in its texts, and what it takes."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from support.inprocess import REGION, InProcess, refusal

HOME: Final = "000000000000"
ROOT: Final = f"arn:aws:iam::{HOME}:root"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(bucket: str, **changes: Any) -> dict[str, Any]:
    """A statement that S3 takes for `bucket`, with `changes`; None removes an element."""
    made = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "s3:GetObject"}
    made["Resource"] = f"arn:aws:s3:::{bucket}/*"
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Resource": "*"}, "Policy has invalid resource"),
        ({"Resource": "arn:aws:s3:::*"}, "Policy has invalid resource"),
        ({"Resource": "arn:aws:s3:::words-and-more/*"}, "Policy has invalid resource"),
        ({"Resource": ["arn:aws:s3:::words/*", "arn:aws:s3:::other/*"]}, "Policy has invalid resource"),
        ({"Resource": "arn:aws:s3:::words"}, "Action does not apply to any resource(s) in statement"),
        ({"Action": "s3:ListBucket"}, "Action does not apply to any resource(s) in statement"),
        ({"Action": ["s3:GetObject", "s3:ListB*"]}, "Action does not apply to any resource(s) in statement"),
        ({"Action": "s3:ReadObject"}, "Policy has invalid action"),
        ({"Action": "sqs:SendMessage"}, "Policy has invalid action"),
        ({"Principal": ROOT}, "Invalid policy syntax."),
        ({"Principal": {"AWS": f"arn:aws:iam::{HOME}:group/g"}}, "Invalid principal in policy"),
        ({"Principal": None}, "Missing required field Principal"),
        ({"Resource": None}, "Missing required field Resource"),
        ({"Effect": None}, "Missing required field Effect"),
        ({"Action": None}, "Missing required field Action"),
        ({"Effect": "hello"}, "Invalid effect: hello"),
        ({"Condition": {"StringEquals": {"s3:nothing": "x"}}}, "Policy has an invalid condition key"),
        (
            {"Condition": {"StringLike": {"s3:prefix": "a"}}},
            "Conditions do not apply to combination of actions and resources in statement",
        ),
    ],
)  # fmt: skip
def test_a_bucket_policy_is_refused_in_s3s_texts(plane: InProcess, change: dict[str, Any], message: str) -> None:
    client = plane.client("s3")
    client.create_bucket(Bucket="words")
    text = document(statement("words", **change))
    assert refusal(client.put_bucket_policy, Bucket="words", Policy=text) == (
        "MalformedPolicy",
        400,
        message,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "Policies must be valid JSON and the first byte must be '{'"),
        (" {}", "Policies must be valid JSON and the first byte must be '{'"),
        ("{", "This policy contains invalid Json"),
        ("{}", "Missing required field Statement"),
        ('{"Statement": []}', "Could not parse the policy: Statement is empty!"),
        ('{"Version": "1", "Statement": []}', "Could not parse the policy: Statement is empty!"),
    ],
)
def test_a_bucket_policy_that_is_no_document_is_refused_in_s3s_texts(plane: InProcess, text: str, message: str) -> None:
    client = plane.client("s3")
    client.create_bucket(Bucket="texts")
    assert refusal(client.put_bucket_policy, Bucket="texts", Policy=text) == ("MalformedPolicy", 400, message)


@pytest.mark.parametrize(
    "change",
    [
        {"Resource": ["arn:aws:s3:::wide", "arn:aws:s3:::wide/*"], "Action": "s3:*"},
        {"Resource": "arn:aws:s3:::wide*", "Action": ["s3:ListBucket", "s3:GetObject"]},
        {"Resource": "arn:aws:s3:::wide/${aws:username}/*"},
        {"Resource": "arn:aws:s3:::wide/*", "Action": "*"},
        {"Action": None, "NotAction": "s3:PutObject"},
        {"Condition": {"StringEquals": {"s3:ExistingObjectTag/a": "b", "aws:PrincipalTag/c": "d"}}},
        {"Condition": {"StringEquals": {"s3:DataAccessPointAccount": HOME}}, "Action": "s3:PutObjectAcl"},
        {"Effect": "Deny", "Principal": None, "NotPrincipal": {"AWS": ROOT}},
        {"Effect": "Deny", "Resource": None, "NotResource": "arn:aws:s3:::wide/open/*"},
        {"Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject"},
        {"Principal": {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}},
    ],
)
def test_a_bucket_policy_that_s3_takes_is_kept_as_it_is(plane: InProcess, change: dict[str, Any]) -> None:
    client = plane.client("s3")
    client.create_bucket(Bucket="wide")
    text = document(statement("wide", **change))
    client.put_bucket_policy(Bucket="wide", Policy=text)
    assert client.get_bucket_policy(Bucket="wide")["Policy"] == text
    client.delete_bucket_policy(Bucket="wide")


def test_the_policy_of_an_access_point_is_about_the_access_point(plane: InProcess) -> None:
    plane.client("s3").create_bucket(Bucket="behind-a-point")
    client = plane.client("s3control", inject_host_prefix=False)
    client.create_access_point(AccountId=HOME, Name="policied-point", Bucket="behind-a-point")
    arn = f"arn:aws:s3:{REGION}:{HOME}:accesspoint/policied-point"
    shared = {"Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "s3:GetObject"}
    for resource in ("*", "arn:aws:s3:::behind-a-point/*", arn):
        text = document({**shared, "Resource": resource})
        assert (
            refusal(client.put_access_point_policy, AccountId=HOME, Name="policied-point", Policy=text)[0]
            == "MalformedPolicy"
        )
    text = document({**shared, "Resource": f"{arn}/object/*"})
    client.put_access_point_policy(AccountId=HOME, Name="policied-point", Policy=text)
    kept = json.loads(client.get_access_point_policy(AccountId=HOME, Name="policied-point")["Policy"])
    assert kept["Statement"][0]["Principal"] == {"AWS": ROOT}
