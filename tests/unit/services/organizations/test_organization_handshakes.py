from __future__ import annotations

import re
from typing import Any

import pytest

from locum.services.organizations import limits
from locum.state import Account, change, put
from support.organizations_plane import ALONE, DAY, MANAGEMENT, NOW, STRANGER, Organizations

EMAIL = "ann@example.org"


def states(plane: Organizations, operation: str = "ListHandshakesForOrganization", **params: Any) -> list[str]:
    return [handshake["State"] for handshake in plane.call(operation, **params)["Handshakes"]]


def with_address(plane: Organizations) -> None:
    """ALONE's e-mail address is known."""
    plane.state = change(plane.state, [put(Account(account=ALONE, created=NOW, name="Ann", email=EMAIL))])


def test_an_invitation_says_who_asks_whom(org: Organizations) -> None:
    target = {"Id": ALONE, "Type": "ACCOUNT"}
    made = org.call("InviteAccountToOrganization", Target=target, Notes="Join us")["Handshake"]
    assert re.fullmatch(r"h-[a-z0-9]{32}", made["Id"])
    assert made == {
        "Id": made["Id"],
        "Arn": f"arn:aws:organizations::{MANAGEMENT}:handshake/{org.organization}/invite/{made['Id']}",
        "Parties": [{"Id": org.organization, "Type": "ORGANIZATION"}, {"Id": ALONE, "Type": "ACCOUNT"}],
        "State": "OPEN",
        "RequestedTimestamp": NOW,
        "ExpirationTimestamp": NOW + 15 * DAY,
        "Action": "INVITE",
        "Resources": [
            {
                "Type": "ORGANIZATION",
                "Value": org.organization,
                "Resources": [
                    {"Type": "MASTER_EMAIL", "Value": "boss@example.com"},
                    {"Type": "MASTER_NAME", "Value": "Boss"},
                    {"Type": "ORGANIZATION_FEATURE_SET", "Value": "ALL"},
                ],
            },
            {"Type": "ACCOUNT", "Value": ALONE},
            {"Type": "NOTES", "Value": "Join us"},
        ],
    }
    assert org.call("DescribeHandshake", HandshakeId=made["Id"])["Handshake"] == made
    assert org.as_account(ALONE).call("DescribeHandshake", HandshakeId=made["Id"])["Handshake"] == made
    assert org.call("ListHandshakesForAccount")["Handshakes"] == [made]


@pytest.mark.parametrize("kind", ["ACCOUNT", "EMAIL"])
def test_who_accepts_joins_in_the_root(org: Organizations, kind: str) -> None:
    with_address(org)
    handshake = org.invite(EMAIL.upper() if kind == "EMAIL" else ALONE, kind, Tags=[{"Key": "k", "Value": "v"}])
    accepted = org.as_account(ALONE).call("AcceptHandshake", HandshakeId=handshake)["Handshake"]
    assert accepted["State"] == "ACCEPTED"
    assert org.call("DescribeOrganization")["Organization"]["Id"] == org.organization
    shown = org.as_account(MANAGEMENT).call("DescribeAccount", AccountId=ALONE)["Account"]
    assert (shown["JoinedMethod"], shown["Name"], shown["Email"]) == ("INVITED", "Ann", EMAIL)
    assert org.call("ListParents", ChildId=ALONE)["Parents"] == [{"Id": org.root, "Type": "ROOT"}]
    assert org.call("ListTagsForResource", ResourceId=ALONE)["Tags"] == [{"Key": "k", "Value": "v"}]
    assert org.role(ALONE, "AWSServiceRoleForOrganizations") is not None
    assert org.role(ALONE, "OrganizationAccountAccessRole") is None


