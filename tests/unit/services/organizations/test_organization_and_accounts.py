from __future__ import annotations

import json
import re
from typing import Any

import pytest
from msgspec.structs import replace

from locum.services.organizations import limits
from locum.state import Account, Member, change, put
from locum.state.organizations import suspended
from support.organizations_plane import ALONE, DAY, MANAGEMENT, NOW, Organizations

NOBODY = "999900001111"


def test_an_organization_is_made_and_seen() -> None:
    plane = Organizations(organized=False)
    made = plane.call("CreateOrganization")["Organization"]
    assert re.fullmatch(r"o-[a-z0-9]{10}", made["Id"])
    base = f"arn:aws:organizations::{MANAGEMENT}"
    assert made == {
        "Id": made["Id"],
        "Arn": f"{base}:organization/{made['Id']}",
        "FeatureSet": "ALL",
        "MasterAccountArn": f"{base}:account/{made['Id']}/{MANAGEMENT}",
        "MasterAccountId": MANAGEMENT,
        "MasterAccountEmail": "boss@example.com",
        "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
    }
    assert plane.call("DescribeOrganization")["Organization"] == made
    (root,) = plane.call("ListRoots")["Roots"]
    assert re.fullmatch(r"r-[a-z0-9]{4}", root["Id"])
    assert root == {
        "Id": root["Id"],
        "Arn": f"{base}:root/{made['Id']}/{root['Id']}",
        "Name": "Root",
        "PolicyTypes": [],
    }
    (account,) = plane.call("ListAccounts")["Accounts"]
    assert (account["Id"], account["Name"], account["JoinedMethod"]) == (MANAGEMENT, "Boss", "INVITED")
    assert plane.role(MANAGEMENT, "AWSServiceRoleForOrganizations") is not None


def test_billing_alone_has_no_policy_types_and_no_role() -> None:
    plane = Organizations(features="CONSOLIDATED_BILLING")
    made = plane.call("DescribeOrganization")["Organization"]
    assert (made["FeatureSet"], made["AvailablePolicyTypes"]) == ("CONSOLIDATED_BILLING", [])
    assert plane.role(MANAGEMENT, "AWSServiceRoleForOrganizations") is None


def test_an_account_without_name_and_address_gets_both() -> None:
    plane = Organizations(organized=False).as_account(ALONE)
    made = plane.call("CreateOrganization")["Organization"]
    assert made["MasterAccountEmail"] == f"root@{ALONE}.example.com"


def test_nobody_is_in_two_organizations(org: Organizations) -> None:
    for account in (MANAGEMENT, org.member()):
        refused = org.as_account(account).refused("CreateOrganization")
        assert refused[::2] == (
            "AlreadyInOrganization",
            "The provided account is already a member of an organization.",
        )


def test_an_organization_goes_with_all_that_is_in_it(org: Organizations) -> None:
    member = org.member()
    org.unit()
    org.policy()
    org.invite()
    assert org.refused("DeleteOrganization").code == "OrganizationNotEmpty"
    org.call("RemoveAccountFromOrganization", AccountId=member)
    org.call("DeleteOrganization")
    assert set(org.state.tables) == {"account", "role"}
    assert org.refused("DescribeOrganization").code == "AWSOrganizationsNotInUse"


