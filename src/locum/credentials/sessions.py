"""Temporary credentials: a session sealed into its token.

The token is the session, encrypted and authenticated for its access key id: nothing is stored, and any node
that holds the key ring opens it. The secret access key is a MAC of the token under a key of the ring. A token
travels with every request and is no secret; without the ring it tells nothing of the secret key.

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
"""How many opened tokens are kept in memory: those of the sessions in use, at 2 to 5 KiB each."""
MAX_TOKEN: Final = 16_384
"""Characters in the longest token that is looked at. A session with all that STS admits stays far below."""

_PLAIN: Final = b"\x00"
_DEFLATED: Final = b"\x01"
_WORTH_DEFLATING: Final = 400  # bytes; below, deflate saves less than it costs

_DEFAULTS: Final[dict[str, Any]] = {
    f.name: f.default_factory() if f.default_factory is not dataclasses.MISSING else f.default
    for f in dataclasses.fields(Session)
}
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Session).decode


class InvalidToken(LocumError):
    """A session token that is not ours, was altered, or belongs to another access key."""


class TemporaryCredentials(NamedTuple):
    """What STS and IMDS hand out. `expiration` is epoch seconds."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: int

    def __repr__(self) -> str:
        return f"TemporaryCredentials(access_key_id={self.access_key_id!r}, expiration={self.expiration})"


def issue(keyring: KeyRing, session: Session, entropy: Entropy) -> TemporaryCredentials:
    """Fresh credentials for `session`. They hold everything; nothing needs to be kept."""
    key_id = access_key_id(TEMPORARY_KEY, session.account, entropy)
    sealed = keyring.seal(_SEALED_AS, _pack(session), entropy, key_id.encode())
    token = base64.b64encode(sealed).decode()
    return TemporaryCredentials(key_id, _secret(keyring, key_id, sealed), token, session.expires_at)


def open_session(keyring: KeyRing, key_id: str, token: str) -> tuple[Session, str]:
    """The session in `token` and the secret access key. Raises InvalidToken; does not look at the expiry."""
    return _open(keyring, key_id, token)


def sealed_size(session: Session) -> int:
    """How many bytes `session` takes when it is sealed, before base64 (what a PackedPolicySize is reckoned from)."""
    return len(_pack(session)) + OVERHEAD


@lru_cache(CACHED_SESSIONS)
def _open(keyring: KeyRing, key_id: str, token: str) -> tuple[Session, str]:
    # Only what opened is kept (a raised exception is not), under all that it was opened with.
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


def _pack(session: Session) -> bytes:
    """`session` by field name, defaults left out, so that a later version with more fields still reads it."""
    fields = {name: value for name in _DEFAULTS if (value := getattr(session, name)) != _DEFAULTS[name]}
    packed = _encode(fields)
    return _PLAIN + packed if len(packed) < _WORTH_DEFLATING else _DEFLATED + zlib.compress(packed)


def _unpack(plain: bytes) -> Session:
    """The inverse of `_pack`; what it reads has been authenticated."""
    return _decode(zlib.decompress(plain[1:]) if plain[:1] == _DEFLATED else plain[1:])
