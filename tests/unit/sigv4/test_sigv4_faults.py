from __future__ import annotations

import string
from typing import Any

import pytest

from locum.core.http import HttpRequest
from locum.sigv4 import Failure, failure
from locum.sigv4.faults import _TABLE, Family, family, family_of, fault

DETAILS: dict[str, Any] = {"detail": "d", "s3": "s", "date": "1", "limit": "2", "now": "3", "span": "4"}


def test_every_failure_has_an_answer_in_every_family() -> None:
    assert set(_TABLE) == set(Failure)
    for kind in Failure:
        for of in Family:
            found = fault(kind, of, **DETAILS)
            assert 400 <= found.status < 500
            assert found.code
            assert "{" not in found.message


def test_the_texts_ask_for_known_details_only() -> None:
    for row in _TABLE.values():
        for answer in row.values():
            asked = {field for _, field, _, _ in string.Formatter().parse(answer.text) if field}
            assert asked <= DETAILS.keys()


@pytest.mark.parametrize(
    ("kind", "service", "protocol", "code", "status"),
    [
        (Failure.MISSING, "iam", "query", "MissingAuthenticationToken", 403),
        (Failure.MISSING, "dynamodb", "json", "MissingAuthenticationTokenException", 400),
        (Failure.MISSING, "lambda", "rest-json", "MissingAuthenticationTokenException", 403),
        (Failure.MISSING, "s3", "rest-xml", "AccessDenied", 403),
        (Failure.UNKNOWN_KEY, "sts", "query", "InvalidClientTokenId", 403),
        (Failure.UNKNOWN_KEY, "sts", "", "InvalidClientTokenId", 403),
        (Failure.UNKNOWN_KEY, "ec2", "ec2", "AuthFailure", 401),
        (Failure.UNKNOWN_KEY, "kms", "json", "UnrecognizedClientException", 400),
        (Failure.UNKNOWN_KEY, "lambda", "rest-json", "UnrecognizedClientException", 403),
        (Failure.UNKNOWN_KEY, "kinesis", "smithy-rpc-v2-cbor", "UnrecognizedClientException", 400),
        (Failure.UNKNOWN_KEY, "s3", "rest-xml", "InvalidAccessKeyId", 403),
        (Failure.UNKNOWN_KEY, "s3control", "rest-xml", "InvalidAccessKeyId", 403),
        (Failure.UNKNOWN_KEY, "route53", "rest-xml", "InvalidClientTokenId", 403),
        (Failure.EXPIRED_TOKEN, "sts", "query", "ExpiredToken", 403),
        (Failure.EXPIRED_TOKEN, "ec2", "ec2", "RequestExpired", 400),
        (Failure.EXPIRED_TOKEN, "kms", "json", "ExpiredTokenException", 400),
        (Failure.EXPIRED_TOKEN, "s3", "", "ExpiredToken", 400),
        (Failure.INVALID_TOKEN, "sts", "query", "InvalidClientTokenId", 403),
        (Failure.INVALID_TOKEN, "s3", "rest-xml", "InvalidToken", 400),
        (Failure.SIGNATURE, "sts", "query", "SignatureDoesNotMatch", 403),
        (Failure.SIGNATURE, "ec2", "ec2", "AuthFailure", 401),
        (Failure.SIGNATURE, "kms", "json", "InvalidSignatureException", 400),
        (Failure.SIGNATURE, "s3", "rest-xml", "SignatureDoesNotMatch", 403),
        (Failure.STALE, "s3", "rest-xml", "RequestTimeTooSkewed", 403),
        (Failure.STALE, "ec2", "ec2", "RequestExpired", 400),
    ],
)
def test_each_service_has_its_own_code(kind: Failure, service: str, protocol: str, code: str, status: int) -> None:
    found = failure(kind, service, protocol, **(DETAILS if kind is Failure.STALE else {}))
    assert (found.code, found.status) == (code, status)


def test_further_members_are_for_s3_only() -> None:
    members = {"AWSAccessKeyId": "AKIA"}
    assert failure(Failure.UNKNOWN_KEY, "s3", members=members).members == members
    assert not failure(Failure.UNKNOWN_KEY, "iam", members=members).members


@pytest.mark.parametrize(
    ("service", "query", "headers", "expected"),
    [
        ("s3", "Action=x", {}, Family.S3),
        ("ec2", "", {}, Family.EC2),
        ("iam", "", {}, Family.QUERY),
        ("kms", "", {"x-amz-target": "TrentService.Encrypt"}, Family.JSON),
        ("kinesis", "", {"smithy-protocol": "rpc-v2-cbor"}, Family.JSON),
        ("sqs", "", {"content-type": "application/x-www-form-urlencoded"}, Family.QUERY),
        ("lambda", "", {}, Family.REST_JSON),
        ("", "", {"content-type": "application/json"}, Family.REST_JSON),
        ("", "Action=GetUser", {}, Family.QUERY),
        ("", "", {}, Family.S3),
    ],
)
def test_the_family_shows_in_the_request(service: str, query: str, headers: dict[str, str], expected: Family) -> None:
    assert family_of(HttpRequest("GET", "/", query, headers), service) is expected


def test_without_a_protocol_the_family_is_guessed_from_the_service() -> None:
    assert family("autoscaling") is Family.QUERY
    assert family("kms") is Family.JSON
    assert family("sqs", "query") is Family.QUERY
