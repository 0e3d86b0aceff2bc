"""Access from outside of zones of several accounts, and what resource control policies leave of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.analysis.proofs import Bounds, Zone, external_access, read_policy
from locum.core.identifiers import canonical_user_id
from locum.policy import Document, PolicyKind

OWNER, MEMBER, OTHER = "111122223333", "222233334444", "444455556666"
ORGANIZATION = "o-abcdef1234"
ZONE = Zone(frozenset({OWNER, MEMBER}), ORGANIZATION)
BUCKET, ARN = "AWS::S3::Bucket", "arn:aws:s3:::shared"


def policy_of(*statements: dict[str, Any], kind: PolicyKind = PolicyKind.RESOURCE) -> Document:
    """A policy whose statements let GetObject, or what they say."""
    complete = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **each} for each in statements]
    return read_policy(json.dumps({"Version": "2012-10-17", "Statement": complete}), kind)


def limit(**statement: Any) -> Document:
    """A resource control policy that denies something to everybody."""
    return policy_of({"Effect": "Deny", "Principal": "*", "Action": "s3:*", **statement}, kind=PolicyKind.RCP)


def found(*statements: dict[str, Any], zone: Zone = ZONE, limits: tuple[Document, ...] = ()) -> list[dict[str, str]]:
    """The principals outside of a zone whom statements allow something."""
    bounds = Bounds(zone, limits, ARN if limits else "")
    return [dict(access.principal) for access in external_access(policy_of(*statements), BUCKET, OWNER, bounds=bounds)]


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


def test_what_resource_control_policies_deny_is_no_access() -> None:
    perimeter = limit(
        Condition={
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        }
    )
    public, shared = {"Principal": "*"}, {"Principal": {"AWS": OTHER}}
    assert found(public, shared) == [{"AWS": "*"}, {"AWS": OTHER}]
    assert found(public, shared, limits=(perimeter,)) == []
    partner = limit(
        Condition={"StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION, "aws:PrincipalAccount": OTHER}}
    )
    assert found(public, limits=(partner,)) == [{"AWS": OTHER}]
    assert found(public, limits=(partner, perimeter)) == []


def test_the_actions_of_a_finding_are_those_that_resource_control_policies_leave() -> None:
    shared = policy_of({"Principal": {"AWS": OTHER}, "Action": ["s3:GetObject", "s3:DeleteObject", "s3:Put*"]})
    bounds = Bounds(ZONE, (limit(Action="s3:Delete*"),), ARN)
    (access,) = external_access(shared, BUCKET, OWNER, bounds=bounds)
    assert access.actions == ("s3:GetObject", "s3:Put*")


def test_a_resource_control_policy_counts_for_the_resources_that_it_names() -> None:
    shared = {"Principal": {"AWS": OTHER}}
    assert found(shared, limits=(limit(Resource=[ARN, f"{ARN}/*"]),)) == []
    assert found(shared, limits=(limit(Resource="arn:aws:s3:::other/*"),)) == [{"AWS": OTHER}]
    assert found(shared, limits=(limit(Resource=f"{ARN}/private/*"),)) == [{"AWS": OTHER}]


def test_attack_a_public_statement_stays_public_where_only_some_requests_are_denied() -> None:
    insecure = limit(Condition={"Bool": {"aws:SecureTransport": "false"}})
    bounds = Bounds(ZONE, (insecure,), ARN)
    (access,) = external_access(policy_of({"Principal": "*"}), BUCKET, OWNER, bounds=bounds)
    assert (access.principal, access.public) == ({"AWS": "*"}, True)


def test_members_of_the_organization_outside_of_the_zone_of_an_account_are_told_from_others() -> None:
    """What lets in the organization alone lets in its other accounts, and nobody else."""
    zone = Zone(frozenset({OWNER}), ORGANIZATION, others=frozenset({MEMBER, "888888888888"}))
    condition = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION}}
    limits = (limit(Condition=condition),)
    assert found({"Principal": {"AWS": [OTHER, MEMBER]}}, zone=zone, limits=limits) == [{"AWS": MEMBER}]
    assert found({"Principal": {"AWS": OTHER}}, zone=zone, limits=limits) == []
    assert found({"Principal": "*"}, zone=zone, limits=limits) == [{"AWS": "*"}]
    assert found({"Principal": "*"}, zone=zone._replace(others=frozenset()), limits=limits) == []
    with_id = when("StringEquals", "aws:PrincipalOrgID", ORGANIZATION)
    assert found(with_id, zone=zone) == [{"AWS": "*"}]
