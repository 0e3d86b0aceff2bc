"""Virtual MFA devices of users and of the root user.

IAM User Guide, "AWS Multi-factor authentication in IAM": "Your AWS account root user and IAM users can register up to
eight MFA devices". A device is created unassigned; EnableMFADevice assigns it to a user, with two consecutive codes as
proof of possession. STS verifies its codes.

The root user is addressed by calling as root without a UserName or with the account id as UserName.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.core.principal import PrincipalKind
from locum.credentials.onetime import drift, new_seed, open_seed, synchronized_step
from locum.services.iam import limits, shapes, tags
from locum.services.iam.account import account_of
from locum.services.iam.faults import (
    already_exists,
    delete_conflict,
    invalid_authentication_code,
    invalid_input,
    no_such_entity,
    quota_exceeded,
)
from locum.services.iam.pagination import page
from locum.services.iam.sign_in import owners
from locum.services.iam.sign_in.mfa_seeds import key_uri, qr_code
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import MfaDevice, User, put, remove
from locum.state.devices import device_of, devices_of
from locum.state.indexes import MFA_OF_USER, scoped

_LONGEST_SERIAL: Final = 256
"""The limit in characters. IAM API Reference, SerialNumber: "Maximum length of 256"."""


def create_virtual_mfa_device(context: Context, params: Params) -> Outcome:
    """CreateVirtualMFADevice. Only this answer contains the seed."""
    new_tags = tags.given(params, MfaDevice)
    devices = context.state.table(MfaDevice, context.account)
    device = MfaDevice(
        account=context.account,
        name=params["VirtualMFADeviceName"],
        path=params.get("Path", "/"),
        seed=b"",
        created=int(context.now),
        tags=new_tags,
    )
    if device.key in devices:
        raise already_exists("MFA device already exists.")
    if len(device.arn) > _LONGEST_SERIAL:
        raise invalid_input(f"The serial number of the device would be longer than {_LONGEST_SERIAL} characters.")
    if len(devices) >= limits.MFA_DEVICES:
        raise quota_exceeded("MFADevicesPerAccount", limits.MFA_DEVICES)
    seed, sealed = new_seed(context.keyring, device.arn, context.entropy)
    account = account_of(context)
    shown = {
        "SerialNumber": device.arn,
        "Base32StringSeed": seed.encode(),
        "QRCodePNG": qr_code(key_uri(device.name, account.alias or account.account, seed)),
        **shapes.given_tags(new_tags),
    }
    return Outcome({"VirtualMFADevice": shown}, (put(replace(device, seed=sealed)),))


def delete_virtual_mfa_device(context: Context, params: Params) -> Outcome:
    """DeleteVirtualMFADevice."""
    device = _device(context, params)
    if device.enabled:
        raise delete_conflict("MFA VirtualDevice in use. Must deactivate first.")
    return Outcome({}, (remove(device),))


def list_virtual_mfa_devices(context: Context, params: Params) -> Outcome:
    """ListVirtualMFADevices: Assigned, Unassigned or Any."""
    wanted = _ASSIGNED[params.get("AssignmentStatus", "Any")]
    found = (d for d in context.state.table(MfaDevice, context.account).values() if bool(d.enabled) in wanted)
    chosen = page(params, found, lambda device: device.key)
    return chosen.outcome("VirtualMFADevices", lambda device: _virtual(context, device))


def enable_mfa_device(context: Context, params: Params) -> Outcome:
    """EnableMFADevice.

    "If you generate the codes and then wait too long to submit the request, the MFA device successfully associates
    with the user but the MFA device becomes out of sync": the codes may be old; they determine the drift of the clock.
    """
    owner, device = _owner(context, params), _device(context, params)
    if device.enabled:
        raise already_exists("MFA Device is already in use.")
    if context.state.count(MFA_OF_USER, scoped(context.account, owner.key)) >= limits.MFA_DEVICES_PER_USER:
        raise quota_exceeded("MFADevicesPerUser", limits.MFA_DEVICES_PER_USER)
    synchronized = _synchronized(context, params, device)
    return Outcome({}, (put(replace(synchronized, user=owner.key, enabled=int(context.now))),))


def resync_mfa_device(context: Context, params: Params) -> Outcome:
    """ResyncMFADevice."""
    return Outcome({}, (put(_synchronized(context, params, _device_of_user(context, params))),))


def deactivate_mfa_device(context: Context, params: Params) -> Outcome:
    """DeactivateMFADevice: the device remains, unassigned."""
    return Outcome({}, (put(replace(_device_of_user(context, params), user="", enabled=0)),))


def get_mfa_device(context: Context, params: Params) -> Outcome:
    """GetMFADevice, of the user in the request or else the caller."""
    device = _device_of_user(context, params)
    return Outcome(_enabled(_owner(context, params), device))


def list_mfa_devices(context: Context, params: Params) -> Outcome:
    """ListMFADevices."""
    owner = _owner(context, params)
    found = page(params, devices_of(context.state, context.account, owner.key), lambda device: device.key)
    return found.outcome("MFADevices", lambda device: _enabled(owner, device))


_ASSIGNED: Final = {"Assigned": (True,), "Unassigned": (False,), "Any": (True, False)}


def _owner(context: Context, params: Params) -> owners.Owner:
    """The owner in `params`; without UserName, the caller. Raises NoSuchEntity, ValidationError.

    The root user's UserName is the account id here.
    """
    named = params.get("UserName", context.account)
    if context.caller.principal.kind is PrincipalKind.ROOT and named == context.account:
        return owners.Owner("", context.account)
    return owners.user(context, params)


def _device(context: Context, params: Params) -> MfaDevice:
    """The account's device SerialNumber. Raises NoSuchEntity."""
    serial = params["SerialNumber"]
    device = device_of(context.state, context.account, serial)
    if device is None:
        raise no_such_entity(f"MFA Device with serial number {serial} does not exist.")
    return device


