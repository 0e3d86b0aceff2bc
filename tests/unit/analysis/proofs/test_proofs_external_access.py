"""Access from other accounts, as findings of external access have it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.analysis.proofs import NotDecided, Zone, external_access, read_policy
from locum.analysis.proofs.globs import MARKS
from locum.policy import PolicyKind

OWNER, OTHER = "111122223333", "444455556666"
BUCKET = "AWS::S3::Bucket"
ZONE = Zone(frozenset({OWNER}))


def found(*statements: dict[str, Any]) -> list[tuple[int, dict[str, str], dict[str, str], bool]]:
    usual = {"Effect": "Allow", "Action": "s3:GetObject"}
    complete = [usual | ({} if "NotResource" in each else {"Resource": "*"}) | each for each in statements]
    policy = read_policy(json.dumps({"Version": "2012-10-17", "Statement": complete}), PolicyKind.RESOURCE)
    return [
        (access.statement.number, dict(access.principal), dict(access.conditions), access.public)
        for access in external_access(policy, BUCKET, ZONE)
    ]


def test_everyone_is_public() -> None:
    assert found({"Principal": "*"}) == [(0, {"AWS": "*"}, {}, True)]


def test_an_organization_is_external_and_not_public() -> None:
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    assert found({"Principal": "*", "Condition": condition}) == [
        (0, {"AWS": "*"}, {"aws:PrincipalOrgID": "o-1"}, False)
    ]


def test_other_accounts_and_their_principals_are_told_by_name() -> None:
    role = f"arn:aws:iam::{OTHER}:role/Dev"
    assert found({"Principal": {"AWS": [OWNER, OTHER]}}, {"Principal": {"AWS": role}}) == [
        (0, {"AWS": OTHER}, {}, False),
        (1, {"AWS": role}, {}, False),
    ]


def test_the_owner_and_services_are_not_external() -> None:
    own = {"AWS": [OWNER, f"arn:aws:iam::{OWNER}:role/Dev"]}
    assert found({"Principal": own}, {"Principal": {"Service": "sns.amazonaws.com"}}) == []


def test_what_is_denied_is_no_access() -> None:
    denied = {"Effect": "Deny", "Principal": {"AWS": OTHER}}
    assert found({"Principal": {"AWS": OTHER}}, denied) == []


def test_nobody_but_a_service_is_one() -> None:
    """What Block Public Access leaves of a public bucket: "only AWS service principals" and the account itself."""
    condition = {
        "StringNotEquals": {"aws:PrincipalAccount": OWNER},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
    restricted = {"Effect": "Deny", "Action": "*", "Principal": "*", "Condition": condition}
    assert found({"Principal": "*"}, restricted) == []
    only_signed = {**restricted, "Condition": {"Bool": {"aws:PrincipalIsAWSService": "false"}}}
    assert found({"Principal": "*"}, only_signed) == [(0, {"AWS": "*"}, {}, True)], "who does not sign is not told"
    services = {"Principal": "*", "Condition": {"Bool": {"aws:PrincipalIsAWSService": "true"}}}
    assert found(services) == []


@pytest.mark.parametrize("escaped", [False, True])
def test_attack_a_character_that_stands_for_a_variable_in_proofs(escaped: bool) -> None:
    condition = {"StringNotEquals": {"aws:PrincipalTag/team": chr(MARKS)}}
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": condition}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, ensure_ascii=escaped)
    with pytest.raises(NotDecided):
        external_access(read_policy(text, PolicyKind.RESOURCE), BUCKET, ZONE)


def test_attack_a_statement_that_never_applies_hides_no_other_with_a_policy_variable() -> None:
    """A text with the value of a variable in it was forgotten where only `*` and texts without any were compared."""
    nothing = {"Principal": "*", "NotResource": "*"}
    home = {"Principal": "*", "Resource": "arn:aws:s3:::b/${aws:username}/*"}
    assert found(nothing, home) == [(1, {"AWS": "*"}, {}, True)]
    assert found(home, nothing) == [(0, {"AWS": "*"}, {}, True)]


def test_attack_a_statement_hides_none_behind_it_with_a_policy_variable() -> None:
    """Whoever put a statement for their own account before it had the one for everybody overlooked."""
    own = {"Principal": {"AWS": OWNER}}
    homes = {"Principal": "*", "Resource": "arn:aws:s3:::homes/${aws:username}/*"}
    assert found(homes) == [(0, {"AWS": "*"}, {}, True)]
    assert found(own, homes) == [(1, {"AWS": "*"}, {}, True)]
