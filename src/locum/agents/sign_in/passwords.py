"""Whether a password and a code are those of a user.

A wrong name takes as long as a wrong password, and gets the same answer. A code is accepted once: it is looked at
again in the transaction that marks it as used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from locum.calls import Runtime
from locum.core.clock import DAY, Instant
from locum.core.principal import Principal
from locum.core.sign_in import CodeWanted, Password, SignInRefused
from locum.credentials.onetime import accepted_step, open_seed
from locum.credentials.passwords import matches_any
from locum.state import Account, Event, LoginProfile, MfaDevice, PasswordPolicy, State, User, put
from locum.state.devices import devices_of
from locum.state.indexes import ACCOUNT_ALIAS

WRONG: Final = "Your authentication information is incorrect. Please try again."
"""AWS's text, whatever is wrong."""
EXPIRED: Final = "Your password has expired. Contact your administrator to reset it."

_ID: Final = re.compile(r"[0-9]{4}-?[0-9]{4}-?[0-9]{4}")
_STAND_IN: Final = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43
"""A digest that no password has, compared with where there is none."""


class Entrant(NamedTuple):
    """Who wants to sign in. `profile` is None where nobody of that name can."""

    account: str
    principal: Principal | None
    profile: LoginProfile | None


def entrant(state: State, shown: Password) -> Entrant | None:
    """Who `shown` names; None where there is no such account."""
    account = _account(state, shown.account.strip())
    if account is None:
        return None
    if not shown.user:
        return Entrant(account, Principal.root(account), state.get(LoginProfile, account, ""))
    user = state.get(User, account, shown.user.lower())
    if user is None:
        return Entrant(account, None, None)
    principal = Principal.user(account, user.arn, user.id, user.name)
    return Entrant(account, principal, state.get(LoginProfile, account, user.key))


def _account(state: State, text: str) -> str | None:
    if _ID.fullmatch(text):
        text = text.replace("-", "")
        return text if state.get(Account, text, text) is not None else None
    found = state.first(Account, ACCOUNT_ALIAS, text)
    return None if found is None else found.account


def is_right(password: str, profile: LoginProfile | None) -> bool:
    """Whether the password is that of `profile`. It takes tens of milliseconds, also where there is none."""
    digest = "" if profile is None else profile.digest
    return matches_any(password, (digest or _STAND_IN,)) and bool(digest)


def devices(state: State, who: Entrant) -> Sequence[MfaDevice]:
    """The MFA devices that are enabled for somebody."""
    assert who.profile is not None
    return [*devices_of(state, who.account, who.profile.user)]


def after_use(runtime: Runtime, state: State, who: Entrant, code: str) -> MfaDevice | None:
    """The device of which `code` is, with it marked as used; None where there is none to show a code of.

    Raises CodeWanted where a code is wanted, SignInRefused where it is of none.
    """
    own = devices(state, who)
    if not own:
        return None
    if not code:
        raise CodeWanted("Enter an MFA code to complete sign-in.")
    wall = runtime.clock.wall()
    for device in own:
        seed = open_seed(runtime.keyring, device.arn, device.seed)
        step = accepted_step(seed, code, wall, device.drift, device.step)
        if step is not None:
            return replace(device, step=step)
    raise SignInRefused(WRONG)


def must_change(state: State, profile: LoginProfile, instant: Instant) -> bool:
    """Whether the password has to be changed first. Raises SignInRefused where it has expired for good."""
    policy = state.get(PasswordPolicy, profile.account, profile.account) if profile.user else None
    expired = policy is not None and bool(policy.max_age) and profile.changed + policy.max_age * DAY <= instant.now
    if expired and policy is not None and policy.hard_expiry:
        raise SignInRefused(EXPIRED)
    return profile.reset_required or expired


def used(profile: LoginProfile, device: MfaDevice | None, instant: Instant) -> tuple[Event, ...]:
    """The events of a sign-in: when the password was used, and the code."""
    events: tuple[Event, ...] = (put(replace(profile, used=int(instant.now))),)
    return events if device is None else (*events, put(device))
