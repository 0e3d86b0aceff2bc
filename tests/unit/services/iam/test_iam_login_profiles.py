from __future__ import annotations

from typing import Any

import pytest

from locum.core.principal import Caller, Principal, PrincipalKind, Session
from locum.state import LoginProfile, encode
from support.iam_plane import ACCOUNT, NOW, OTHER, Plane

GOOD = "Correct-Horse-1"
BETTER = "Battery-Staple-2"
REUSED = (
    "PasswordPolicyViolation",
    400,
    "Policy constraint violation with password reuse prevention during password change.",
)
NO_PROFILE = ("NoSuchEntity", 404, "Login Profile for User Ann cannot be found.")
NO_USER = ("NoSuchEntity", 404, "The user with name bob cannot be found.")
NAMELESS = ("ValidationError", 400, "Must specify userName when calling with non-User credentials")


@pytest.fixture(autouse=True)
def ann(plane: Plane) -> None:
    plane.user("Ann")


def with_password(plane: Plane, password: str = GOOD, **params: Any) -> dict[str, Any]:
    profile: dict[str, Any] = plane.call("CreateLoginProfile", UserName="ann", Password=password, **params)
    return profile


def profile_of(plane: Plane, user: str = "ann") -> LoginProfile:
    profile = plane.state.get(LoginProfile, ACCOUNT, user)
    assert profile is not None
    return profile


def assumed_root(task: str = "IAMCreateRootUserPassword") -> Caller:
    arn = f"arn:aws:iam::{ACCOUNT}:root"
    session = Session(
        kind=PrincipalKind.ROOT,
        account=ACCOUNT,
        name=ACCOUNT,
        issuer_arn=arn,
        issuer_id=ACCOUNT,
        issued_at=NOW,
        expires_at=NOW + 900,
        policy_arns=(f"arn:aws:iam::aws:policy/root-task/{task}",),
    )
    return Caller(Principal.root(ACCOUNT), "ASIA", session)


def test_a_profile_comes_is_changed_and_goes(plane: Plane) -> None:
    shown = {"UserName": "Ann", "CreateDate": NOW, "PasswordResetRequired": False}
    assert with_password(plane) == {"LoginProfile": shown}
    assert plane.call("GetLoginProfile", UserName="ANN") == {"LoginProfile": shown}
    plane.now += 60
    assert plane.call("UpdateLoginProfile", UserName="ann", Password=BETTER, PasswordResetRequired=True) == {}
    changed = plane.call("GetLoginProfile", UserName="ann")["LoginProfile"]
    assert changed == {**shown, "PasswordResetRequired": True}
    assert profile_of(plane).changed == NOW + 60
    assert plane.call("DeleteLoginProfile", UserName="ann") == {}
    assert plane.fault("GetLoginProfile", UserName="ann") == NO_PROFILE


def test_an_update_leaves_what_it_does_not_name(plane: Plane) -> None:
    with_password(plane, PasswordResetRequired=True)
    before = profile_of(plane)
    plane.now += 60
    plane.call("UpdateLoginProfile", UserName="ann")
    assert profile_of(plane) == before
    plane.call("UpdateLoginProfile", UserName="ann", Password=BETTER)
    assert profile_of(plane).reset_required


REFUSED: list[tuple[str, dict[str, Any], tuple[str, int, str]]] = [
    ("CreateLoginProfile", {"UserName": "bob", "Password": GOOD}, NO_USER),
    ("GetLoginProfile", {"UserName": "bob"}, NO_USER),
    ("UpdateLoginProfile", {"UserName": "bob", "Password": GOOD}, NO_USER),
    ("DeleteLoginProfile", {"UserName": "bob"}, NO_USER),
    ("GetLoginProfile", {"UserName": "ann"}, NO_PROFILE),
    ("UpdateLoginProfile", {"UserName": "ann", "Password": GOOD}, NO_PROFILE),
    ("DeleteLoginProfile", {"UserName": "ann"}, NO_PROFILE),
    ("CreateLoginProfile", {"Password": GOOD}, NAMELESS),
    ("GetLoginProfile", {}, NAMELESS),
    ("DeleteLoginProfile", {}, NAMELESS),
    (
        "CreateLoginProfile",
        {"UserName": "ann"},
        (
            "ValidationError",
            400,
            "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null",
        ),
    ),
    (
        "CreateLoginProfile",
        {"UserName": "ann", "Password": "Short-1"},
        ("PasswordPolicyViolation", 400, "Password should have a minimum length of 8"),
    ),
    (
        "ChangePassword",
        {"OldPassword": GOOD, "NewPassword": BETTER},
        ("InvalidUserType", 400, "Only IAM Users can change their own password."),
    ),
]


@pytest.mark.parametrize(("operation", "params", "refusal"), REFUSED)
def test_what_is_refused_to_root(
    plane: Plane, operation: str, params: dict[str, Any], refusal: tuple[str, int, str]
) -> None:
    assert plane.fault(operation, **params) == refusal


def test_a_user_has_one_profile(plane: Plane) -> None:
    with_password(plane)
    taken = ("EntityAlreadyExists", 409, "Login Profile for user Ann already exists.")
    assert plane.fault("CreateLoginProfile", UserName="ann", Password=BETTER) == taken


def test_without_a_name_it_is_the_callers_own(plane: Plane) -> None:
    plane.become("ann")
    assert plane.call("CreateLoginProfile", Password=GOOD)["LoginProfile"]["UserName"] == "Ann"
    assert plane.call("GetLoginProfile")["LoginProfile"]["UserName"] == "Ann"
    plane.call("DeleteLoginProfile")
    assert plane.fault("DeleteLoginProfile") == NO_PROFILE