def test_whoever_accepts_leaves_the_organization_before(org: Organizations) -> None:
    handshake = org.invite()
    org.as_account(STRANGER).call("CreateOrganization")
    other = org.invite()
    org.as_account(ALONE).call("AcceptHandshake", HandshakeId=other)
    org.call("AcceptHandshake", HandshakeId=handshake)
    assert org.call("DescribeOrganization")["Organization"]["Id"] == org.organization
    assert len(org.as_account(STRANGER).call("ListAccounts")["Accounts"]) == 1
    org.as_account(MANAGEMENT)
    again = org.invite(STRANGER)
    assert (
        org.as_account(STRANGER).refused("AcceptHandshake", HandshakeId=again).code == "MasterCannotLeaveOrganization"
    )


@pytest.mark.parametrize(
    ("operation", "account", "state"),
    [("DeclineHandshake", ALONE, "DECLINED"), ("CancelHandshake", MANAGEMENT, "CANCELED")],
)
def test_an_invitation_is_declined_or_canceled(org: Organizations, operation: str, account: str, state: str) -> None:
    handshake = org.invite()
    assert org.as_account(account).call(operation, HandshakeId=handshake)["Handshake"]["State"] == state
    assert org.refused(operation, HandshakeId=handshake).code == "HandshakeAlreadyInState"
    assert org.as_account(ALONE).refused("AcceptHandshake", HandshakeId=handshake).code == "InvalidHandshakeTransition"
    org.now += (limits.HANDSHAKE_KEPT_DAYS + 1) * DAY
    assert org.refused("DescribeHandshake", HandshakeId=handshake).code == "HandshakeNotFound"
    assert org.as_account(MANAGEMENT).call("ListHandshakesForOrganization")["Handshakes"] == []


def test_an_invitation_expires(org: Organizations) -> None:
    handshake = org.invite()
    org.now += limits.INVITATION_DAYS * DAY
    assert states(org) == ["EXPIRED"]
    assert org.as_account(ALONE).refused("AcceptHandshake", HandshakeId=handshake).code == "InvalidHandshakeTransition"
    org.as_account(MANAGEMENT).invite()


def test_a_handshake_is_nobody_elses_business(org: Organizations) -> None:
    handshake = org.invite()
    for operation in ("AcceptHandshake", "DeclineHandshake", "CancelHandshake", "DescribeHandshake"):
        refused = org.as_account(STRANGER).refused(operation, HandshakeId=handshake)
        assert refused.code == "HandshakeNotFound"
    assert org.as_account(MANAGEMENT).refused("AcceptHandshake", HandshakeId=handshake).code == "AccessDenied"
    assert org.refused("DeclineHandshake", HandshakeId=handshake).code == "AccessDenied"
    assert org.as_account(ALONE).refused("CancelHandshake", HandshakeId=handshake).code == "AccessDenied"


INVITED: list[tuple[dict[str, str], tuple[str, str]]] = [
    ({"Id": "123", "Type": "ACCOUNT"}, ("InvalidInput", "INVALID_PATTERN_TARGET_ID")),
    ({"Id": "ann", "Type": "EMAIL"}, ("InvalidInput", "INVALID_EMAIL_ADDRESS_TARGET")),
    ({"Id": "o-1234567890", "Type": "ORGANIZATION"}, ("InvalidInput", "INVALID_PARTY_TYPE_TARGET")),
    ({"Id": MANAGEMENT, "Type": "ACCOUNT"}, ("HandshakeConstraintViolation", "ALREADY_IN_AN_ORGANIZATION")),
    ({"Id": "boss@example.com", "Type": "EMAIL"}, ("HandshakeConstraintViolation", "ALREADY_IN_AN_ORGANIZATION")),
    ({"Id": ALONE, "Type": "ACCOUNT"}, ("DuplicateHandshake", "")),
    ({"Id": EMAIL, "Type": "EMAIL"}, ("DuplicateHandshake", "")),
]


