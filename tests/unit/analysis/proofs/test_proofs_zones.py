"""Access from outside of zones of trust of several accounts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.analysis.proofs import Zone, external_access, read_policy
from locum.core.identifiers import canonical_user_id
from locum.policy import Document, PolicyKind

OWNER, MEMBER, OTHER = "111122223333", "222233334444", "444455556666"
ORGANIZATION = "o-abcdef1234"
ZONE = Zone(frozenset({OWNER, MEMBER}), ORGANIZATION)
BUCKET = "AWS::S3::Bucket"


def policy_of(*statements: dict[str, Any]) -> Document:
    """A policy whose statements let GetObject, or what they say."""
    complete = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **each} for each in statements]
    return read_policy(json.dumps({"Version": "2012-10-17", "Statement": complete}), PolicyKind.RESOURCE)


def found(*statements: dict[str, Any], zone: Zone = ZONE) -> list[dict[str, str]]:
    """The principals outside of a zone whom statements allow something."""
    return [dict(access.principal) for access in external_access(policy_of(*statements), BUCKET, zone)]


def when(operator: str, key: str, *values: str) -> dict[str, Any]:
    """A statement for everybody, under a condition."""
    return {"Principal": "*", "Condition": {operator: {key: list(values)}}}


def test_all_accounts_of_the_zone_are_inside_and_no_other() -> None:
    assert found({"Principal": {"AWS": [OWNER, MEMBER]}}) == []
    assert found({"Principal": {"AWS": [OWNER, MEMBER, OTHER]}}) == [{"AWS": OTHER}]
    assert found({"Principal": {"AWS": f"arn:aws:iam::{MEMBER}:role/Dev"}}) == []
    inside, outside = canonical_user_id(MEMBER), canonical_user_id(OTHER)
    assert found({"Principal": {"CanonicalUser": [inside, outside]}}) == [{"CanonicalUser": outside}]


@pytest.mark.parametrize(
    "statement",
    [
        when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION),
        when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORGANIZATION}/*"),
        when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORGANIZATION}/r-ab12/ou-ab12-11111111/*"),
        when("StringEquals", "aws:SourceOrgID", ORGANIZATION),
        when("ForAnyValue:StringLike", "aws:SourceOrgPaths", f"{ORGANIZATION}/*"),
        when("StringEquals", "aws:PrincipalAccount", OWNER, MEMBER),
        when("StringEquals", "aws:SourceAccount", MEMBER),
        when("StringEquals", "aws:SourceOwner", OWNER),
        when("ArnLike", "aws:SourceArn", f"arn:aws:sns:*:{MEMBER}:*"),
    ],
)
def test_what_only_the_organization_has_lets_nobody_else_in(statement: dict[str, Any]) -> None:
    assert found(statement) == []
    assert found(statement, zone=Zone(frozenset({OTHER}))) != []


@pytest.mark.parametrize(
    "statement",
    [
        when("StringEquals", "aws:PrincipalOrgID", "o-other00000"),
        when("StringLike", "aws:PrincipalOrgID", "o-*"),
        when("StringLike", "aws:PrincipalOrgID", "o-abcdef123?"),
        when("StringEqualsIfExists", "aws:PrincipalOrgID", ORGANIZATION),
        when("StringNotEquals", "aws:PrincipalOrgID", ORGANIZATION),
        when("ForAllValues:StringLike", "aws:PrincipalOrgPaths", f"{ORGANIZATION}/*"),
        when("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-*/r-ab12/*"),
        when("StringEquals", "aws:SourceVpce", "vpce-1"),
    ],
)
def test_attack_a_condition_that_others_meet_as_well_is_no_zone(statement: dict[str, Any]) -> None:
    assert found(statement) == [{"AWS": "*"}]


def test_attack_accounts_that_proofs_let_stand_for_others_may_be_in_the_zone() -> None:
    """An account that no policy mentions stands for all others: not one of the zone."""
    zone = Zone(frozenset({OWNER, "999999999999", "888888888888", "777777777777", "000000000001"}))
    assert found({"Principal": "*"}, zone=zone) == [{"AWS": "*"}]
    assert found({"Principal": {"AWS": "AIDAEXAMPLEEXAMPLE01"}}, zone=zone) == [{"AWS": "AIDAEXAMPLEEXAMPLE01"}]
    provider = {"Federated": "arn:aws:iam::888888888888:saml-provider/Corp"}
    assert found({"Principal": provider}, zone=zone) == [provider]
