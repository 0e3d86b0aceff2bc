"""Encoded authorization messages: why a call was denied, for those only who may know.

STS API Reference, DecodeAuthorizationMessage: "The message is encoded because the details of the authorization status
can contain privileged information that the user who requested the operation should not see."

A message is the details as JSON, compressed, sealed under the key ring and written in the URL-safe alphabet. It is
sealed for the account whose caller was denied; any other account's, any other installation's and an altered one
do not open.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

from locum.core.clock import Entropy
from locum.core.errors import Fault
from locum.credentials import BrokenSeal, KeyRing
from locum.services.verbs import Context, Outcome, Params

LONGEST_MESSAGE: Final = 10_240
"""Characters. STS API Reference, EncodedMessage: "Maximum length of 10240"."""

_PURPOSE: Final = "authorization-message"
_LARGEST: Final = 1 << 20
"""Octets of a decoded message: far more than any that is made here."""


def encode_authorization_message(ring: KeyRing, account: str, details: Mapping[str, Any], entropy: Entropy) -> str:
    """`details` as a text that only `account` can have decoded. It may be longer than `LONGEST_MESSAGE`."""
    plain = zlib.compress(json.dumps(details, separators=(",", ":")).encode())
    return _text(ring.seal(_PURPOSE, plain, entropy, account.encode()))


def decode_authorization_message(ctx: Context, params: Params) -> Outcome:
    """sts:DecodeAuthorizationMessage. Raises InvalidAuthorizationMessageException."""
    return Outcome({"DecodedMessage": _opened(ctx, params["EncodedMessage"])})


def _opened(ctx: Context, message: str) -> str:
    try:
        sealed = base64.urlsafe_b64decode(message + "=" * (-len(message) % 4))
        plain = ctx.keyring.open(_PURPOSE, sealed, ctx.account.encode())
        decoded = zlib.decompressobj().decompress(plain, _LARGEST).decode()
    except (BrokenSeal, binascii.Error, ValueError, zlib.error):
        raise _invalid() from None
    # Base64 has several spellings of the same octets; a message has one.
    if _text(sealed) != message:
        raise _invalid()
    return decoded


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def _invalid() -> Fault:
    return Fault("InvalidAuthorizationMessageException", "Message is not valid", 400)
