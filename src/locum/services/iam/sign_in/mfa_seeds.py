"""How the seed of a virtual MFA device gets into the device: as text, and as a QR code.

IAM API Reference, VirtualMFADevice: "QRCodePNG: A QR code PNG image that encodes
otpauth://totp/$virtualMFADeviceName@$AccountName?secret=$Base32String". AWS puts the issuer before the name and
after the secret, as the Key URI Format has it
(https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
"""

from __future__ import annotations

import io
from typing import Final
from urllib.parse import quote

_ISSUER: Final = quote("Amazon Web Services")
_PIXELS: Final = 4
"""For one module of the code."""


def key_uri(device: str, account: str, seed: str) -> str:
    """What the QR code says. `account` is the alias of the account, or its number; `seed` is in base32."""
    return f"otpauth://totp/{_ISSUER}:{quote(device)}@{quote(account)}?secret={seed}&issuer={_ISSUER}"


def qr_code(uri: str) -> bytes:
    """A PNG image of the QR code that says `uri`."""
    import segno  # noqa: PLC0415 - a third of a second, for what most installations never do

    image = io.BytesIO()
    segno.make(uri, micro=False).save(image, kind="png", scale=_PIXELS)
    return image.getvalue()
