"""Certification paths: whether a client's certificate was issued, through others, by a certificate that is trusted.

IAM Roles Anywhere User Guide, "The IAM Roles Anywhere trust model", "Signature verification":

- certificates are X.509v3, "SHA256 or stronger. MD5 and SHA1 signing algorithms are rejected";
- an end-entity certificate has "Basic constraints [...] CA: false" and its "Key usage must include Digital Signature";
- one that is trusted, or between the two, has "CA: true", and its "Key usage must include Certificate Sign".

RFC 5280, section 6, by `cryptography`: signatures and their algorithms, names and their constraints, validity, lengths
of paths, critical extensions that are not known. Nothing of a certificate is to be used before `verify` returned.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification

from locum.core.errors import LocumError

MOST_CERTIFICATES: Final = 5
"""The certificates between an end-entity certificate and the trusted one. User Guide, "X-Amz-X509-Chain"."""
LONGEST_CERTIFICATE: Final = 16_384
"""Octets in base64. Prescriptive Guidance, "Maximum certificate size: 16KB for client certificates"."""
SMALLEST_RSA_KEY: Final = 2048
"""Bits. NIST SP 800-131A."""

_ANY: Final = verification.Criticality.AGNOSTIC
Path = tuple[x509.Certificate, ...]
"""A path, from the end-entity certificate to the trusted one."""


class Untrusted(LocumError):
    """There is no valid path to a trusted certificate, or something that is no certificate."""


class BadBundle(LocumError):
    """The text is not a bundle of certificates of authorities, or not a revocation list of one."""


def read(text: str) -> x509.Certificate:
    """Parse a certificate (DER in base64), without verifying it. Raises Untrusted."""
    if len(text) > LONGEST_CERTIFICATE:
        raise Untrusted("the certificate is too large")
    try:
        return _readable(x509.load_der_x509_certificate(b64decode(text, validate=True)))
    except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
        raise Untrusted("not a certificate") from error


def read_chain(text: str) -> tuple[x509.Certificate, ...]:
    """Parse a chain: certificates with commas between them, in any order. Raises Untrusted."""
    parts = text.split(",") if text else []
    if len(parts) > MOST_CERTIFICATES:
        raise Untrusted(f"a chain has at most {MOST_CERTIFICATES} certificates")
    return tuple(read(part.strip()) for part in parts)


def read_bundle(text: str) -> tuple[x509.Certificate, ...]:
    """Parse certificates of authorities in PEM, which may be trusted. Raises BadBundle."""
    try:
        found = [_readable(each) for each in x509.load_pem_x509_certificates(text.encode())]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadBundle("Incorrect or malformed certificate bundle") from error
    for certificate in found:
        if not _is_authority(certificate):
            raise BadBundle("A CA certificate has to have basic constraints CA: true and key usage Certificate Sign")
        if not _is_strong(certificate):
            raise BadBundle("A CA certificate has to have a key and a signature that are strong enough")
    return tuple(found)


def read_list(data: bytes, issuers: Sequence[x509.Certificate]) -> x509.CertificateRevocationList:
    """Parse a revocation list in PEM that one of `issuers` signed. Raises BadBundle."""
    try:
        found = x509.load_pem_x509_crl(data)
    except ValueError as error:
        raise BadBundle("Incorrect or malformed CRL") from error
    if not any(_signed_by(found, issuer) for issuer in issuers):
        raise BadBundle("The CRL was not issued by a certificate of the trust anchor")
    return found


def verify(
    leaf: x509.Certificate,
    chain: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    lists: Sequence[x509.CertificateRevocationList],
    now: float,
) -> Path:
    """The path from `leaf` to one of `trusted`, as it is at `now` (epoch seconds). Raises Untrusted.

    `lists` are the revocation lists; what is in one counts for as long as the list is there.
    """
    builder = verification.PolicyBuilder().store(verification.Store(list(trusted))).max_chain_depth(MOST_CERTIFICATES)
    builder = builder.time(datetime.fromtimestamp(int(now), UTC).replace(tzinfo=None))
    builder = builder.extension_policies(ca_policy=_authority_policy(), ee_policy=_leaf_policy())
    try:
        path: Path = tuple(builder.build_client_verifier().verify(leaf, list(chain)).chain)
    except (verification.VerificationError, ValueError) as error:
        raise Untrusted("no valid path to a trusted certificate") from error
    if len(path) < 2 or not all(map(_is_strong, path)):
        raise Untrusted("a certificate whose key or signature is too weak, or that is its own authority")
    for certificate, issuer in pairwise(path):
        if any(_revokes(found, certificate, issuer) for found in lists):
            raise Untrusted("a certificate was revoked")
    return path


def pem(certificate: x509.Certificate) -> str:
    """The certificate in PEM."""
    return certificate.public_bytes(Encoding.PEM).decode()


def _readable(certificate: x509.Certificate) -> x509.Certificate:
    """`certificate`, all of which was read: parts are parsed when they are asked for. Raises what parsing raises."""
    _ = certificate.public_key(), certificate.signature_hash_algorithm, certificate.extensions, certificate.subject
    return certificate


def _revokes(found: x509.CertificateRevocationList, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    if found.issuer != certificate.issuer or not _signed_by(found, issuer):
        return False
    return found.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None


def _signed_by(found: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    if found.issuer != issuer.subject or not isinstance(key, RSAPublicKey | EllipticCurvePublicKey):
        return False
    return found.is_signature_valid(key)


def _is_strong(certificate: x509.Certificate) -> bool:
    key, digest = certificate.public_key(), certificate.signature_hash_algorithm
    if isinstance(key, RSAPublicKey):
        strong = key.key_size >= SMALLEST_RSA_KEY
    else:
        strong = isinstance(key, EllipticCurvePublicKey)
    return strong and digest is not None and digest.digest_size >= 32 and certificate.version is x509.Version.v3


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return constraints.ca and usage.key_cert_sign


def _authority_policy() -> verification.ExtensionPolicy:
    def may_sign(_policy: object, _certificate: object, usage: x509.KeyUsage) -> None:
        if not usage.key_cert_sign:
            raise ValueError("the key may not sign certificates")

    policy = verification.ExtensionPolicy.permit_all()
    policy = policy.require_present(x509.BasicConstraints, _ANY, None)
    return policy.require_present(x509.KeyUsage, _ANY, may_sign)


def _leaf_policy() -> verification.ExtensionPolicy:
    def is_no_authority(_policy: object, _certificate: object, found: x509.BasicConstraints | None) -> None:
        if found is not None and found.ca:
            raise ValueError("an authority's certificate")

    def may_sign(_policy: object, _certificate: object, usage: x509.KeyUsage) -> None:
        if not usage.digital_signature:
            raise ValueError("the key may not sign")

    policy = verification.ExtensionPolicy.permit_all().may_be_present(x509.BasicConstraints, _ANY, is_no_authority)
    return policy.require_present(x509.KeyUsage, _ANY, may_sign)
