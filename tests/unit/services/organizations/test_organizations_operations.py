from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import botocore
import pytest

from locum.services.organizations import OPERATIONS
from support.organizations_plane import ALONE, MANAGEMENT, Organizations

MODEL = Path(botocore.__file__).parent / "data" / "organizations" / "2016-11-28" / "service-2.json.gz"
READING = ("Describe", "List")
LEFT_OUT = ("ResponsibilityTransfer", "TransferResponsibility", "InvalidEffectivePolicy", "PolicyValidationErrors")

ANYBODY = {
    "AcceptHandshake",
    "CancelHandshake",
    "CreateOrganization",
    "DeclineHandshake",
    "DescribeHandshake",
    "ListHandshakesForAccount",
}
"""Those that need no organization."""

MEMBERS = {"DescribeEffectivePolicy", "DescribeOrganization", "LeaveOrganization"}

PARAMS: dict[str, dict[str, Any]] = {
    "AttachPolicy": {"PolicyId": "p-FullAWSAccess", "TargetId": "r-none"},
    "CreateAccount": {"AccountName": "a", "Email": "a@example.com"},
    "CreateGovCloudAccount": {"AccountName": "a", "Email": "a@example.com"},
}


def test_everything_but_billing_transfers_and_validation_is_there() -> None:
    with gzip.open(MODEL) as file:
        known = set(json.load(file)["operations"])
    assert {name for name in known if not any(part in name for part in LEFT_OUT)} == set(OPERATIONS)


def test_what_only_reads_says_so() -> None:
    assert [name for name, operation in OPERATIONS.items() if operation.writes == name.startswith(READING)] == []


@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - ANYBODY))
def test_an_account_in_no_organization_is_told_so(operation: str) -> None:
    plane = Organizations().as_account(ALONE)
    refused = plane.refused(operation, **PARAMS.get(operation, {}))
    assert refused[::2] == ("AWSOrganizationsNotInUse", "Your account is not a member of an organization.")


@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - ANYBODY - MEMBERS))
def test_a_member_account_may_not_look_nor_change(operation: str, org: Organizations) -> None:
    member = org.member()
    refused = org.as_account(member).refused(operation, **PARAMS.get(operation, {}))
    assert refused[::2] == ("AccessDenied", "You don't have permissions to access this resource.")


@pytest.mark.parametrize("operation", sorted(name for name in OPERATIONS if not name.startswith(READING)))
def test_a_delegated_administrator_of_a_service_changes_nothing(operation: str, org: Organizations) -> None:
    if operation in ANYBODY | MEMBERS:
        return
    member = org.member()
    org.delegate(member)
    assert org.as_account(member).refused(operation, **PARAMS.get(operation, {})).code == "AccessDenied"


def test_a_delegated_administrator_of_a_service_reads(org: Organizations) -> None:
    member = org.member()
    org.delegate(member)
    org.as_account(member)
    assert len(org.call("ListAccounts")["Accounts"]) == 2
    assert org.call("DescribeAccount", AccountId=MANAGEMENT)["Account"]["Name"] == "Boss"


LISTS: list[tuple[str, str, dict[str, Any], int]] = [
    ("ListAccounts", "Accounts", {}, 8),
    ("ListAccountsForParent", "Accounts", {"ParentId": "root"}, 8),
    ("ListChildren", "Children", {"ParentId": "root", "ChildType": "ACCOUNT"}, 8),
    ("ListChildren", "Children", {"ParentId": "root", "ChildType": "ORGANIZATIONAL_UNIT"}, 7),
    ("ListOrganizationalUnitsForParent", "OrganizationalUnits", {"ParentId": "root"}, 7),
    ("ListCreateAccountStatus", "CreateAccountStatuses", {}, 7),
    ("ListPolicies", "Policies", {"Filter": "SERVICE_CONTROL_POLICY"}, 8),
    ("ListTargetsForPolicy", "Targets", {"PolicyId": "p-FullAWSAccess"}, 16),
    ("ListPoliciesForTarget", "Policies", {"TargetId": "root", "Filter": "SERVICE_CONTROL_POLICY"}, 5),
    ("ListHandshakesForOrganization", "Handshakes", {}, 7),
    ("ListAWSServiceAccessForOrganization", "EnabledServicePrincipals", {}, 7),
    ("ListDelegatedAdministrators", "DelegatedAdministrators", {}, 7),
    ("ListDelegatedServicesForAccount", "DelegatedServices", {"AccountId": "first"}, 7),
    ("ListRoots", "Roots", {}, 1),
]
SERVICES = ("account", "config", "fms", "iam", "ram", "ssm", "sso")


@pytest.fixture(scope="module")
def seven() -> Organizations:
    """An organization with seven of everything."""
    plane = Organizations()
    plane.enable("SERVICE_CONTROL_POLICY")
    members = [plane.member(f"m{number}") for number in range(7)]
    policies = [plane.policy(f"p{number}") for number in range(7)]
    for number in range(7):
        plane.unit(f"u{number}")
        plane.invite(f"{number}@example.org", "EMAIL")
    for policy in policies[:4]:
        plane.call("AttachPolicy", PolicyId=policy, TargetId=plane.root)
    for service in SERVICES:
        plane.delegate(members[0], f"{service}.amazonaws.com")
    for member in members[1:]:
        plane.call("RegisterDelegatedAdministrator", AccountId=member, ServicePrincipal="ram.amazonaws.com")
    plane.first = members[0]
    return plane


@pytest.mark.parametrize(("operation", "member", "params", "count"), LISTS)
@pytest.mark.parametrize("size", [1, 3, 20])
def test_a_list_comes_in_pages_that_lose_and_repeat_nothing(
    seven: Organizations, operation: str, member: str, params: dict[str, Any], count: int, size: int
) -> None:
    named = {"root": seven.root, "first": seven.first}
    given = {name: named.get(value, value) for name, value in params.items()}
    pages = seven.pages(operation, member, MaxResults=size, **given)
    items = [json.dumps(item, sort_keys=True) for page in pages for item in page]
    assert len(set(items)) == len(items) == count
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert seven.refused(operation, NextToken="bm9uZQ==", **given)[:2] == ("InvalidInput", "INVALID_NEXT_TOKEN")
