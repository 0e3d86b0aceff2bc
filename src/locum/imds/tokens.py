"""IMDSv2 session tokens, which are bound to one instance and an expiry and are verified without storage.

    token = base64(expiry || nonce || HMAC-SHA256(key of the instance, expiry || nonce), 28 octets of it)

40 octets, 56 characters, as on EC2. A token is valid across restarts, and only on its instance.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache
from typing import Final

from locum.core.clock import Entropy
from locum.credentials import KeyRing

MIN_TTL: Final = 1
MAX_TTL: Final = 21600
"""The longest time to live in seconds. EC2 User Guide, "Use IMDSv2": up to six hours."""

_EXPIRY: Final = 6
_NONCE: Final = 6
_MAC: Final = 28


class TokenMint:
    """Makes and verifies the tokens of all instances, with the installation's key ring."""

    def __init__(self, keyring: KeyRing) -> None:
        self._keyring = keyring
        self._key = lru_cache(maxsize=1024)(self._derive)

    def mint(self, instance: str, ttl: int, now: float, entropy: Entropy) -> str:
        """Make a token for the instance id `instance` with a lifetime of `ttl` seconds (1 to 21600)."""
        head = (int(now) + ttl).to_bytes(_EXPIRY, "big") + entropy(_NONCE)
        return base64.b64encode(head + self._mac(instance, head)).decode()

    def valid(self, instance: str, token: str, now: float) -> bool:
        """Whether `token` was made for `instance` and has not expired."""
        try:
            raw = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            return False
        # The encoding is unique: the padding bits of the last character are zero.
        if len(raw) != _EXPIRY + _NONCE + _MAC or base64.b64encode(raw).decode() != token:
            return False
        head, mac = raw[: _EXPIRY + _NONCE], raw[_EXPIRY + _NONCE :]
        return hmac.compare_digest(mac, self._mac(instance, head)) and now < int.from_bytes(head[:_EXPIRY], "big")

    def _mac(self, instance: str, head: bytes) -> bytes:
        return hmac.digest(self._key(instance), head, hashlib.sha256)[:_MAC]

    def _derive(self, instance: str) -> bytes:
        return self._keyring.derive("imds-token", instance.encode())
