"""The key pairs that sign CloudTrail's digest files. The private key is sealed under the key ring.

CloudTrail User Guide, "CloudTrail digest file structure": "The digest file ... is signed using the private key of a
public and private key pair", by SHA-256 with RSA.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from locum.core.clock import Entropy
from locum.credentials.keyring import KeyRing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_PURPOSE: Final = "cloudtrail-digest-key"
_BITS: Final = 2048
_EXPONENT: Final = 65537


class DigestKeyPair(NamedTuple):
    """A key pair: the public key in DER (PKCS #1), its fingerprint, and the sealed private key."""

    public: bytes
    fingerprint: str
    sealed: bytes


def new_digest_key(ring: KeyRing, entropy: Entropy, owner: str) -> DigestKeyPair:
    """A new key pair, sealed for `owner`. It takes a tenth of a second."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    key = rsa.generate_private_key(_EXPONENT, _BITS)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fingerprint = hashlib.md5(public, usedforsecurity=False).hexdigest()
    return DigestKeyPair(public, fingerprint, ring.seal(_PURPOSE, private, entropy, owner.encode()))


def signature(sealed: bytes, ring: KeyRing, owner: str, text: bytes) -> str:
    """The signature of `text` in hexadecimal digits (RFC 8017, RSASSA-PKCS1-v1_5). Raises BrokenSeal."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_der_private_key  # noqa: PLC0415

    private = load_der_private_key(ring.open(_PURPOSE, sealed, owner.encode()), None)
    return cast("RSAPrivateKey", private).sign(text, PKCS1v15(), SHA256()).hex()
