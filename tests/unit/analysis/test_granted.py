"""Which services and actions policies grant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.analysis.granted import Grants
from locum.authz import service_reference


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Resource": "*", **each} for each in statements]})


def allow(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), **more}


def deny(*actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": list(actions), **more}


EVERYTHING = len(service_reference.services())
ONLY_ON_ONE = {"Resource": "arn:aws:s3:::b/*"}
CONDITION = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}

SERVICES: dict[str, tuple[list[str], list[str]]] = {
    "what an action names": ([policy(allow("S3:GetObject", "iam:Get*"))], ["iam", "s3"]),
    "of several policies all": ([policy(allow("s3:*")), policy(allow("sqs:*"))], ["s3", "sqs"]),
    "with a condition, and on one resource": ([policy(allow("s3:GetObject", **ONLY_ON_ONE, **CONDITION))], ["s3"]),
    "not what is denied as a whole": ([policy(allow("s3:*", "sqs:*"), deny("s3:*"))], ["sqs"]),
    "not what is denied action by action": ([policy(allow("sts:AssumeRole"), deny("sts:Assume*"))], []),
    "what is denied in part": ([policy(allow("s3:*"), deny("s3:Delete*"))], ["s3"]),
    "what is denied under a condition": ([policy(allow("s3:*"), deny("s3:*", **CONDITION))], ["s3"]),
    "what is denied on a resource": ([policy(allow("s3:*"), deny("s3:*", **ONLY_ON_ONE))], ["s3"]),
    "nothing but what is denied otherwise": (
        [policy(allow("*"), {"Effect": "Deny", "NotAction": ["s3:*", "sqs:Send*"]})],
        ["s3", "sqs"],
    ),
    "nothing": ([policy(deny("s3:*"))], []),
}


@pytest.mark.parametrize("case", SERVICES)
def test_services_are_granted(case: str) -> None:
    documents, expected = SERVICES[case]
    assert Grants(documents).services() == expected


def test_a_star_grants_every_service() -> None:
    assert len(Grants([policy(allow("*"))]).services()) == EVERYTHING > 400


def test_everything_but_a_service_is_every_other_service() -> None:
    statement = {"Effect": "Allow", "NotAction": ["iam:*", "s3:Get*"], "Resource": "*"}
    granted = Grants([json.dumps({"Version": "2012-10-17", "Statement": statement})]).services()
    assert "iam" not in granted
    assert "s3" in granted
    assert len(granted) == EVERYTHING - 1


def test_actions_are_granted_one_by_one() -> None:
    grants = Grants([policy(allow("sts:Get*", "sts:AssumeRole"), deny("sts:GetSession*"))])
    granted = grants.actions("sts")
    assert "AssumeRole" in granted
    assert "GetCallerIdentity" in granted
    assert not {"GetSessionToken", "TagSession"} & set(granted)
    assert granted == sorted(granted)
    assert grants.actions("nothing") == []
