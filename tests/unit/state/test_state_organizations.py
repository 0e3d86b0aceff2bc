"""Reads over organizations: the way down to an account, and what is attached on it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from locum.state import AnyEntity, State, change, organizations, put, remove
from support.organization import (
    DEV,
    FULL,
    MANAGEMENT,
    MEMBER,
    PATH,
    RCP,
    ROOT,
    SCP,
    STRANGER,
    TEAM,
    member,
    organization,
    policy_arn,
    scp,
    tree,
    unit,
)


def state(*more: AnyEntity) -> State:
    return change(State(), [put(entity) for entity in (*tree(), *more)])


def test_an_account_is_found_in_its_organization_and_a_stranger_in_none() -> None:
    there = state()
    assert organizations.organization_of(there, MEMBER) == organization()
    assert organizations.organization_of(there, MANAGEMENT) == organization()
    assert organizations.organization_of(there, STRANGER) is None
    assert organizations.member_of(there, STRANGER) is None


def test_the_way_down_leads_from_the_root_through_the_units() -> None:
    there = state()
    way = organizations.ancestry(there, organization(), member())
    assert [organizations.target_of(node) for node in way] == [ROOT, DEV, TEAM, MEMBER]
    assert [organizations.place_of(node) for node in way] == [
        f"the root {ROOT}",
        f"unit Dev ({DEV})",
        f"unit Team ({TEAM})",
        f"account a1111 ({MEMBER})",
    ]
    assert organizations.path_of(there, organization(), member()) == PATH
    assert [u.id for u in organizations.units_above(there, organization(), unit(TEAM, DEV))] == [DEV, TEAM]


def test_units_that_go_round_in_a_circle_end_somewhere() -> None:
    there = state(unit(DEV, TEAM))
    way = organizations.ancestry(there, organization(), member())
    assert {organizations.target_of(node) for node in way} == {ROOT, DEV, TEAM, MEMBER}
    assert len(organizations.units_above(there, organization(), unit(TEAM, DEV))) == 2


def test_who_administers() -> None:
    there = state(member("222233334444", ROOT, delegations={"iam.amazonaws.com": 1}))
    assert organizations.is_management(organization(), MANAGEMENT)
    assert not organizations.is_management(organization(), MEMBER)
    assert organizations.is_delegated(there, "222233334444", "iam.amazonaws.com")
    assert not organizations.is_delegated(there, "222233334444", "sso.amazonaws.com")
    assert not organizations.is_delegated(there, STRANGER, "iam.amazonaws.com")


def test_policies_are_told_level_by_level() -> None:
    there = state(scp("p-x"), unit(policies=(FULL, "p-x")))
    levels = organizations.policies_in_force(there, MEMBER, SCP)
    assert [[found.name.split()[1] for found in level] for level in levels] == [
        ["FullAWSAccess"],
        ["FullAWSAccess", "x"],
        ["FullAWSAccess"],
        ["FullAWSAccess"],
    ]
    assert levels[1][1].arn == policy_arn("p-x")
    assert levels[1][0].arn == f"arn:aws:organizations::aws:policy/service_control_policy/{FULL}"
    assert [
        [found.name.split()[1] for found in level] for level in organizations.policies_in_force(there, MEMBER, RCP)
    ] == [["RCPFullAWSAccess"]] * 4


@pytest.mark.parametrize(
    "entity",
    [organization(policy_types=()), organization(feature_set="CONSOLIDATED_BILLING")],
    ids=["type", "features"],
)
def test_what_is_not_enabled_is_not_in_force(entity: AnyEntity) -> None:
    assert organizations.policies_in_force(state(entity), MEMBER, SCP) == ()


def test_nothing_is_in_force_for_a_stranger() -> None:
    assert organizations.policies_in_force(state(), STRANGER, SCP) == ()


def test_children_are_told_in_order() -> None:
    there = state()
    units, accounts = organizations.children(there, organization(), ROOT)
    assert ([u.id for u in units], [m.id for m in accounts]) == ([DEV], [MANAGEMENT])


def test_a_closed_account_is_known_at_once_and_forgotten_when_it_is_reopened() -> None:
    there = state()
    assert organizations.suspended(there) == frozenset()
    closed = change(there, [put(replace(member(), status="SUSPENDED"))])
    assert organizations.suspended(closed) == {MEMBER}
    assert organizations.suspended(there) == frozenset()
    assert organizations.suspended(change(closed, [put(member())])) == frozenset()
    assert organizations.suspended(change(closed, [remove(member())])) == frozenset()
    assert organizations.suspended(State()) == frozenset()
