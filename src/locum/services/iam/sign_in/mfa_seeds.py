"""The seed of a virtual MFA device as a key URI and as a QR code.

IAM API Reference, VirtualMFADevice: "QRCodePNG: A QR code PNG image that encodes
otpauth://totp/$virtualMFADeviceName@$AccountName?secret=$Base32String". AWS adds the issuer before the name and
after the secret, as in the Key URI Format
(https://github.com/google/google-authenticator/wiki/Key-Uri-Format).
"""

from __future__ import annotations

import io
from typing import Final
from urllib.parse import quote

_ISSUER: Final = quote("Amazon Web Services")
_PIXELS: Final = 4
"""The width of a module of the QR code in pixels."""


def key_uri(device: str, account: str, seed: str) -> str:
    """The key URI in the QR code. `account` is the alias of the account, or its id; `seed` is in base32."""
    return f"otpauth://totp/{_ISSUER}:{quote(device)}@{quote(account)}?secret={seed}&issuer={_ISSUER}"


def qr_code(uri: str) -> bytes:
    """A QR code of `uri` as a PNG image."""
    import segno  # noqa: PLC0415 - takes a third of a second, and few installations need it

    image = io.BytesIO()
    segno.make(uri, micro=False).save(image, kind="png", scale=_PIXELS)
    return image.getvalue()
