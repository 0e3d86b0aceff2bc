"""The second factor of AssumeRole and GetSessionToken: a code of one of the caller's MFA devices.

IAM User Guide, "Secure API access with MFA": "The user calls one of the AWS STS API operations that support the MFA
parameters: AssumeRole or GetSessionToken. As part of the call, the user includes the device identifier for the device
that's associated with the user. The user also includes the time-based one-time password (TOTP)".

A code is verified twice: before the authorization, which may depend on aws:MultiFactorAuthPresent, and by the verb, on
the state that it changes. There it is marked as used, so that of two concurrent calls with one code one is refused.
"""

from __future__ import annotations

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.principal import PrincipalKind
from locum.credentials.onetime import SPAN, TRIES, accepted_step, open_seed
from locum.services.sts.faults import access_denied
from locum.services.verbs import Context, Operation, Params, Verb
from locum.state import Event, MfaDevice, User, put
from locum.state.devices import device_of


def optional(verb: Verb) -> Operation:
    """Register a verb without events, except that a call with a code marks it as used."""
    with_code = Operation(verb, writes=True, proof=verify, miscounted=miscounted)
    return Operation(verb, writes=False, variant=lambda params: with_code if _has_code(params) else None)


def verify(ctx: Context, params: Params) -> None:
    """Raise Fault AccessDenied where the code in `params` is not of a device of the caller, or was used already."""
    _device_after_use(ctx, params)


def consume(ctx: Context, params: Params) -> tuple[Event, ...]:
    """The event that marks the code in `params` as used; none where there is no code. Raises like `verify`."""
    return (put(_device_after_use(ctx, params)),) if _has_code(params) else ()


def miscounted(ctx: Context, params: Params) -> tuple[Event, ...]:
    """The event that counts a wrong code against its device, so that no other node is tried; none where it has none."""
    try:
        device = _own_device(ctx, params)
    except Fault:
        return ()
    if _is_exhausted(device, ctx.wall):
        return ()
    since, wrong = (device.wrong_since, device.wrong) if ctx.wall - device.wrong_since < SPAN else (ctx.wall, 0)
    return (put(replace(device, wrong=wrong + 1, wrong_since=since)),)


def _has_code(params: Params) -> bool:
    return "SerialNumber" in params or "TokenCode" in params


def _device_after_use(ctx: Context, params: Params) -> MfaDevice:
    """The device, with the code in `params` accepted and marked as used."""
    device = _own_device(ctx, params)
    if _is_exhausted(device, ctx.wall):
        raise Fault("Throttling", "Rate exceeded", 400)
    seed = open_seed(ctx.keyring, device.arn, device.seed)
    step = accepted_step(seed, params["TokenCode"], ctx.wall, device.drift, device.step)
    if step is None:
        raise access_denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
    return replace(device, step=step)


def _own_device(ctx: Context, params: Params) -> MfaDevice:
    """The caller's device that `params` name, with a code. Raises Fault AccessDenied."""
    serial = params.get("SerialNumber")
    if serial is None or params.get("TokenCode") is None:
        raise access_denied(
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
        )
    device = device_of(ctx.state, ctx.account, serial)
    if device is None or not device.enabled or device.user != _user(ctx):
        raise _not_yours()
    return device


def _is_exhausted(device: MfaDevice, wall: float) -> bool:
    """Whether too many wrong codes of the device were shown for one more, even a right one."""
    return device.wrong >= TRIES and wall - device.wrong_since < SPAN


def _user(ctx: Context) -> str:
    """The key of the calling user, empty for the root user. Raises Fault for all other callers."""
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
