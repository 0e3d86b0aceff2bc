"""The key pair that signs instance identity documents, and its certificate: one of each installation.

EC2 User Guide, "Verify the instance identity document": the certificate is published, and `openssl` verifies the
signatures with it.

    openssl smime -verify -in rsa2048 -inform PEM -certfile CERTIFICATE -noverify

The private key is stored sealed under the key ring, in a file that only its owner can read; the certificate is a file
beside it.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from locum.core.clock import Entropy
from locum.core.errors import ConfigurationError
from locum.credentials.files import CreateFile, write_private
from locum.credentials.keyring import BrokenSeal, KeyRing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

KEY_FILE: Final = "instance-identity.key"
CERTIFICATE_FILE: Final = "instance-identity.pem"

_SEALED_AS: Final = "instance-identity"
_BITS: Final = 2048
_EXPONENT: Final = 65537
_VALID: Final = timedelta(days=36_500)
_SKEW: Final = timedelta(days=1)
_LONGEST_ID: Final = 40
"""Characters: a common name has up to 64 (RFC 5280, appendix A)."""
_LINE: Final = 64
"""The length of a line of base64 (RFC 7468, section 2)."""


class IdentityKey:
    """A private key and its certificate. `certificate_pem` is the text of the certificate."""

    def __init__(self, key: RSAPrivateKey, certificate: Certificate) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

        self._key = key
        self._certificate = certificate
        self.certificate_pem = certificate.public_bytes(Encoding.PEM).decode()

    def signature(self, document: bytes) -> str:
        """The signature in base64: RSA with SHA-256 (RFC 8017, RSASSA-PKCS1-v1_5)."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

        return _lines(self._key.sign(document, PKCS1v15(), SHA256()))

    def pkcs7(self, document: bytes) -> str:
        """The document with its signature, and without the certificate, in base64: SignedData of RFC 2315."""
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import Encoding, pkcs7  # noqa: PLC0415

        builder = pkcs7.PKCS7SignatureBuilder().set_data(document)
        signed = builder.add_signer(self._certificate, self._key, SHA256())
        options = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCerts]
        return _lines(signed.sign(Encoding.DER, options))


def open_identity_key(create: CreateFile, folder: Path, keyring: KeyRing, entropy: Entropy, now: float) -> IdentityKey:
    """The key of the installation, which is made (in some 0.1 seconds) where there is none: `create` makes files.

    Its certificate is written to `folder`, for whoever verifies documents.

    Raises ConfigurationError where it cannot be read or written, or is another installation's.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415

    sealed = create(KEY_FILE, lambda: keyring.seal(_SEALED_AS, _new_pair(keyring.installation, now), entropy))
    try:
        text = keyring.open(_SEALED_AS, sealed)
    except BrokenSeal as error:
        raise ConfigurationError(f"{KEY_FILE} does not open with this key ring: remove it for a new one") from error
    key = load_pem_private_key(text, None)
    assert isinstance(key, RSAPrivateKey)
    found = IdentityKey(key, load_pem_x509_certificate(text))
    write_private(folder / CERTIFICATE_FILE, found.certificate_pem.encode())
    return found


def _new_pair(installation: str, now: float) -> bytes:
    """A new private key and its certificate, in PEM."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = generate_private_key(_EXPONENT, _BITS)
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Locum"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, f"instance identity {installation[:_LONGEST_ID]}"),
        ]
    )
    at = datetime.fromtimestamp(now, UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = builder.not_valid_before(at - _SKEW).not_valid_after(at + _VALID).sign(key, SHA256())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)


def _lines(octets: bytes) -> str:
    return "\n".join(wrap(base64.b64encode(octets).decode(), _LINE))