def test_users_change_their_own_password_and_nobody_elses(plane: Plane) -> None:
    plane.user("bob")
    plane.call("CreateLoginProfile", UserName="bob", Password=GOOD)
    with_password(plane, PasswordResetRequired=True)
    others = profile_of(plane, "bob")
    plane.become("ann")
    plane.now += 60
    assert plane.call("ChangePassword", OldPassword=GOOD, NewPassword=BETTER) == {}
    assert (profile_of(plane).reset_required, profile_of(plane).changed) == (False, NOW + 60)
    assert profile_of(plane, "bob") == others
    wrong = ("AccessDenied", 403, "The old password was incorrect.")
    assert plane.fault("ChangePassword", OldPassword=GOOD, NewPassword="Third-One-3") == wrong
    plane.call("ChangePassword", OldPassword=BETTER, NewPassword=GOOD)


CHANGES = [
    ("Wrong-Horse-1", "Third-One-3", ("AccessDenied", 403, "The old password was incorrect.")),
    ("Wrong-Horse-1", "short", ("AccessDenied", 403, "The old password was incorrect.")),
    (GOOD, GOOD, REUSED),
    (GOOD, "Third-1", ("PasswordPolicyViolation", 400, "Password should have a minimum length of 8")),
]


@pytest.mark.parametrize(("old", "new", "refusal"), CHANGES)
def test_a_change_that_is_refused(plane: Plane, old: str, new: str, refusal: tuple[str, int, str]) -> None:
    with_password(plane)
    plane.become("ann")
    assert plane.fault("ChangePassword", OldPassword=old, NewPassword=new) == refusal


def test_whoever_has_no_password_has_none_to_change(plane: Plane) -> None:
    plane.become("ann")
    assert plane.fault("ChangePassword", OldPassword=GOOD, NewPassword=BETTER) == NO_PROFILE


def test_a_session_of_a_role_has_no_password(plane: Plane) -> None:
    plane.role("app")
    plane.become_session("app")
    assert plane.fault("ChangePassword", OldPassword=GOOD, NewPassword=BETTER)[0] == "InvalidUserType"
    assert plane.fault("GetLoginProfile") == NAMELESS


def test_as_many_passwords_as_the_policy_says_do_not_come_again(plane: Plane) -> None:
    plane.call("UpdateAccountPasswordPolicy", PasswordReusePrevention=2)
    with_password(plane, "first!")
    plane.become("ann")
    plane.call("ChangePassword", OldPassword="first!", NewPassword="second")
    assert plane.fault("ChangePassword", OldPassword="second", NewPassword="first!") == REUSED
    assert plane.fault("UpdateLoginProfile", UserName="ann", Password="first!") == REUSED
    assert plane.fault("UpdateLoginProfile", UserName="ann", Password="second") == REUSED
    plane.call("ChangePassword", OldPassword="second", NewPassword="third!")
    plane.call("ChangePassword", OldPassword="third!", NewPassword="first!")


def test_no_more_passwords_are_remembered_than_can_be_asked_for(plane: Plane) -> None:
    with_password(plane)
    for number in range(26):
        plane.call("UpdateLoginProfile", UserName="ann", Password=f"Password-{number}")
    assert len(profile_of(plane).previous) == 23


def test_a_new_profile_remembers_nothing_and_has_another_salt(plane: Plane) -> None:
    with_password(plane)
    before = profile_of(plane).digest
    plane.call("DeleteLoginProfile", UserName="ann")
    plane.call("UpdateAccountPasswordPolicy", PasswordReusePrevention=24)
    with_password(plane)
    assert profile_of(plane).digest != before


def test_a_password_is_nowhere_in_what_is_stored(plane: Plane) -> None:
    with_password(plane)
    plane.become("ann")
    plane.call("ChangePassword", OldPassword=GOOD, NewPassword=BETTER)
    stored = encode(plane.events).decode()
    assert "argon2id" in stored
    assert GOOD not in stored
    assert BETTER not in stored


def test_a_profile_goes_along_with_a_rename(plane: Plane) -> None:
    with_password(plane)
    plane.call("UpdateUser", UserName="ann", NewUserName="Zoe")
    assert plane.call("GetLoginProfile", UserName="zoe")["LoginProfile"]["UserName"] == "Zoe"
    plane.user("ann")
    assert plane.fault("GetLoginProfile", UserName="ann")[2] == "Login Profile for User ann cannot be found."


def test_another_accounts_user_of_the_same_name_is_not_meant(plane: Plane) -> None:
    with_password(plane)
    plane.caller = Caller(Principal.root(OTHER))
    plane.user("Ann")
    assert plane.fault("GetLoginProfile", UserName="ann") == NO_PROFILE


def test_a_privileged_root_session_makes_and_takes_the_root_users_profile(plane: Plane) -> None:
    plane.caller = assumed_root()
    none = ("NoSuchEntity", 404, "Login Profile for User null cannot be found.")
    assert plane.fault("GetLoginProfile") == none
    shown = {"LoginProfile": {"CreateDate": NOW, "PasswordResetRequired": False}}
    assert plane.call("CreateLoginProfile") == shown
    taken = ("EntityAlreadyExists", 409, f"Login Profile for account {ACCOUNT} already exists.")
    assert plane.fault("CreateLoginProfile") == taken
    assert plane.call("GetLoginProfile") == shown
    assert plane.call("GetAccountSummary")["SummaryMap"]["AccountPasswordPresent"] == 1
    plane.call("DeleteLoginProfile")
    assert plane.fault("DeleteLoginProfile") == none
    assert plane.fault("CreateLoginProfile", Password=GOOD)[0] == "ValidationError"
    assert plane.fault("ChangePassword", OldPassword=GOOD, NewPassword=BETTER)[0] == "InvalidUserType"
