"""Certificates, chains and keys in PEM, for tests that upload them."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

DAY = 86_400
YEAR = 365 * DAY
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def rsa_key(name: str = "", bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same one for the same name."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(name: str = "") -> ec.EllipticCurvePrivateKey:
    """The same one for the same name."""
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(
    key: PrivateKey, form: PrivateFormat = PrivateFormat.TraditionalOpenSSL, passphrase: bytes = b""
) -> str:
    """A private key."""
    lock: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, lock).decode()


def ssh(key: PrivateKey, comment: str = "") -> str:
    """Its public key in OpenSSH's form."""
    text = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return f"{text} {comment}" if comment else text


def public_pem(key: PrivateKey, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    """Its public key in PEM."""
    return key.public_key().public_bytes(Encoding.PEM, form).decode()


class Certified(NamedTuple):
    """A certificate and its key, both in PEM, and what they are made from."""

    body: str
    key: str
    certificate: x509.Certificate
    private: PrivateKey


def certified(
    name: str,
    now: float,
    *,
    private: PrivateKey | None = None,
    issuer: Certified | None = None,
    begins: int = -DAY,
    expires: int = YEAR,
) -> Certified:
    """A certificate that is valid from `now + begins` to `now + expires` (seconds), by default signed by itself."""
    key = private or ec_key(name)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    builder = builder.issuer_name(issuer.certificate.subject if issuer else subject)
    start = dt.datetime.fromtimestamp(int(now), dt.UTC)
    builder = builder.not_valid_before(start + dt.timedelta(seconds=begins))
    builder = builder.not_valid_after(start + dt.timedelta(seconds=expires))
    signer = issuer.private if issuer else key
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = builder.serial_number(x509.random_serial_number()).sign(signer, digest)
    form = PrivateFormat.PKCS8 if isinstance(key, ed25519.Ed25519PrivateKey) else PrivateFormat.TraditionalOpenSSL
    return Certified(made.public_bytes(Encoding.PEM).decode(), private_pem(key, form), made, key)
