"""Who may change a password, and what the operations on the account as a whole are checked on."""

from __future__ import annotations

from typing import Any

import pytest

from locum.state import PasswordPolicy
from support.authority import HOME, World, allow, as_role, as_root, as_user, deny, role, user

ANN = user("ann", path="/staff/")
IAM = f"arn:aws:iam::{HOME}:"
CHANGE: dict[str, Any] = {"OldPassword": "a", "NewPassword": "b"}
ROLE_MANAGER = f"{IAM}role/aws-service-role/role-manager.iam.amazonaws.com/AWSServiceRoleForIAMRoleManager"

PLANS: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("ChangePassword", CHANGE, [("ChangePassword", f"{IAM}user/staff/ann")]),
    ("CreateLoginProfile", {"Password": "p"}, [("CreateLoginProfile", f"{IAM}user/staff/ann")]),
    ("CreateLoginProfile", {"UserName": "bob"}, [("CreateLoginProfile", f"{IAM}user/bob")]),
    ("GetLoginProfile", {"UserName": "Ann"}, [("GetLoginProfile", f"{IAM}user/staff/ann")]),
    ("UpdateLoginProfile", {"UserName": "ann"}, [("UpdateLoginProfile", f"{IAM}user/staff/ann")]),
    ("DeleteLoginProfile", {}, [("DeleteLoginProfile", f"{IAM}user/staff/ann")]),
    *(
        (operation, {}, [(operation, "*")])
        for operation in (
            "GetAccountPasswordPolicy",
            "UpdateAccountPasswordPolicy",
            "DeleteAccountPasswordPolicy",
            "GenerateCredentialReport",
            "GetCredentialReport",
            "GetAccountSummary",
            "GetAccountProperties",
            "SetSecurityTokenServicePreferences",
            "GetAccountAuthorizationDetails",
        )
    ),
    ("PutAccountProperties", {"Properties": {"RoleManager/Enabled": "false"}}, [("PutAccountProperties", "*")]),
    (
        "PutAccountProperties",
        {"Properties": {"RoleManager/Enabled": "true"}},
        [("PutAccountProperties", "*"), ("CreateServiceLinkedRole", ROLE_MANAGER)],
    ),
]


@pytest.mark.parametrize(("operation", "params", "checks"), PLANS)
def test_a_call_takes_these_permissions(operation: str, params: dict[str, Any], checks: list[tuple[str, str]]) -> None:
    planned = World().having(ANN).plan(as_user(ANN), f"iam:{operation}", **params)
    assert planned == [(f"iam:{action}", resource) for action, resource in checks]


def test_root_changes_a_password_on_its_own_arn() -> None:
    assert World().plan(as_root(), "iam:ChangePassword", **CHANGE) == [("iam:ChangePassword", f"{IAM}root")]


LETS = PasswordPolicy(account=HOME, users_may_change=True)
LETS_NOT = PasswordPolicy(account=HOME)


@pytest.mark.parametrize(
    ("entities", "may"),
    [
        ((ANN,), False),
        ((ANN, LETS_NOT), False),
        ((ANN, LETS), True),
        ((user("ann", allow("iam:ChangePassword", f"{IAM}user/${{aws:username}}")),), True),
        ((user("ann", allow("iam:ChangePassword", f"{IAM}user/bob")),), False),
        ((user("ann", deny("iam:ChangePassword")), LETS), False),
    ],
)
def test_users_may_change_their_password_where_the_policy_or_the_account_lets_them(
    entities: tuple[Any, ...], may: bool
) -> None:
    world = World().having(*entities)
    assert world.allows(as_user(entities[0]), "iam:ChangePassword", **CHANGE) is may


def test_what_the_account_lets_its_users_do_is_that_and_no_more() -> None:
    world = World().having(ANN, LETS)
    assert world.allows(as_user(ANN), "iam:GetAccountPasswordPolicy")
    for operation in ("UpdateAccountPasswordPolicy", "GetLoginProfile", "DeleteLoginProfile", "GetCredentialReport"):
        assert not world.allows(as_user(ANN), f"iam:{operation}")
    assert not world.allows(as_user(ANN), "iam:UpdateLoginProfile", UserName="ann", Password="p")


def test_it_is_no_longer_so_with_the_call_after_the_change() -> None:
    world = World().having(ANN, LETS)
    assert world.allows(as_user(ANN), "iam:ChangePassword", **CHANGE)
    assert not world.having(LETS_NOT).allows(as_user(ANN), "iam:ChangePassword", **CHANGE)


def test_a_role_is_no_user_of_the_account() -> None:
    app = role("app")
    assert not World().having(app, LETS).allows(as_role(app), "iam:GetAccountPasswordPolicy")


@pytest.mark.parametrize(
    ("operation", "params", "namespace", "may"),
    [
        ("GetAccountProperties", {}, "RoleManager", True),
        ("GetAccountProperties", {}, "Other", False),
        ("PutAccountProperties", {"Properties": {"RoleManager/Enabled": "false"}}, "RoleManager", True),
        ("PutAccountProperties", {"Properties": {"RoleManager/Enabled": "false"}}, "Other", False),
        ("GetAccountSummary", {}, "RoleManager", False),
    ],
)
def test_namespaces_of_properties_can_be_a_condition(
    operation: str, params: dict[str, Any], namespace: str, may: bool
) -> None:
    condition = {"ForAnyValue:StringEquals": {"iam:AccountPropertyNamespaces": namespace}}
    ann = user("ann", allow("iam:*", Condition=condition))
    assert World().having(ann).allows(as_user(ann), f"iam:{operation}", **params) is may


def test_switching_role_manager_on_takes_the_permission_to_make_its_role() -> None:
    ann = user("ann", allow("iam:PutAccountProperties"))
    named = {"StringEquals": {"iam:AWSServiceName": "role-manager.iam.amazonaws.com"}}
    bob = user("bob", allow("iam:PutAccountProperties"), allow("iam:CreateServiceLinkedRole", Condition=named))
    world = World().having(ann, bob)
    for who, value, may in ((ann, "false", True), (ann, "true", False), (bob, "true", True)):
        properties = {"RoleManager/Enabled": value}
        assert world.allows(as_user(who), "iam:PutAccountProperties", Properties=properties) is may