def test_a_new_account_has_an_administrator_role_for_the_management_account(org: Organizations) -> None:
    answer = org.call("CreateAccount", AccountName="Dev", Email="dev@example.com")["CreateAccountStatus"]
    assert re.fullmatch(r"car-[a-z0-9]{32}", answer["Id"])
    assert answer == {
        "Id": answer["Id"],
        "AccountName": "Dev",
        "State": "IN_PROGRESS",
        "RequestedTimestamp": NOW,
    }
    status = org.call("DescribeCreateAccountStatus", CreateAccountRequestId=answer["Id"])["CreateAccountStatus"]
    account = status["AccountId"]
    assert status == {**answer, "State": "SUCCEEDED", "CompletedTimestamp": NOW, "AccountId": account}
    role = org.role(account, "OrganizationAccountAccessRole")
    assert role is not None
    assert role.attached == ("arn:aws:iam::aws:policy/AdministratorAccess",)
    assert json.loads(role.trust)["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{MANAGEMENT}:root"}
    assert org.state.get(Account, account, account) == Account(
        account=account, created=NOW, name="Dev", email="dev@example.com"
    )
    assert org.call("DescribeAccount", AccountId=account)["Account"] == {
        "Id": account,
        "Arn": f"arn:aws:organizations::{MANAGEMENT}:account/{org.organization}/{account}",
        "Email": "dev@example.com",
        "Name": "Dev",
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "Paths": [f"{org.organization}/{org.root}/{account}/"],
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": NOW,
    }


def test_the_role_of_a_new_account_is_called_as_asked(org: Organizations) -> None:
    account = org.member(RoleName="Admin")
    assert org.role(account, "Admin") is not None
    assert org.role(account, "OrganizationAccountAccessRole") is None


def test_an_address_that_is_taken_fails_the_request_and_not_the_call(org: Organizations) -> None:
    org.member("one")
    made = org.call("CreateAccount", AccountName="two", Email="ONE@example.com")["CreateAccountStatus"]
    (failed,) = org.call("ListCreateAccountStatus", States=["FAILED"])["CreateAccountStatuses"]
    assert (failed["Id"], failed["FailureReason"]) == (made["Id"], "EMAIL_ALREADY_EXISTS")
    assert "AccountId" not in failed
    assert len(org.call("ListAccounts")["Accounts"]) == 2


REFUSED: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
    (
        "CreateAccount",
        {"AccountName": "a", "Email": "a@example.com", "RoleName": "AWSServiceRoleForMe"},
        ("InvalidInput", "INVALID_ROLE_NAME"),
    ),
    (
        "CreateGovCloudAccount",
        {"AccountName": "a", "Email": "a@example.com"},
        ("ConstraintViolation", "MASTER_ACCOUNT_NOT_GOVCLOUD_ENABLED"),
    ),
    ("DescribeCreateAccountStatus", {"CreateAccountRequestId": "car-nothing1"}, ("CreateAccountStatusNotFound", "")),
    ("DescribeAccount", {"AccountId": NOBODY}, ("AccountNotFound", "")),
    ("DescribeAccount", {"AccountId": ALONE}, ("AccountNotFound", "")),
    ("CloseAccount", {"AccountId": NOBODY}, ("AccountNotFound", "")),
    ("CloseAccount", {"AccountId": MANAGEMENT}, ("ConstraintViolation", "CANNOT_CLOSE_MANAGEMENT_ACCOUNT")),
    ("RemoveAccountFromOrganization", {"AccountId": NOBODY}, ("AccountNotFound", "")),
    ("RemoveAccountFromOrganization", {"AccountId": MANAGEMENT}, ("MasterCannotLeaveOrganization", "")),
    ("LeaveOrganization", {}, ("MasterCannotLeaveOrganization", "")),
]


