"""The second factor that AssumeRole and GetSessionToken may be shown: a code of one of the caller's MFA devices.

IAM User Guide, "Secure API access with MFA": "The user calls one of the AWS STS API operations that support the MFA
parameters: AssumeRole or GetSessionToken. As part of the call, the user includes the device identifier for the device
that's associated with the user. The user also includes the time-based one-time password (TOTP)".

A code is verified twice: before the decision, for which aws:MultiFactorAuthPresent may count, and by the verb, on the
state that it changes. There it is used up, so that of two calls with one code the second is refused, however close.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.principal import PrincipalKind
from locum.credentials.onetime import accepted_step, open_seed
from locum.services.sts.faults import access_denied
from locum.services.verbs import Context, Operation, Params, Verb
from locum.state import Event, MfaDevice, User, put
from locum.state.devices import device_of

_MEMBERS: Final = ("SerialNumber", "TokenCode")


def optional(verb: Verb) -> Operation:
    """`verb`, which only reads; save that a call which shows a code uses it up."""
    proving = Operation(verb, writes=True, proof=verify)
    return Operation(verb, writes=False, variant=lambda params: proving if _shown(params) else None)


def verify(ctx: Context, params: Params) -> None:
    """Raises Fault AccessDenied where the code that `params` show is not one of the caller's, or was used already."""
    _accepted(ctx, params)


def used(ctx: Context, params: Params) -> tuple[Event, ...]:
    """What becomes of the state as the code is used up; nothing where `params` show none. Raises like `verify`."""
    return (put(_accepted(ctx, params)),) if _shown(params) else ()


def _shown(params: Params) -> bool:
    return any(member in params for member in _MEMBERS)


def _accepted(ctx: Context, params: Params) -> MfaDevice:
    """The device, with the code accepted."""
    serial, code = map(params.get, _MEMBERS)
    if serial is None or code is None:
        raise access_denied(
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
        )
    device = device_of(ctx.state, ctx.account, serial)
    if device is None or not device.enabled or device.user != _user(ctx):
        raise _not_yours()
    seed = open_seed(ctx.keyring, device.arn, device.seed)
    step = accepted_step(seed, code, ctx.now, device.drift, device.step)
    if step is None:
        raise access_denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
    return replace(device, step=step)


def _user(ctx: Context) -> str:
    """Whose device it must be: the key of the calling user, empty for the root user. Raises Fault for all others."""
    principal = ctx.caller.principal
    if principal.kind is PrincipalKind.ROOT:
        return ""
    user = ctx.state.get(User, principal.account, principal.name.lower())
    if principal.kind is not PrincipalKind.USER or user is None or user.id != principal.unique_id:
        raise _not_yours()
    return user.key


def _not_yours() -> Fault:
    return access_denied(
        "MultiFactorAuthentication failed, unable to validate MFA code.  "
        "Please verify your MFA serial number is valid and associated with this user."
    )
