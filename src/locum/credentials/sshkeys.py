"""SSH public keys for CodeCommit: RSA, in OpenSSH's format (RFC 4253, section 6.6) or in PEM.

IAM API Reference, UploadSSHPublicKey: "The public key must be encoded in ssh-rsa format or PEM format. The minimum
bit-length of the public key is 2048 bits."
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final, NamedTuple

from locum.core.errors import LocumError

_OPENSSH: Final = "ssh-rsa"
_PEM: Final = ("-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----")
SHORTEST_RSA_KEY: Final = 2048
LONGEST_RSA_KEY: Final = 16384
"""Limits in bits. OpenSSL does not use longer keys (OPENSSL_RSA_MAX_MODULUS_BITS)."""


class UnknownEncoding(LocumError):
    """The text is in neither of the two formats."""


class BadPublicKey(LocumError):
    """The text is in one of the two formats, but is not an RSA key of an accepted length."""


class SshKey(NamedTuple):
    """An RSA public key. `text` is in OpenSSH's format without a comment; `fingerprint` is the MD5 of the key in it."""

    text: str
    fingerprint: str


def read_public_key(body: str) -> SshKey:
    """Parse the key in `body`, in either format. Raises UnknownEncoding, BadPublicKey."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - few planes need any of it
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    text = body.strip()
    try:
        if text.startswith(_PEM):
            key = serialization.load_pem_public_key(text.encode())
        else:
            key = serialization.load_ssh_public_key(_without_comment(text).encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadPublicKey("the text does not hold a public key") from None
    if not isinstance(key, rsa.RSAPublicKey) or not SHORTEST_RSA_KEY <= key.key_size <= LONGEST_RSA_KEY:
        raise BadPublicKey(f"not an RSA key of {SHORTEST_RSA_KEY} bits or more")
    plain = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    digest = hashlib.md5(base64.b64decode(plain.split()[1]), usedforsecurity=False).hexdigest()
    return SshKey(plain, ":".join(digest[i : i + 2] for i in range(0, len(digest), 2)))


def in_pem(text: str) -> str:
    """Convert a key in OpenSSH's format to a SubjectPublicKeyInfo in PEM (RFC 7468, section 13)."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    key = serialization.load_ssh_public_key(text.encode())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def _without_comment(text: str) -> str:
    """The algorithm and key of one line in OpenSSH's format. Raises UnknownEncoding; ValueError for several lines."""
    fields = text.split(None, 2)
    if len(fields) < 2 or fields[0] != _OPENSSH:
        raise UnknownEncoding(f"neither {_OPENSSH} nor PEM")
    if "\n" in text or "\r" in text:
        raise ValueError("more than one line")
    return f"{fields[0]} {fields[1]}"
