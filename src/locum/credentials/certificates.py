"""Validation of uploaded X.509 certificates, chains and private keys in PEM (RFC 7468).

IAM User Guide, "Manage server certificates in IAM", requires: a certificate that is valid at the time of the upload, a
private key without a passphrase, and a chain in which each certificate was issued by the one that follows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from locum.core.clock import Entropy
from locum.core.errors import LocumError
from locum.credentials.keyring import KeyRing

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_SEALED_AS: Final = "server-certificate-key"

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_BLOCK: Final = re.compile(rf"{_BEGIN}[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
"""RFC 7468, section 5.1. No text may precede or separate blocks: IAM refuses the output of `openssl x509 -text`."""

LONGEST_CHAIN: Final = 100
"""The most certificates in a chain: OpenSSL's default depth (X509_VERIFY_PARAM_set_depth)."""

LONGEST_RSA_KEY: Final = 4096
"""The longest RSA key in bits: that of AWS Certificate Manager."""

LEAF: Final = -1
"""The `index` of BadChain for the certificate that the chain is for."""


class BadCertificate(LocumError):
    """The text is not exactly one valid X.509 certificate in PEM."""


class BadPrivateKey(LocumError):
    """The text is not a private key in PEM without a passphrase."""


class KeyMismatch(LocumError):
    """The private key belongs to another certificate."""


class BadChain(LocumError):
    """The certificate at `index` of the chain (or `LEAF`) was not issued by the one that follows it."""

    def __init__(self, index: int) -> None:
        super().__init__(f"the chain breaks behind certificate {index}")
        self.index = index


class X509(NamedTuple):
    """A parsed certificate. `begins` and `expires` are epoch seconds; `digest` is the hex SHA-256 of its DER form."""

    begins: int
    expires: int
    digest: str
    parsed: Certificate

    def valid_at(self, now: float) -> bool:
        """Whether `now` (epoch seconds) is within the validity period, both ends included (RFC 5280, 4.1.2.5)."""
        return self.begins <= now < self.expires + 1


def read_certificate(pem: str) -> X509:
    """Parse the one certificate in `pem`, whose key is RSA or elliptic-curve. Raises BadCertificate."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - 60 ms, which few planes need
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415
    from cryptography.x509 import DuplicateExtension, load_pem_x509_certificate  # noqa: PLC0415

    text = pem.strip()
    if _BLOCK.fullmatch(text) is None:
        raise BadCertificate("not one certificate in PEM")
    try:
        parsed = load_pem_x509_certificate(text.encode())
        key = parsed.public_key()
        _ = parsed.extensions  # RFC 5280, 4.2: no extension may occur twice
        begins, expires = parsed.not_valid_before_utc, parsed.not_valid_after_utc
    except (ValueError, TypeError, UnsupportedAlgorithm, DuplicateExtension):
        raise BadCertificate("not an X.509 certificate") from None
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise BadCertificate("the certificate's key is neither RSA nor of an elliptic curve")
    digest = parsed.fingerprint(hashes.SHA256()).hex()
    return X509(int(begins.timestamp()), int(expires.timestamp()), digest, parsed)


def check_chain(certificate: X509, chain: str) -> None:
    """Raise BadChain unless each certificate was issued by the next, beginning with `certificate`."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # noqa: PLC0415

    blocks = _BLOCK.findall(chain)
    if not blocks or _BLOCK.sub("", chain).strip() or len(blocks) > LONGEST_CHAIN:
        raise BadChain(LEAF)
    issued = certificate.parsed
    for index, block in enumerate(blocks, LEAF):
        try:
            issuer = read_certificate(block).parsed
            issued.verify_directly_issued_by(issuer)
        except (BadCertificate, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise BadChain(index) from None
        issued = issuer


def check_private_key(certificate: X509, pem: str) -> None:
    """Check that `pem` is the private key of `certificate`.

    Raises BadPrivateKey, or KeyMismatch where it is another's.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    text, expected = pem.strip().encode(), certificate.parsed.public_key()
    try:
        # The time of the full check of an RSA key grows with the fourth power of its length: too long for untrusted
        # keys.
        found = load_pem_private_key(text, None, unsafe_skip_rsa_key_validation=True).public_key()
        if found != expected:
            raise KeyMismatch("the private key is not that of the certificate")
        if isinstance(found, rsa.RSAPublicKey) and found.key_size > LONGEST_RSA_KEY:
            raise BadPrivateKey(f"an RSA key has at most {LONGEST_RSA_KEY} bits")
        load_pem_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadPrivateKey("not a private key in PEM without a passphrase") from None


def seal_private_key(keyring: KeyRing, certificate_id: str, pem: str, entropy: Entropy) -> bytes:
    """Seal the private key of a server certificate for storage under the certificate's unique id."""
    return keyring.seal(_SEALED_AS, pem.encode(), entropy, certificate_id.encode())


def open_private_key(keyring: KeyRing, certificate_id: str, sealed: bytes) -> str:
    """Open the private key of a server certificate. Raises BrokenSeal where `sealed` is not that certificate's."""
    return keyring.open(_SEALED_AS, sealed, certificate_id.encode()).decode()
