"""Policies without what is not used keep what is, and deny what they denied."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.analysis.refining import refined
from locum.analysis.writing import SIZE
from locum.authz import service_reference as reference
from support.plane import allow, document


def left(kept: list[str], *statements: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The statements of what takes the place of a policy; None where it stays."""
    made = refined(document(*statements), kept)
    assert made.wider or not made.documents
    return [it for text in made.documents for it in json.loads(text)["Statement"]] if made.wider else None


def test_used_actions_stay_with_the_resources_and_conditions_of_their_statements() -> None:
    tagged = allow(["s3:Get*", "s3:List*"], "arn:aws:s3:::b/*", StringEquals={"aws:PrincipalTag/team": "red"})
    other = allow("sqs:*")
    assert left(["s3:GetObject", "sns:Publish"], tagged, other) == [{**tagged, "Action": ["s3:GetObject"]}]


def test_a_policy_of_which_all_is_used_stays_and_one_of_which_nothing_is_goes() -> None:
    assert left(["s3:GetObject"], allow("s3:GetObject")) is None
    assert left(["s3:GetObject"], allow("s3:getobject")) is None
    assert left(["s3:GetObject"], allow("sqs:*")) == []


def test_what_a_statement_allows_beside_some_actions_becomes_a_list() -> None:
    statement = {"Sid": "Most", "Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}
    assert left(["s3:GetObject", "iam:GetRole"], statement) == [
        {"Sid": "Most", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}
    ]


def test_attack_a_policy_of_which_nothing_is_used_takes_no_denial_with_it() -> None:
    """Otherwise what another policy allows would be allowed once this one is detached."""
    denies = {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::secret/*"}
    assert left([], allow("sqs:*"), denies) == [denies]
    assert left([], denies) is None


def test_what_is_granted_of_services_that_nobody_lists_stays() -> None:
    made = left(["s3:GetObject"], allow(["madeup:*", "s3:*"]))
    assert made is not None
    assert made[0]["Action"] == ["s3:GetObject", "madeup:*"]


def test_the_version_of_a_policy_and_its_variables_stay_what_they_were() -> None:
    resource = "arn:aws:s3:::b/${aws:username}/*"
    for head in ({}, {"Version": "2012-10-17"}):
        text = json.dumps({**head, "Statement": allow(["s3:GetObject", "s3:PutObject"], resource)})
        (made,) = refined(text, ["s3:GetObject"]).documents
        assert json.loads(made) == {**head, "Statement": [allow(["s3:GetObject"], resource)]}


@pytest.mark.parametrize("services", [["ec2"], ["ec2", "iam", "s3", "rds"]])
def test_what_is_too_large_for_a_policy_becomes_several(services: list[str]) -> None:
    kept = [f"{prefix}:{name}" for prefix in services for name in reference.action_names(prefix)]
    statement = {"Sid": "All", **allow([f"{it}:*" for it in [*services, "sqs"]])}
    made = refined(document(statement), kept)
    assert len(made.documents) > 1
    assert all(len(text) <= SIZE for text in made.documents)
    found = [action for text in made.documents for it in json.loads(text)["Statement"] for action in it["Action"]]
    assert sorted(found, key=str.lower) == sorted(kept, key=str.lower)
