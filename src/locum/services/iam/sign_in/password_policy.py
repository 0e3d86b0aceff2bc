"""The account's password policy, and checks of passwords against it.

IAM User Guide, "Set an account password policy for IAM users". An account without a policy has AWS's default: "Minimum
password length of 8 characters", "Minimum of three of the following mix of character types: uppercase, lowercase,
numbers, and non-alphanumeric character". Of several broken rules, the first is reported.
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
    """A required kind of character: the policy's field, its name in texts, and its test."""

    field: str
    noun: str
    test: Callable[[str], bool]

    @property
    def broken(self) -> str:
        """AWS's text for a password that breaks the rule."""
        return f"Password should have at least one {self.noun}"

    def met(self, password: str) -> bool:
        """Whether `password` has a character of that kind."""
        return any(map(self.test, password))


# "(A to Z)", "(a to z)", "(0 to 9)": the ISO basic Latin alphabet only.
_RULES: Final = (
    _Rule("uppercase", "uppercase letter", lambda char: "A" <= char <= "Z"),
    _Rule("lowercase", "lowercase letter", lambda char: "a" <= char <= "z"),
    _Rule("numbers", "number", lambda char: "0" <= char <= "9"),
    _Rule("symbols", "symbol", _SYMBOLS.__contains__),
)


def policy_of(context: Context) -> PasswordPolicy | None:
    """The policy of the caller's account; None where it has AWS's default."""
    return context.state.get(PasswordPolicy, context.account, context.account)


def check_password(policy: PasswordPolicy | None, password: str) -> None:
    """Raise PasswordPolicyViolation where `password` does not conform to `policy` (None: AWS's default)."""
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
    """GetAccountPasswordPolicy. NoSuchEntity where the account has AWS's default."""
    policy = policy_of(context)
    if policy is None:
        raise no_such_entity(f"The Password Policy with domain name {context.account} cannot be found.")
    return Outcome({"PasswordPolicy": _shown(policy)})


def update_account_password_policy(context: Context, params: Params) -> Outcome:
    """UpdateAccountPasswordPolicy: "if you do not specify a parameter, that parameter's value reverts to its default".

    It applies to passwords that are set from now on; its ages apply to existing passwords too.
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
    """DeleteAccountPasswordPolicy: AWS's default applies again."""
    policy = policy_of(context)
    if policy is None:
        raise no_such_entity("The account policy with name PasswordPolicy cannot be found.")
    return Outcome({}, (remove(policy),))


def _shown(policy: PasswordPolicy) -> dict[str, Any]:
    """The PasswordPolicy structure, with ages and HardExpiry only where they are set."""
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
