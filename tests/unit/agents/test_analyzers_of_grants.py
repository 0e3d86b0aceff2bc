"""Analyzers find the grants of keys to those outside, beside the policies of keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import document
from support.trails import ACCOUNT
from unit.agents.test_analyzers import AWAY, PARTNER, Analyzed, statement
from unit.agents.test_analyzers_of_organizations import Trusted, perimeter, restrictions

OUTSIDER = f"arn:aws:iam::{AWAY}:role/Decrypts"


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


def key(plane: InProcess, *statements: dict[str, Any], of: Any = None) -> tuple[Any, str]:
    """A client of KMS, and the ARN of a new key, whose policy lets its account do all and has further statements."""
    kms = plane.client("kms", of)
    account = plane.client("sts", of).get_caller_identity()["Account"]
    own = statement({"AWS": f"arn:aws:iam::{account}:root"}, "kms:*", "*")
    return kms, kms.create_key(Policy=document(own, *statements))["KeyMetadata"]["Arn"]


def outsider(plane: InProcess) -> None:
    """Have the role outside be there."""
    iam = plane.client("iam", plane.account(AWAY))
    trust = document({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{AWAY}:root"}, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="Decrypts", AssumeRolePolicyDocument=trust)


def shown(found: dict[str, Any]) -> tuple[Any, ...]:
    """What a finding says."""
    return found["principal"], found["action"], found["condition"], found["status"]


def test_a_grant_to_a_principal_outside_is_found_and_resolves_with_it(plane: InProcess) -> None:
    outsider(plane)
    kms, arn = key(plane)
    analyzer = Analyzed(plane)
    assert analyzer.findings(arn) == []
    within = {"EncryptionContextSubset": {"tenant": "red"}}
    operations = ["Decrypt", "GenerateDataKey"]
    grant = kms.create_grant(KeyId=arn, GranteePrincipal=OUTSIDER, Operations=operations, Constraints=within)
    analyzer.look()
    (found,) = analyzer.findings(arn)
    condition = {"kms:EncryptionContext:tenant": "red"}
    assert shown(found) == ({"AWS": OUTSIDER}, ["kms:Decrypt", "kms:GenerateDataKey"], condition, "ACTIVE")
    assert (found["isPublic"], "sources" in found) == (False, False)
    kms.revoke_grant(KeyId=arn, GrantId=grant["GrantId"])
    analyzer.look()
    assert analyzer.status(arn) == ["RESOLVED"]


def test_a_grant_that_is_retired_is_none_any_more(plane: InProcess) -> None:
    outsider(plane)
    kms, arn = key(plane)
    own = f"arn:aws:iam::{ACCOUNT}:root"
    made = kms.create_grant(KeyId=arn, GranteePrincipal=OUTSIDER, RetiringPrincipal=own, Operations=["Decrypt"])
    analyzer = Analyzed(plane)
    assert analyzer.status(arn) == ["ACTIVE"]
    kms.retire_grant(KeyId=arn, GrantId=made["GrantId"])
    analyzer.look()
    assert analyzer.status(arn) == ["RESOLVED"]


def test_grants_inside_are_not_found_and_who_may_retire_one_from_outside_is(plane: InProcess) -> None:
    outsider(plane)
    role = plane.profile("uses")
    inside = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    kms, arn = key(plane)
    kms.create_grant(KeyId=arn, GranteePrincipal=inside, Operations=["Decrypt"])
    analyzer = Analyzed(plane)
    assert analyzer.findings(arn) == []
    kms.create_grant(KeyId=arn, GranteePrincipal=inside, RetiringPrincipal=OUTSIDER, Operations=["Encrypt"])
    analyzer.look()
    assert [shown(found) for found in analyzer.findings(arn)] == [
        ({"AWS": OUTSIDER}, ["kms:RetireGrant"], {}, "ACTIVE")
    ]


def test_a_denial_in_the_policy_of_the_key_holds_for_grants(plane: InProcess) -> None:
    outsider(plane)
    denied = {**statement("*", "kms:Decrypt", "*", StringEquals={"aws:PrincipalAccount": AWAY}), "Effect": "Deny"}
    kms, arn = key(plane, denied)
    kms.create_grant(KeyId=arn, GranteePrincipal=OUTSIDER, Operations=["Decrypt"])
    analyzer = Analyzed(plane)
    assert analyzer.findings(arn) == []


def test_the_policy_and_the_grants_of_a_key_are_both_told(plane: InProcess) -> None:
    outsider(plane)
    kms, arn = key(plane, statement({"AWS": f"arn:aws:iam::{PARTNER}:root"}, "kms:Encrypt", "*"))
    kms.create_grant(KeyId=arn, GranteePrincipal=OUTSIDER, Operations=["Decrypt"])
    analyzer = Analyzed(plane)
    assert sorted(found["principal"]["AWS"] for found in analyzer.findings(arn)) == sorted([PARTNER, OUTSIDER])


def test_grants_within_an_organization_are_inside_and_resource_control_policies_hide_none(plane: InProcess) -> None:
    outsider(plane)
    it = Trusted(plane)
    kms, arn = key(plane, of=it.key)
    iam = plane.client("iam", it.organized.key(it.other))
    trust = document(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{it.other}:root"}, "Action": "sts:AssumeRole"}
    )
    member = iam.create_role(RoleName="uses", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    kms.create_grant(KeyId=arn, GranteePrincipal=member, Operations=["Decrypt"])
    analyzer = it.analyzer()
    assert analyzer.findings(arn) == []
    kms.create_grant(KeyId=arn, GranteePrincipal=OUTSIDER, Operations=["Decrypt", "Encrypt"])
    assert [found["action"] for found in analyzer.findings(arn)] == [["kms:Decrypt", "kms:Encrypt"]]
    it.control(perimeter(it.id, "kms:Decrypt"))
    assert [found["action"] for found in analyzer.findings(arn)] == [["kms:Decrypt", "kms:Encrypt"]]
    assert restrictions(analyzer.findings(arn)) == [("APPLICABLE", "ACTIVE")]
