"""Temporary credentials: the session is sealed into its session token.

The token is the session, encrypted and authenticated for its access key id: nothing is stored, and any node
that holds the key ring opens it. The secret access key is a MAC of the token under a key of the ring. A token
is sent with every request and is not a secret; without the ring it reveals nothing about the secret key.

STS documentation, "AssumeRole": "The size of the security token that AWS STS API operations return is not fixed".
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import zlib
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from locum.core.clock import Entropy
from locum.core.errors import LocumError
from locum.core.identifiers import TEMPORARY_KEY, access_key_id
from locum.core.principal import Session
from locum.credentials.accesskeys import secret_text
from locum.credentials.keyring import OVERHEAD, BrokenSeal, KeyRing

_SEALED_AS: Final = "session-token"
_DERIVED_AS: Final = "session-secret"
CACHED_SESSIONS: Final = 2048
"""The number of opened tokens in the cache: those of the sessions in use, at 2 to 5 KiB each."""
MAX_TOKEN: Final = 16_384
"""The longest accepted token, in characters. A session at all of STS's limits is far shorter."""

_PLAIN: Final = b"\x00"
_DEFLATED: Final = b"\x01"
_DEFLATE_FROM: Final = 400  # bytes; below, compressing costs more than it saves

_DEFAULTS: Final[dict[str, Any]] = {
    f.name: f.default_factory() if f.default_factory is not dataclasses.MISSING else f.default
    for f in dataclasses.fields(Session)
}
_RESTRICTING: Final[frozenset[str]] = frozenset()
"""Fields that were added to restrict a session: a token that has one is refused by an older Locum, which lacks it.
It passes over any other field that it does not know."""

_TO_BE_KNOWN: Final = "!"
"""The member of a packed session with the names of such fields, where it has some."""


class _ToBeKnown(msgspec.Struct):
    names: tuple[str, ...] = msgspec.field(name=_TO_BE_KNOWN, default=())


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Session).decode
_decode_names: Final = msgspec.msgpack.Decoder(_ToBeKnown).decode


class InvalidToken(LocumError):
    """The session token was not issued here, was altered, or belongs to another access key."""


class TemporaryCredentials(NamedTuple):
    """Temporary credentials as STS and IMDS return them. `expiration` is epoch seconds."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: int

    def __repr__(self) -> str:
        return f"TemporaryCredentials(access_key_id={self.access_key_id!r}, expiration={self.expiration})"


def issue(keyring: KeyRing, session: Session, entropy: Entropy, sequence: int = 0) -> TemporaryCredentials:
    """Issue new credentials for `session`. They are self-contained; nothing needs to be stored.

    `sequence` becomes the session's, where it is given.
    """
    key_id = access_key_id(TEMPORARY_KEY, session.account, entropy)
    sealed = keyring.seal(_SEALED_AS, _pack(session, sequence), entropy, key_id.encode())
    token = base64.b64encode(sealed).decode()
    return TemporaryCredentials(key_id, _secret(keyring, key_id, sealed), token, session.expires_at)


def open_session(keyring: KeyRing, key_id: str, token: str) -> tuple[Session, str]:
    """Open `token`: its session and the secret access key. Raises InvalidToken; does not check the expiry."""
    return _open(keyring, key_id, token)


def sealed_size(session: Session) -> int:
    """The size of the sealed `session` in bytes, before base64. PackedPolicySize is computed from it."""
    return len(_pack(session)) + OVERHEAD


@lru_cache(CACHED_SESSIONS)
def _open(keyring: KeyRing, key_id: str, token: str) -> tuple[Session, str]:
    # The cache keeps only successes (an exception is not cached), keyed by all of the arguments.
    try:
        if len(token) > MAX_TOKEN:
            raise InvalidToken("the session token is too long")
        sealed = base64.b64decode(token, validate=True)
        if base64.b64encode(sealed).decode() != token:
            raise InvalidToken("the session token is not in canonical base64")
        plain = keyring.open(_SEALED_AS, sealed, key_id.encode())
        return _unpack(plain), _secret(keyring, key_id, sealed)
    except (binascii.Error, ValueError, BrokenSeal, msgspec.DecodeError):
        raise InvalidToken("the session token is not valid for this access key") from None


def _secret(keyring: KeyRing, key_id: str, sealed: bytes) -> str:
    return secret_text(keyring.derive(_DERIVED_AS, key_id.encode() + sealed, sealed))


def _pack(session: Session, sequence: int = 0) -> bytes:
    """Encode `session` by field name, without defaults, so that a version with more fields can still decode it."""
    fields = {name: value for name in _DEFAULTS if (value := getattr(session, name)) != _DEFAULTS[name]}
    if sequence:
        fields["sequence"] = sequence
    if restricting := sorted(_RESTRICTING & fields.keys()):
        fields[_TO_BE_KNOWN] = restricting
    packed = _encode(fields)
    return _PLAIN + packed if len(packed) < _DEFLATE_FROM else _DEFLATED + zlib.compress(packed)


def _unpack(plain: bytes) -> Session:
    """The inverse of `_pack`, for authenticated bytes. Raises InvalidToken where it lacks a field that restricts."""
    packed = zlib.decompress(plain[1:]) if plain[:1] == _DEFLATED else plain[1:]
    if not _DEFAULTS.keys() >= set(_decode_names(packed).names):
        raise InvalidToken(
            "the session token was issued by a newer Locum, with a restriction that this one does not know"
        )
    return _decode(packed)
