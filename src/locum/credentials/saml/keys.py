"""Validation of the certificates and private keys of SAML providers, and sealing of private keys."""

from __future__ import annotations

from typing import Final

from locum.core.clock import Entropy
from locum.credentials.keyring import KeyRing
from locum.credentials.saml.errors import BadKey, BadMetadata

_SEALED_AS: Final = "saml-private-key"
SHORTEST_RSA_KEY: Final = 1024
LONGEST_RSA_KEY: Final = 4096
"""Limits for RSA keys in bits; only the former applies to a certificate's key."""


def check_certificate(der: bytes) -> None:
    """Raise BadMetadata unless `der` is an X.509 certificate with a key of a type that can verify signatures."""
    from cryptography import x509  # noqa: PLC0415 - 60 ms, needed where there is a SAML provider
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415

    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        _ = certificate.extensions  # RFC 5280, 4.2: no extension may occur twice
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise BadMetadata("a certificate is not a valid X.509 certificate") from None
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < SHORTEST_RSA_KEY:
            raise BadMetadata(f"a certificate's key has less than {SHORTEST_RSA_KEY} bits")
    elif not isinstance(key, ec.EllipticCurvePublicKey):
        raise BadMetadata("a certificate's key is neither RSA nor of an elliptic curve")


def seal_private_key(keyring: KeyRing, key_id: str, pem: str, entropy: Entropy) -> bytes:
    """Seal the private key `pem` for storage under its id. Raises BadKey where it is not a valid private key."""
    _check_private_key(pem)
    return keyring.seal(_SEALED_AS, pem.encode(), entropy, key_id.encode())


def open_private_key(keyring: KeyRing, key_id: str, sealed: bytes) -> bytes:
    """Open a private key, in PEM. Raises BrokenSeal where `sealed` is not that key's."""
    return keyring.open(_SEALED_AS, sealed, key_id.encode())


def _check_private_key(pem: str) -> None:
    """Raise BadKey unless `pem` is an unencrypted RSA private key, the only type for key transport."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        # The time of the full check of an RSA key grows with the fourth power of its length: too long for untrusted
        # keys.
        key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey) or not SHORTEST_RSA_KEY <= key.key_size <= LONGEST_RSA_KEY:
            raise BadKey("not an RSA key of a size that is safe")
        load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("not a private key in PEM without a passphrase") from None
