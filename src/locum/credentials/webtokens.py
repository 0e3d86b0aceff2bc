"""JSON Web Tokens: parsing, verification with an issuer's keys, and signing.

RFC 7515 (JWS), RFC 7517 (JWK), RFC 7518 (the algorithms), RFC 7519 (JWT). The claims of a token are only valid once
`verify` returned; `read` alone serves to find the issuer's keys.

The algorithms are the public-key ones that STS accepts (STS API Reference, AssumeRoleWithWebIdentity: "signed using
either RSA keys with RS256, RS384, or RS512 algorithms, or ECDSA keys with ES256, ES384, or ES512 algorithms"). `none`
and HMAC are not among them, so that a public key is never used as a shared secret.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from locum.core.clock import Entropy
from locum.core.errors import LocumError
from locum.credentials.keyring import KeyRing

LONGEST: Final = 20_000
"""The longest token in characters. STS API Reference, WebIdentityToken: "Maximum length of 20000"."""

MOST_KEYS: Final = 100
"""The most keys of one type. IAM User Guide, "Create an OpenID Connect (OIDC) identity provider in IAM": "100 RSA keys
and 100 EC keys"."""

SMALLEST_RSA_KEY: Final = 2048
"""The limit in bits. RFC 7518, 3.3: "A key of size 2048 bits or larger MUST be used with these algorithms"."""

_SEALED_AS: Final = "web-identity-key"
_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_PUBLIC: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", *_CURVES})


class BadToken(LocumError):
    """The text is not a JSON Web Token with an accepted algorithm, or its signature is invalid."""


class BadKeys(LocumError):
    """The text is not a JSON Web Key Set, or the set lacks the key of a token."""


class WebToken(NamedTuple):
    """A parsed token, not verified by itself."""

    text: str
    algorithm: str
    key_id: str
    claims: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"WebToken(algorithm={self.algorithm!r}, key_id={self.key_id!r})"


class KeySet(NamedTuple):
    """An issuer's signature keys, with their public members only."""

    keys: tuple[Mapping[str, str], ...]

    def knows(self, token: WebToken) -> bool:
        """Whether the set has the key that `token` names."""
        return self._find(token) is not None

    def _find(self, token: WebToken) -> Mapping[str, str] | None:
        """The key of `token`: by its id, and of the type that its algorithm requires.

        OpenID Connect Core 1.0, 10.1: "If there are multiple keys in the referenced JWK Set document, a kid value MUST
        be provided in the JOSE Header."
        """
        fitting = [key for key in self.keys if _fits(key, token.algorithm)]
        if token.key_id:
            fitting = [key for key in fitting if key.get("kid") == token.key_id]
        return fitting[0] if len(fitting) == 1 else None

    def verify(self, token: WebToken) -> None:
        """Verify the signature of `token`.

        Raises BadKeys where its key is not in the set, BadToken where it is invalid.
        """
        from joserfc import jwk, jws  # noqa: PLC0415 - a tenth of a second, which few planes ever need
        from joserfc.errors import JoseError  # noqa: PLC0415

        found = self._find(token)
        if found is None:
            raise BadKeys("the issuer has no key that the token names")
        kind = found["kty"]
        public: dict[str, str | list[str]] = {member: found[member] for member in ("kty", *_PUBLIC[kind])}
        try:
            key = jwk.RSAKey.import_key(public) if kind == "RSA" else jwk.ECKey.import_key(public)
            if isinstance(key, jwk.RSAKey) and key.public_key.key_size < SMALLEST_RSA_KEY:
                raise BadKeys(f"the issuer's key has fewer than {SMALLEST_RSA_KEY} bits")
            jws.deserialize_compact(token.text, key, algorithms=[token.algorithm])
        except (JoseError, ValueError, TypeError) as error:
            raise BadToken("the token's signature is not right") from error


