"""The key ring: authenticated encryption ("seal" and "open") and key derivation.

1. A ring belongs to one installation and has one or more keys of 256 bits, oldest to newest. The newest seals, any
   opens; a sealed message contains the id of its key.
2. A key is never used directly. A key is derived from it for each purpose, and from that one for each message:
   HKDF-Expand (RFC 5869, section 2.3; the extract step is for keys that are not uniformly random, and these
   are), with the purpose, then the message's salt, as `info`.
3. A message is sealed with AES-256-GCM (NIST SP 800-38D). As the 128-bit salt changes the key, two
      messages share a key and a nonce only where all of 224 random bits agree: there is no number of messages
      after which a ring must be rotated.
   4. Installation, key, purpose and the caller's additional data are authenticated with every message: a message of
      another installation, purpose or owner does not open.

   Layout of a sealed message: version (1 byte), key id (4), salt (16), nonce (12), ciphertext, tag (16).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from locum.core.clock import Entropy
from locum.core.errors import ConfigurationError, LocumError
from locum.core.mac import HmacKey

KEY_BYTES: Final = 32
FORMAT: Final = 1

_VERSION: Final = b"\x01"
_ID_BYTES: Final = 4
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_KEY_AT: Final = len(_VERSION)
_SALT_AT: Final = _KEY_AT + _ID_BYTES
_NONCE_AT: Final = _SALT_AT + _SALT_BYTES
_TEXT_AT: Final = _NONCE_AT + _NONCE_BYTES

OVERHEAD: Final = _TEXT_AT + _TAG_BYTES
"""The difference in length between a sealed message and its plaintext, in bytes."""


class BrokenSeal(LocumError):
    """A sealed message does not open: it was altered, or is of another installation, purpose, owner or key."""


class Key(NamedTuple):
    """One key of a ring. `id` is public: every message that the key seals contains it."""

    id: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"Key(id={self.id.hex()!r})"


def _expand(key: HmacKey, info: bytes) -> bytes:
    """HKDF-Expand with SHA-256 and a length of one block: T(1) = HMAC(PRK, info | 0x01)."""
    return key.digest(info + b"\x01")


class KeyRing:
    """The secret keys of one installation. Immutable: `rotated` returns a new ring.

    Compared and hashed by identity, so that opened messages can be cached by ring.
    """

    __slots__ = ("__weakref__", "_derived", "_keys", "installation", "keys")

    def __init__(self, installation: str, keys: Iterable[Key]) -> None:
        """Make a ring of `keys`, oldest to newest. Raises ConfigurationError where ids or lengths are invalid."""
        self.installation = installation
        self.keys = tuple(keys)
        self._keys = {key.id: key.secret for key in self.keys}
        self._derived: dict[tuple[bytes, str], HmacKey] = {}
        if not installation or not self.keys:
            raise ConfigurationError("a key ring needs the id of its installation and at least one key")
        if len(self._keys) != len(self.keys):
            raise ConfigurationError("two keys of the key ring have the same id")
        if any(len(key.id) != _ID_BYTES or len(key.secret) != KEY_BYTES for key in self.keys):
            raise ConfigurationError(f"a key of the key ring has not {_ID_BYTES} bytes of id and {KEY_BYTES} of key")

    @classmethod
    def generate(cls, entropy: Entropy) -> Self:
        """Generate the ring of a new installation, with one key."""
        return cls(entropy(16).hex(), (Key(entropy(_ID_BYTES), entropy(KEY_BYTES)),))

    def rotated(self, entropy: Entropy, keep: int | None = None) -> Self:
        """Rotate: a ring with one new key, and of the present keys only the newest `keep` (all where None).

        Messages of a dropped key no longer open: long-term secrets must have been sealed anew before.
        """
        id_ = entropy(_ID_BYTES)
        while id_ in self._keys:
            id_ = entropy(_ID_BYTES)
        older = self.keys if keep is None else self.keys[len(self.keys) - min(keep, len(self.keys)) :]
        return type(self)(self.installation, (*older, Key(id_, entropy(KEY_BYTES))))

    def seal(self, purpose: str, plain: bytes | memoryview, entropy: Entropy, aad: bytes = b"") -> bytes:
        """Encrypt and authenticate `plain` for `purpose`. `aad` is authenticated, but not part of the result."""
        key_id = self.keys[-1].id
        salt, nonce = entropy(_SALT_BYTES), entropy(_NONCE_BYTES)
        head = _VERSION + key_id + salt
        text = self._cipher(key_id, purpose, salt).encrypt(nonce, plain, self._additional_data(head, purpose, aad))
        return b"".join((head, nonce, text))

    def open(self, purpose: str, sealed: bytes, aad: bytes = b"") -> bytes:
        """Decrypt the result of `seal`. Raises BrokenSeal where the message, `purpose` or `aad` differs."""
        key_id = sealed[_KEY_AT:_SALT_AT]
        if len(sealed) < OVERHEAD or sealed[:_KEY_AT] != _VERSION or key_id not in self._keys:
            raise BrokenSeal("the sealed bytes are of another installation, of a retired key, or cut short")
        head = sealed[:_NONCE_AT]
        cipher = self._cipher(key_id, purpose, head[_SALT_AT:])
        try:
            return cipher.decrypt(
                sealed[_NONCE_AT:_TEXT_AT], sealed[_TEXT_AT:], self._additional_data(head, purpose, aad)
            )
        except InvalidTag:
            raise BrokenSeal("the sealed bytes were altered, or sealed for something else") from None

    def derive(self, purpose: str, data: bytes, sealed: bytes | None = None) -> bytes:
        """Derive 32 secret bytes from `purpose` and `data`.

        They are derived from the newest key, or from the key of the message `sealed`, and are then valid as long as it
        is. Raises BrokenSeal where the ring has no such key.
        """
        key_id = self.keys[-1].id if sealed is None else sealed[_KEY_AT:_SALT_AT]
        if key_id not in self._keys:
            raise BrokenSeal("the key ring has no such key")
        return self._purpose_key(key_id, f"derive:{purpose}").digest(data)

    def dump(self) -> bytes:
        """The ring as JSON text, secrets included."""
        keys = [{"id": key.id.hex(), "key": base64.b64encode(key.secret).decode()} for key in self.keys]
        return json.dumps({"format": FORMAT, "installation": self.installation, "keys": keys}, indent=1).encode()

    @classmethod
    def load(cls, text: bytes) -> Self:
        """Parse the output of `dump`. Raises ConfigurationError, which never quotes the text."""
        try:
            return cls._from_fields(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            raise ConfigurationError(
                'the key ring cannot be read: it is JSON text of the form {"format": 1, "installation": "...", '
                '"keys": [{"id": "8 hexadecimal digits", "key": "32 bytes in base64"}]}'
            ) from None

    @classmethod
    def _from_fields(cls, fields: dict[str, Any]) -> Self:
        if fields["format"] != FORMAT:
            raise ConfigurationError(f"the key ring has format {fields['format']!r}; this version reads {FORMAT}")
        keys = [Key(bytes.fromhex(k["id"]), base64.b64decode(k["key"], validate=True)) for k in fields["keys"]]
        return cls(str(fields["installation"]), keys)

    def _purpose_key(self, key_id: bytes, purpose: str) -> HmacKey:
        """The derived key of `purpose`. Cached: purposes are constants of the code, so that the cache stays small."""
        derived = self._derived.get((key_id, purpose))
        if derived is None:
            derived = HmacKey(_expand(HmacKey(self._keys[key_id]), b"locum/" + purpose.encode()))
            self._derived[key_id, purpose] = derived
        return derived

    def _cipher(self, key_id: bytes, purpose: str, salt: bytes) -> AESGCM:
        return AESGCM(_expand(self._purpose_key(key_id, f"seal:{purpose}"), salt))

    def _additional_data(self, head: bytes, purpose: str, aad: bytes) -> bytes:
        """The additional authenticated data. The lengths make the concatenation unambiguous."""
        name = f"{self.installation}/{purpose}".encode()
        return b"".join((head, len(name).to_bytes(4, "big"), name, aad))

    def __repr__(self) -> str:
        return f"KeyRing(installation={self.installation!r}, keys={len(self.keys)})"
