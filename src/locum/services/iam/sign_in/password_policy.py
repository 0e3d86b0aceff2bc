"""The account's password policy: what it says, and what it asks of a password.

IAM User Guide, "Set an account password policy for IAM users". Without one of its own, an account has AWS's: "Minimum
password length of 8 characters", "Minimum of three of the following mix of character types: uppercase, lowercase,
numbers, and non-alphanumeric character". A password that breaks several rules is told the first of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from locum.services.iam.faults import no_such_entity, password_policy_violation
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import PasswordPolicy, put, remove

_DEFAULT_LENGTH: Final = 8
_DEFAULT_KINDS: Final = 3

_SYMBOLS: Final = frozenset("!@#$%^&*()_+-=[]{}|'")
"""IAM API Reference, RequireSymbols: "at least one of the following symbols"."""


class _Rule(NamedTuple):
    """One kind of character: the field of the policy that asks for it, what it is called, what it is."""

    field: str
    noun: str
    test: Callable[[str], bool]

    @property
    def broken(self) -> str:
        """AWS's text."""
        return f"Password should have at least one {self.noun}"

    def met(self, password: str) -> bool:
        """Whether `password` has such a character."""
        return any(map(self.test, password))


# "(A to Z)", "(a to z)", "(0 to 9)": of the ISO basic Latin alphabet, not of any other.
_RULES: Final = (
    _Rule("uppercase", "uppercase letter", lambda char: "A" <= char <= "Z"),
    _Rule("lowercase", "lowercase letter", lambda char: "a" <= char <= "z"),
    _Rule("numbers", "number", lambda char: "0" <= char <= "9"),
    _Rule("symbols", "symbol", _SYMBOLS.__contains__),
)


def policy_of(context: Context) -> PasswordPolicy | None:
    """The caller's account's own policy; None where it has AWS's."""
    return context.state.get(PasswordPolicy, context.account, context.account)


def check_password(policy: PasswordPolicy | None, password: str) -> None:
    """Raises PasswordPolicyViolation where `password` is not what `policy` (None: AWS's) asks for."""
    missing = [rule for rule in _RULES if not rule.met(password)]
    if policy is None:
        short_of = _DEFAULT_KINDS - (len(_RULES) - len(missing))
        if short_of > 0:
            raise password_policy_violation(
                f"Password should meet {short_of} more of the following requirements: "
                + ", ".join(rule.broken for rule in missing)
            )
    else:
        for rule in missing:
            if getattr(policy, rule.field):
                raise password_policy_violation(rule.broken)
    length = _DEFAULT_LENGTH if policy is None else policy.minimum_length
    if len(password) < length:
        raise password_policy_violation(f"Password should have a minimum length of {length}")


def get_account_password_policy(context: Context, _params: Params) -> Outcome:
    """GetAccountPasswordPolicy. AWS's own policy is not shown: it is none of the account's."""
    policy = policy_of(context)
    if policy is None:
        raise no_such_entity(f"The Password Policy with domain name {context.account} cannot be found.")
    return Outcome({"PasswordPolicy": _shown(policy)})


def update_account_password_policy(context: Context, params: Params) -> Outcome:
    """UpdateAccountPasswordPolicy: "if you do not specify a parameter, that parameter's value reverts to its default".

    It is for the passwords that are set from now on; the ages it sets are of those that are there, too.
    """
    policy = PasswordPolicy(
        account=context.account,
        minimum_length=params.get("MinimumPasswordLength", 6),
        symbols=params.get("RequireSymbols", False),
        numbers=params.get("RequireNumbers", False),
        uppercase=params.get("RequireUppercaseCharacters", False),
        lowercase=params.get("RequireLowercaseCharacters", False),
        users_may_change=params.get("AllowUsersToChangePassword", False),
        max_age=params.get("MaxPasswordAge", 0),
        reuse_prevention=params.get("PasswordReusePrevention", 0),
        hard_expiry=params.get("HardExpiry"),
    )
    return Outcome({}, (put(policy),))


def delete_account_password_policy(context: Context, _params: Params) -> Outcome:
    """DeleteAccountPasswordPolicy: AWS's own is in force again."""
    policy = policy_of(context)
    if policy is None:
        raise no_such_entity("The account policy with name PasswordPolicy cannot be found.")
    return Outcome({}, (remove(policy),))


def _shown(policy: PasswordPolicy) -> dict[str, Any]:
    """The ages and HardExpiry are there only where they were set."""
    optional = {
        "MaxPasswordAge": policy.max_age or None,
        "PasswordReusePrevention": policy.reuse_prevention or None,
        "HardExpiry": policy.hard_expiry,
    }
    return {
        "MinimumPasswordLength": policy.minimum_length,
        "RequireSymbols": policy.symbols,
        "RequireNumbers": policy.numbers,
        "RequireUppercaseCharacters": policy.uppercase,
        "RequireLowercaseCharacters": policy.lowercase,
        "AllowUsersToChangePassword": policy.users_may_change,
        "ExpirePasswords": policy.max_age > 0,
        **{member: value for member, value in optional.items() if value is not None},
    }


OPERATIONS: Final[dict[str, Operation]] = {
    "GetAccountPasswordPolicy": reads(get_account_password_policy),
    "UpdateAccountPasswordPolicy": writes(update_account_password_policy),
    "DeleteAccountPasswordPolicy": writes(delete_account_password_policy),
}
