"""Suppositions: the policies of a call, gathered by the same functions, and decided by the same evaluator."""

from __future__ import annotations

import pytest

from locum import authz
from locum.authz.principal_policies import held_policies, principal_policies
from locum.authz.supposed import Given
from locum.core.principal import Principal
from locum.policy import PolicyKind
from locum.policy.stored import compiled
from locum.state import Group, PasswordPolicy, Policy, PolicyVersion
from support.authority import HOME, World, allow, as_role, as_user, deny, document, role, user
from support.organization import member, scp, tree

SHARED = Policy(
    account=HOME,
    name="shared",
    id="ANPASHARED",
    created=1,
    updated=1,
    versions=(PolicyVersion(number=1, document=document(allow("sqs:*")), created=1),),
)
TEAM = Group(
    account=HOME,
    name="team",
    id="AGPATEAM",
    created=1,
    inline={"g": document(allow("sns:*"))},
    attached=(SHARED.arn,),
)
ANN = user("ann", allow("s3:*"), groups=("team",), attached=(SHARED.arn,), boundary=SHARED.arn)
APP = role("app", allow("s3:Get*"), boundary=SHARED.arn)
WORLD = World().having(ANN, APP, TEAM, SHARED, PasswordPolicy(account=HOME, users_may_change=True))


@pytest.mark.parametrize("entity", [ANN, APP])
def test_what_is_gathered_is_what_a_call_is_held_against(entity: object) -> None:
    caller = as_user(ANN) if entity is ANN else as_role(APP)
    enforced = principal_policies(WORLD.state, caller)
    supposed = authz.gathered(WORLD.state, ANN if entity is ANN else APP)
    assert all(a is b for a, b in zip(supposed.identity, enforced.identity, strict=True))
    assert supposed.boundary is enforced.boundary


def test_a_policy_that_comes_by_two_ways_counts_once() -> None:
    names = [policy.source.name for policy in authz.gathered(WORLD.state, ANN).identity]
    assert names.count("managed policy shared") == 1
    assert len(names) == len(set(names)) == 4


def test_what_is_omitted_does_not_count() -> None:
    inline = [one for one in held_policies(WORLD.state, ANN) if one.attachment is None or not one.attachment.arn]
    left = authz.gathered(WORLD.state, ANN, inline, bounded=False)
    assert [policy.source.arn for policy in left.identity] == [ANN.arn, TEAM.arn, ""]
    assert left.boundary is None


def test_scps_count_unless_they_are_left_out() -> None:
    denying = scp("p-x", deny("s3:GetObject"))
    world = World().having(user("eve", allow("*")), *tree(), denying, member(policies=("p-FullAWSAccess", "p-x")))
    eve = user("eve", allow("*"))
    asked = ("s3:GetObject", "arn:aws:s3:::b/k", HOME)
    principal = as_user(eve).principal
    assert not authz.suppose(principal, {}, authz.gathered(world.state, eve)).decide(*asked).allowed
    assert authz.suppose(principal, {}, authz.gathered(world.state, eve, governed=False)).decide(*asked).allowed


def test_what_is_given_takes_the_place_of_a_boundary_and_adds_to_identity_policies() -> None:
    principal = Principal.user(HOME, ANN.arn, ANN.id, ANN.name)
    stored = authz.gathered(WORLD.state, ANN)
    more = compiled(document(allow("ec2:*")), PolicyKind.IDENTITY, "more")
    wide = compiled(document(allow("*")), PolicyKind.BOUNDARY, "wide")
    asked = ("ec2:DescribeInstances", "*", HOME)
    assert not authz.suppose(principal, {}, stored, Given((more,))).decide(*asked).allowed
    assert authz.suppose(principal, {}, stored, Given((more,), wide)).decide(*asked).allowed