@pytest.mark.parametrize(("target", "expected"), INVITED)
def test_whom_nobody_can_invite(org: Organizations, target: dict[str, str], expected: tuple[str, str]) -> None:
    with_address(org)
    org.invite()
    assert org.refused("InviteAccountToOrganization", Target=target)[:2] == expected


def test_lists_are_narrowed_by_one_filter(org: Organizations) -> None:
    org.invite()
    assert states(org, Filter={"ActionType": "INVITE"}) == ["OPEN"]
    assert states(org, Filter={"ActionType": "ENABLE_ALL_FEATURES"}) == []
    assert states(org, Filter={"ParentHandshakeId": "h-12345678"}) == []
    both = {"ActionType": "INVITE", "ParentHandshakeId": "h-12345678"}
    refused = org.refused("ListHandshakesForOrganization", Filter=both)
    assert refused[:2] == ("InvalidInput", "MAX_LIMIT_EXCEEDED_FILTER")


# --- all features ---


@pytest.fixture
def billing() -> Organizations:
    """An organization with billing alone, and an invited account in it."""
    plane = Organizations(features="CONSOLIDATED_BILLING")
    handshake = plane.invite()
    plane.as_account(ALONE).call("AcceptHandshake", HandshakeId=handshake)
    return plane.as_account(MANAGEMENT)


def test_all_features_take_the_consent_of_whoever_was_invited(billing: Organizations) -> None:
    created = billing.member()
    whole = billing.call("EnableAllFeatures")["Handshake"]
    assert whole["State"] == "REQUESTED"
    assert whole["Parties"] == [{"Id": billing.organization, "Type": "ORGANIZATION"}]
    assert whole["Resources"] == [{"Type": "ORGANIZATION", "Value": billing.organization}]
    assert billing.refused("AcceptHandshake", HandshakeId=whole["Id"]).code == "InvalidHandshakeTransition"
    assert billing.as_account(created).call("ListHandshakesForAccount")["Handshakes"] == []
    asked = billing.as_account(ALONE).call("ListHandshakesForAccount", Filter={"ActionType": "APPROVE_ALL_FEATURES"})
    (part,) = asked["Handshakes"]
    assert {"Type": "PARENT_HANDSHAKE", "Value": whole["Id"]} in part["Resources"]
    billing.call("AcceptHandshake", HandshakeId=part["Id"])
    billing.as_account(MANAGEMENT)
    assert billing.call("DescribeHandshake", HandshakeId=whole["Id"])["Handshake"]["State"] == "OPEN"
    billing.call("AcceptHandshake", HandshakeId=whole["Id"])
    assert billing.call("DescribeOrganization")["Organization"]["FeatureSet"] == "ALL"
    assert billing.role(created, "AWSServiceRoleForOrganizations") is not None


def test_where_nobody_was_invited_the_management_account_decides_alone() -> None:
    plane = Organizations(features="CONSOLIDATED_BILLING")
    handshake = plane.call("EnableAllFeatures")["Handshake"]
    assert handshake["State"] == "OPEN"
    plane.call("AcceptHandshake", HandshakeId=handshake["Id"])
    refused = plane.refused("EnableAllFeatures")
    assert refused[:2] == ("HandshakeConstraintViolation", "ORGANIZATION_ALREADY_HAS_ALL_FEATURES")


def test_while_all_features_are_asked_for_nobody_is_invited_and_nothing_asked_twice(billing: Organizations) -> None:
    whole = billing.call("EnableAllFeatures")["Handshake"]["Id"]
    refused = billing.refused("EnableAllFeatures")
    assert refused.reason == "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION"
    target = {"Id": STRANGER, "Type": "ACCOUNT"}
    refused = billing.refused("InviteAccountToOrganization", Target=target)
    assert refused.reason == "INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES"
    billing.call("CancelHandshake", HandshakeId=whole)
    assert states(billing, Filter={"ActionType": "APPROVE_ALL_FEATURES"}) == ["CANCELED"]
    billing.invite(STRANGER)
