"""Security credentials of the one who is signed in: access keys and MFA devices."""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import CallFailed, attempt
from locum.console.pages.forms import change
from locum.console.pages.users import access_keys
from locum.console.person import Person, View, url

_PAGE: Final = url("security")


async def show(person: Person) -> Response:
    """The own keys and devices."""
    keys, devices = await asyncio.gather(
        attempt(access_keys(person.aws)), attempt(person.aws.listed("iam", "list_mfa_devices", "MFADevices"))
    )
    return person.page("security.html", keys=keys, devices=devices)


async def create_key(person: Person) -> Response:
    """Make an access key; this page alone has its secret."""
    try:
        key = (await person.aws.change("iam", "create_access_key"))["AccessKey"]
    except CallFailed as failed:
        return person.failed(failed, _PAGE)
    return person.page("access_key.html", key=key, back=_PAGE, commands=person.aws.commands)


async def create_device(person: Person) -> Response:
    """Make an MFA device, and show its seed as a picture for an application on a telephone."""
    try:
        made = await person.aws.change("iam", "create_virtual_mfa_device", VirtualMFADeviceName=person.field("name"))
    except CallFailed as failed:
        return person.failed(failed, _PAGE)
    return _device_page(person, made["VirtualMFADevice"], None)


def _device_page(person: Person, device: dict[str, Any], failed: CallFailed | None) -> Response:
    seed, picture = device["Base32StringSeed"], device["QRCodePNG"]
    shown = {"serial": device["SerialNumber"], "seed": seed.decode(), "picture": base64.b64encode(picture).decode()}
    return person.page("mfa_device.html", 400 if failed else 200, device=shown, failed=failed)


async def enable_device(person: Person) -> Response:
    """Have a device be the own one, with two consecutive codes of it."""
    codes = {f"AuthenticationCode{number}": person.field(f"code{number}") for number in (1, 2)}
    serial = person.field("serial")
    whose = {"UserName": person.session.signed.name} if person.session.signed.kind == "user" else {}
    try:
        name = whose or {"UserName": person.session.signed.account}
        await person.aws.change("iam", "enable_mfa_device", SerialNumber=serial, **name, **codes)
    except CallFailed as failed:
        return person.page("mfa_codes.html", 400, serial=serial, failed=failed)
    return person.done("From now on a code of the device is wanted when you sign in.", _PAGE)


def _page(_person: Person) -> str:
    return _PAGE


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", _PAGE, show),
    ("POST", f"{_PAGE}/keys", create_key),
    ("POST", f"{_PAGE}/keys/update",
     change("iam", "update_access_key", "The key is changed.", _page, AccessKeyId="key", Status="status")),
    ("POST", f"{_PAGE}/keys/delete",
     change("iam", "delete_access_key", "The key is deleted.", _page, AccessKeyId="key")),
    ("POST", f"{_PAGE}/devices", create_device),
    ("POST", f"{_PAGE}/devices/enable", enable_device),
    ("POST", f"{_PAGE}/devices/deactivate",
     change("iam", "deactivate_mfa_device", "The device is not yours any more.", _page, SerialNumber="serial")),
)  # fmt: skip
