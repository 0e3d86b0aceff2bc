"""Look-ups of MFA devices, by serial number and by user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from locum.core.arn import Arn
from locum.state.indexes import MFA_OF_USER, scoped
from locum.state.signin import MfaDevice
from locum.state.state import State

_RESOURCE: Final = "mfa"


def device_of(state: State, account: str, serial: str) -> MfaDevice | None:
    """The virtual device of `account` with that serial number; None where the account has none."""
    arn = Arn.find(serial)
    if arn is None or not arn.resource.startswith(f"{_RESOURCE}/"):
        return None
    device = state.get(MfaDevice, account, arn.resource.removeprefix(_RESOURCE).lower())
    return device if device is not None and device.arn == serial else None


def devices_of(state: State, account: str, user: str) -> Iterator[MfaDevice]:
    """The devices that are enabled for a user (a user key), or for the root user where `user` is empty."""
    for device in state.find(MFA_OF_USER, scoped(account, user)):
        if isinstance(device, MfaDevice):
            yield device
