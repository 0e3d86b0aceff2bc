"""Encoded authorization messages, with the details of a denial for authorized callers.

STS API Reference, DecodeAuthorizationMessage: "The message is encoded because the details of the authorization status
can contain privileged information that the user who requested the operation should not see."

A message is the details as JSON, compressed, sealed under the key ring and encoded in URL-safe Base64. It is sealed for
the account of the denied caller. Messages for other accounts, of other installations and changed ones are refused.
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
"""The limit in characters. STS API Reference, EncodedMessage: "Maximum length of 10240"."""

_PURPOSE: Final = "authorization-message"
_MAX_DECODED: Final = 1 << 20
"""The limit in octets for a decoded message, far above any that is made here."""


def encode_authorization_message(ring: KeyRing, account: str, details: Mapping[str, Any], entropy: Entropy) -> str:
    """Encode `details` so that only callers of `account` can decode them. May be longer than `LONGEST_MESSAGE`."""
    plain = zlib.compress(json.dumps(details, separators=(",", ":")).encode())
    return _text(ring.seal(_PURPOSE, plain, entropy, account.encode()))


def decode_authorization_message(ctx: Context, params: Params) -> Outcome:
    """sts:DecodeAuthorizationMessage. Raises InvalidAuthorizationMessageException."""
    return Outcome({"DecodedMessage": _decoded(ctx, params["EncodedMessage"])})


def _decoded(ctx: Context, message: str) -> str:
    try:
        sealed = base64.urlsafe_b64decode(message + "=" * (-len(message) % 4))
        plain = ctx.keyring.open(_PURPOSE, sealed, ctx.account.encode())
        decoded = zlib.decompressobj().decompress(plain, _MAX_DECODED).decode()
    except (BrokenSeal, binascii.Error, ValueError, zlib.error):
        raise _invalid() from None
    # Only the canonical Base64 form is accepted.
    if _text(sealed) != message:
        raise _invalid()
    return decoded


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def _invalid() -> Fault:
    return Fault("InvalidAuthorizationMessageException", "Message is not valid", 400)
