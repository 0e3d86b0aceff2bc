"""What a stack keeps of its parameters and properties, sealed: any of it may be a secret (NoEcho)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from locum.core.clock import Entropy
from locum.credentials import KeyRing

HIDDEN: Final = "****"
"""What is shown of a secret."""

_PURPOSE: Final = "stack"
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


class Seals:
    """Seals and opens values of stacks, each for the account and the stack that has it."""

    def __init__(self, ring: KeyRing, entropy: Entropy) -> None:
        self._ring = ring
        self._entropy = entropy

    def seal(self, account: str, stack: str, value: Any) -> bytes:
        """Seal `value`, of JSON's types; nothing for nothing."""
        return self._ring.seal(_PURPOSE, _encode(value), self._entropy, _owner(account, stack)) if value else b""

    def open(self, account: str, stack: str, sealed: bytes) -> Any:
        """The value; an empty mapping for nothing. Raises BrokenSeal."""
        return opened(self._ring, account, stack, sealed)


def opened(ring: KeyRing, account: str, stack: str, sealed: bytes) -> Any:
    """The value that `Seals` has sealed; an empty mapping for nothing. Raises BrokenSeal."""
    return _decode(ring.open(_PURPOSE, sealed, _owner(account, stack))) if sealed else {}


def _owner(account: str, stack: str) -> bytes:
    return f"{account}/{stack}".encode()