@pytest.mark.parametrize(("operation", "params", "expected"), REFUSED)
def test_what_cannot_be_is_refused(
    org: Organizations, operation: str, params: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert org.refused(operation, **params)[:2] == expected


def test_accounts_and_invitations_share_one_quota(org: Organizations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ACCOUNTS", 3)
    org.member()
    org.invite()
    message = "You have exceeded the allowed number of AWS accounts."
    account = {"AccountName": "x", "Email": "x@example.com"}
    expected = ("ACCOUNT_NUMBER_LIMIT_EXCEEDED", message)
    assert org.refused("CreateAccount", **account) == ("ConstraintViolation", *expected)
    target = {"Id": "x@example.com", "Type": "EMAIL"}
    refused = org.refused("InviteAccountToOrganization", Target=target)
    assert refused == ("HandshakeConstraintViolation", *expected)
    org.now += limits.INVITATION_DAYS * DAY
    org.call("CreateAccount", **account)


def test_a_closed_account_stays_and_is_suspended(org: Organizations) -> None:
    account = org.member()
    org.call("CloseAccount", AccountId=account)
    shown = org.call("DescribeAccount", AccountId=account)["Account"]
    assert (shown["Status"], shown["State"]) == ("SUSPENDED", "CLOSED")
    assert org.refused("CloseAccount", AccountId=account)[::2] == (
        "AccountAlreadyClosed",
        "The provided account is already closed.",
    )


def test_a_closed_account_is_not_opened_by_removing_it(org: Organizations) -> None:
    account = org.member()
    org.call("CloseAccount", AccountId=account)
    refused = org.refused("RemoveAccountFromOrganization", AccountId=account)
    assert refused[:2] == ("ConstraintViolation", "ACCOUNT_CANNOT_LEAVE_ORGANIZATION")
    assert account in suspended(org.state)


def test_so_many_accounts_are_closed_in_thirty_days(org: Organizations) -> None:
    first, second = org.member("one"), org.member("two")
    member = org.state.get(Member, MANAGEMENT, first)
    assert member is not None
    closed = [put(replace(member, id=f"{number:012}", closed=NOW)) for number in range(limits.closings(0))]
    org.state = change(org.state, closed)
    assert org.refused("CloseAccount", AccountId=second)[:2] == ("ConstraintViolation", "CLOSE_ACCOUNT_QUOTA_EXCEEDED")
    org.now += limits.CLOSING_DAYS * DAY
    org.call("CloseAccount", AccountId=second)


@pytest.mark.parametrize(("members", "expected"), [(0, 250), (2000, 400), (10_000, 1000)])
def test_how_many_may_be_closed_grows_with_the_organization(members: int, expected: int) -> None:
    assert limits.closings(members) == expected


def test_closing_takes_all_features() -> None:
    plane = Organizations(features="CONSOLIDATED_BILLING")
    account = plane.member()
    assert plane.refused("CloseAccount", AccountId=account).reason == "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE"


@pytest.mark.parametrize("leaves", [True, False])
def test_an_account_that_left_stands_alone(org: Organizations, leaves: bool) -> None:
    account = org.member()
    if leaves:
        org.as_account(account).call("LeaveOrganization")
    else:
        org.call("RemoveAccountFromOrganization", AccountId=account)
    assert org.as_account(account).refused("DescribeOrganization").code == "AWSOrganizationsNotInUse"
    assert org.as_account(MANAGEMENT).refused("DescribeAccount", AccountId=account).code == "AccountNotFound"
    assert org.as_account(account).call("CreateOrganization")["Organization"]["MasterAccountId"] == account


def test_a_delegated_administrator_cannot_leave(org: Organizations) -> None:
    account = org.member()
    org.delegate(account)
    expected = ("ConstraintViolation", "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG")
    assert org.refused("RemoveAccountFromOrganization", AccountId=account)[:2] == expected
    assert org.as_account(account).refused("LeaveOrganization")[:2] == expected


def test_ids_of_another_organization_mean_nothing(org: Organizations) -> None:
    member, unit, policy, root = org.member(), org.unit(), org.policy(), org.root
    org.as_account(ALONE).call("CreateOrganization")
    assert org.refused("DescribeAccount", AccountId=member).code == "AccountNotFound"
    assert org.refused("DescribeOrganizationalUnit", OrganizationalUnitId=unit).code == "OrganizationalUnitNotFound"
    assert org.refused("DescribePolicy", PolicyId=policy).code == "PolicyNotFound"
    assert org.refused("ListAccountsForParent", ParentId=root).code == "ParentNotFound"
    assert org.refused("ListTagsForResource", ResourceId=member).code == "TargetNotFound"
    assert org.refused("EnablePolicyType", RootId=root, PolicyType="TAG_POLICY").code == "RootNotFound"