def read(text: str) -> WebToken:
    """Parse a token, without verifying it. Raises BadToken."""
    parts = text.split(".")
    if len(text) > LONGEST or len(parts) != 3:
        raise BadToken("the token has not three parts")
    header, claims = _json_object(parts[0]), _json_object(parts[1])
    algorithm, key_id = header.get("alg"), header.get("kid", "")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise BadToken("the token is not signed in a way that is accepted")
    if not isinstance(key_id, str):
        raise BadToken("the token names its key by something that is no text")
    return WebToken(text, algorithm, key_id, claims)


@lru_cache(256)
def key_set(text: str) -> KeySet:
    """Parse a JSON Web Key Set, to its keys with an accepted algorithm. Raises BadKeys."""
    try:
        listed = json.loads(text)["keys"]
        keys = [key for key in listed if _is_usable(key)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadKeys("not a JSON Web Key Set") from error
    if any(sum(key["kty"] == kind for key in keys) > MOST_KEYS for kind in _PUBLIC):
        raise BadKeys(f"more than {MOST_KEYS} keys of one type")
    return KeySet(tuple(keys))


def _is_usable(key: Any) -> bool:
    if not isinstance(key, dict) or key.get("kty") not in _PUBLIC or key.get("use", "sig") != "sig":
        return False
    members = ("kty", *_PUBLIC[key["kty"]])
    return all(isinstance(key.get(member), str) for member in members)


def _fits(key: Mapping[str, str], algorithm: str) -> bool:
    if key.get("alg", algorithm) != algorithm:
        return False
    curve = _CURVES.get(algorithm)
    return key["kty"] == "RSA" if curve is None else key["kty"] == "EC" and key["crv"] == curve


def _json_object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
        json.dumps(found, ensure_ascii=False).encode()  # lone surrogates, which are no Unicode text
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadToken("a part of the token is no JSON") from error
    if not isinstance(found, dict):
        raise BadToken("a part of the token is no JSON object")
    return found


# --- signing -------------------------------------------------------------------------------------------------


def new_key(keyring: KeyRing, algorithm: str, key_id: str, entropy: Entropy) -> tuple[str, bytes]:
    """Generate a key pair for RS256 (2,048 bits) or an ES algorithm: the public JSON Web Key, and the pair sealed.

    The pair is generated from OpenSSL's own randomness, which cannot be replaced by `entropy`.
    """
    from joserfc import jwk  # noqa: PLC0415 - see KeySet.verify

    members = {"kid": key_id, "use": "sig", "alg": algorithm}
    curve = _CURVES.get(algorithm)
    key = jwk.RSAKey.generate_key(SMALLEST_RSA_KEY) if curve is None else jwk.ECKey.generate_key(curve)
    private = json.dumps({**key.as_dict(private=True), **members}).encode()
    public = json.dumps({**key.as_dict(private=False), **members})
    return public, keyring.seal(_SEALED_AS, private, entropy, key_id.encode())


def sign(keyring: KeyRing, claims: Mapping[str, Any], algorithm: str, key_id: str, sealed: bytes) -> str:
    """Sign `claims` with the key that `new_key` sealed, to a token. Raises BrokenSeal."""
    from joserfc import jws  # noqa: PLC0415 - see KeySet.verify

    header = {"alg": algorithm, "kid": key_id, "typ": "JWT"}
    key = _signing_key(keyring, key_id, sealed)
    return jws.serialize_compact(header, payload(claims), key, algorithms=[algorithm])


@lru_cache(256)
def _signing_key(keyring: KeyRing, key_id: str, sealed: bytes) -> Any:
    """The key that `new_key` sealed. Cached, as parsing an RSA key takes forty times as long as signing with it."""
    from joserfc import jwk  # noqa: PLC0415 - see KeySet.verify

    members = json.loads(keyring.open(_SEALED_AS, sealed, key_id.encode()))
    return jwk.RSAKey.import_key(members) if members["kty"] == "RSA" else jwk.ECKey.import_key(members)


def payload(claims: Mapping[str, Any]) -> bytes:
    """The JSON encoding of `claims` that `sign` uses."""
    return json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