def _device_of_user(context: Context, params: Params) -> MfaDevice:
    """The device SerialNumber, enabled for the owner in `params`. Raises NoSuchEntity."""
    owner, device = _owner(context, params), _device(context, params)
    if not device.enabled or device.user != owner.key:
        raise no_such_entity("MFA Device invalid for user.")
    return device


def _synchronized(context: Context, params: Params, device: MfaDevice) -> MfaDevice:
    """`device` with the drift determined from its two codes. Raises InvalidAuthenticationCode."""
    seed = open_seed(context.keyring, device.arn, device.seed)
    first, second = params["AuthenticationCode1"], params["AuthenticationCode2"]
    step = synchronized_step(seed, first, second, context.wall, device.step)
    if step is None:
        raise invalid_authentication_code()
    return replace(device, step=step, drift=drift(step, context.wall))


def _enabled(owner: owners.Owner, device: MfaDevice) -> dict[str, Any]:
    return {"UserName": owner.name, "SerialNumber": device.arn, "EnableDate": device.enabled}


def _virtual(context: Context, device: MfaDevice) -> dict[str, Any]:
    """A device in ListVirtualMFADevices, which omits its seed and its tags."""
    if not device.enabled:
        return {"SerialNumber": device.arn}
    user = context.state.get(User, device.account, device.user) if device.user else None
    owner = shapes.root(account_of(context)) if user is None else shapes.user(user)
    return {"SerialNumber": device.arn, "User": owner, "EnableDate": device.enabled}


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateVirtualMFADevice": writes(create_virtual_mfa_device),
    "DeleteVirtualMFADevice": writes(delete_virtual_mfa_device),
    "ListVirtualMFADevices": reads(list_virtual_mfa_devices),
    "EnableMFADevice": writes(enable_mfa_device),
    "ResyncMFADevice": writes(resync_mfa_device),
    "DeactivateMFADevice": writes(deactivate_mfa_device),
    "GetMFADevice": reads(get_mfa_device),
    "ListMFADevices": reads(list_mfa_devices),
    **tags.operations("MFADevice", MfaDevice, _device),
}
