from __future__ import annotations

from typing import Any

import pytest

from locum.core.principal import Caller, Principal
from support.iam_plane import ACCOUNT, OTHER, Plane

DEFAULTS = {
    "MinimumPasswordLength": 6,
    "RequireSymbols": False,
    "RequireNumbers": False,
    "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False,
    "AllowUsersToChangePassword": False,
    "ExpirePasswords": False,
}
EVERYTHING = {
    "MinimumPasswordLength": 10,
    "RequireSymbols": True,
    "RequireNumbers": True,
    "RequireUppercaseCharacters": True,
    "RequireLowercaseCharacters": True,
    "AllowUsersToChangePassword": True,
    "MaxPasswordAge": 60,
    "PasswordReusePrevention": 3,
    "HardExpiry": True,
}
NONE = ("NoSuchEntity", 404, f"The Password Policy with domain name {ACCOUNT} cannot be found.")


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({}, DEFAULTS),
        (EVERYTHING, {**EVERYTHING, "ExpirePasswords": True}),
        ({"HardExpiry": False}, {**DEFAULTS, "HardExpiry": False}),
        ({"MaxPasswordAge": 1}, {**DEFAULTS, "MaxPasswordAge": 1, "ExpirePasswords": True}),
        ({"PasswordReusePrevention": 24}, {**DEFAULTS, "PasswordReusePrevention": 24}),
    ],
)
def test_a_policy_is_shown_as_it_was_set(plane: Plane, params: dict[str, Any], shown: dict[str, Any]) -> None:
    plane.call("UpdateAccountPasswordPolicy", **EVERYTHING)
    assert plane.call("UpdateAccountPasswordPolicy", **params) == {}
    assert plane.call("GetAccountPasswordPolicy") == {"PasswordPolicy": shown}


def test_an_account_begins_without_a_policy_and_can_go_back_to_that(plane: Plane) -> None:
    gone = ("NoSuchEntity", 404, "The account policy with name PasswordPolicy cannot be found.")
    assert plane.fault("GetAccountPasswordPolicy") == NONE
    assert plane.fault("DeleteAccountPasswordPolicy") == gone
    plane.call("UpdateAccountPasswordPolicy")
    plane.call("DeleteAccountPasswordPolicy")
    assert plane.fault("GetAccountPasswordPolicy") == NONE
    assert plane.fault("DeleteAccountPasswordPolicy") == gone


def test_a_policy_is_of_one_account(plane: Plane) -> None:
    plane.call("UpdateAccountPasswordPolicy")
    plane.caller = Caller(Principal.root(OTHER))
    assert plane.fault("GetAccountPasswordPolicy")[2].endswith(f"{OTHER} cannot be found.")


UPPER, LOWER, NUMBER, SYMBOL = (
    f"Password should have at least one {what}" for what in ("uppercase letter", "lowercase letter", "number", "symbol")
)
STRICT = {**EVERYTHING, "PasswordReusePrevention": 1}

JUDGED: list[tuple[dict[str, Any] | None, str, str]] = [
    # AWS's own policy: eight characters, of three kinds.
    (None, "Correct1", ""),
    (None, "correct-1", ""),
    (None, "Correct-", ""),
    (None, "CORRECT-1", ""),
    (None, "Corr-1", "Password should have a minimum length of 8"),
    (None, "correct1", f"Password should meet 1 more of the following requirements: {UPPER}, {SYMBOL}"),
    (None, "Password", f"Password should meet 1 more of the following requirements: {NUMBER}, {SYMBOL}"),
    (None, "password", f"Password should meet 2 more of the following requirements: {UPPER}, {NUMBER}, {SYMBOL}"),
    (
        None,
        "        ",
        f"Password should meet 3 more of the following requirements: {UPPER}, {LOWER}, {NUMBER}, {SYMBOL}",
    ),
    # An account's own.
    ({}, "secret", ""),
    ({}, "short", "Password should have a minimum length of 6"),
    ({"MinimumPasswordLength": 128}, "x" * 127, "Password should have a minimum length of 128"),
    ({"MinimumPasswordLength": 128}, "x" * 128, ""),
    (STRICT, "Correct-Horse-1", ""),
    (STRICT, "correct-horse-1", UPPER),
    (STRICT, "CORRECT-HORSE-1", LOWER),
    (STRICT, "Correct-Horse", NUMBER),
    (STRICT, "CorrectHorse1", SYMBOL),
    (STRICT, "Corr-1", "Password should have a minimum length of 10"),
    (STRICT, "ÀÉÎòûß-Horse", NUMBER),
    ({"RequireUppercaseCharacters": True}, "Éclairs", UPPER),
    ({"RequireLowercaseCharacters": True}, "ÉCLAIRé", LOWER),
    ({"RequireNumbers": True}, "eclair²", NUMBER),
    ({"RequireSymbols": True}, "eclair?", SYMBOL),
    ({"RequireSymbols": True}, "eclair'", ""),
    ({"RequireSymbols": True}, "eclair|", ""),
]


@pytest.mark.parametrize(("policy", "password", "told"), JUDGED)
def test_a_password_is_held_against_the_policy(
    plane: Plane, policy: dict[str, Any] | None, password: str, told: str
) -> None:
    plane.user("ann")
    if policy is not None:
        plane.call("UpdateAccountPasswordPolicy", **policy)
    if told:
        refusal = plane.fault("CreateLoginProfile", UserName="ann", Password=password)
        assert refusal == ("PasswordPolicyViolation", 400, told)
    else:
        plane.call("CreateLoginProfile", UserName="ann", Password=password)


def test_a_stricter_policy_is_for_the_passwords_to_come(plane: Plane) -> None:
    plane.user("ann")
    plane.call("CreateLoginProfile", UserName="ann", Password="Correct1")
    plane.call("UpdateAccountPasswordPolicy", MinimumPasswordLength=20)
    plane.become("ann")
    longer = "Password should have a minimum length of 20"
    assert plane.fault("ChangePassword", OldPassword="Correct1", NewPassword="Correct2")[2] == longer
    plane.call("ChangePassword", OldPassword="Correct1", NewPassword="x" * 20)
