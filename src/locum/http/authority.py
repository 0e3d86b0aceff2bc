"""The certificate authority of an installation, and the certificates that it issues to the plane's TLS listeners.

RFC 5280. Names are `localhost`, the loopback addresses and AWS's host names, so that a client inside an instance may
call those. A client trusts the authority where its bundle has it (`AWS_CA_BUNDLE`). Certificates of agents are in
`http.agent_certificates`.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, CertificateBuilder, GeneralName, ObjectIdentifier

AUTHORITY_DAYS: Final = 3650
SERVER_DAYS: Final = 397
"""The longest validity that clients accept of a server's certificate (CA/Browser Forum, Baseline Requirements)."""
RENEWED_DAYS: Final = 30
"""A certificate that ends sooner than this is issued anew with the next start."""

EARLIER: Final = timedelta(hours=1)
"""Certificates are valid from that long ago, for clocks that are behind."""

_LOCAL: Final = ("localhost", "*.localhost", "s3.localhost", "*.s3.localhost", "127.0.0.1", "::1")
_OF_AWS: Final = ("*.amazonaws.com", "*.{region}.amazonaws.com", "*.s3.amazonaws.com", "*.s3.{region}.amazonaws.com")


class Issued(NamedTuple):
    """A certificate and its private key, both in PEM."""

    certificate: bytes
    key: bytes


def names_of(region: str) -> tuple[str, ...]:
    """The host names and addresses of a plane in `region`."""
    return (*_LOCAL, *(name.format(region=region) for name in _OF_AWS))


def new_authority(now: float) -> Issued:
    """Make a certificate authority. `now` is epoch seconds."""
    from cryptography import x509  # noqa: PLC0415 - 60 ms, needed with TLS alone
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Locum authority of this installation")
    builder = unsigned(name, name, key.public_key(), now, timedelta(days=AUTHORITY_DAYS))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs=True), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return _signed(builder.add_extension(identifier, critical=False), key, key)


def server_certificate(authority: Issued, names: Iterable[str], now: float) -> Issued:
    """Issue a certificate for a server with these host names and addresses. `now` is epoch seconds."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    issuer = x509.load_pem_x509_certificate(authority.certificate)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = unsigned(_name("Locum"), issuer.subject, key.public_key(), now, timedelta(days=SERVER_DAYS))
    general = [_general(name) for name in names]
    issued = issued_for(builder, general, x509.oid.ExtendedKeyUsageOID.SERVER_AUTH, authority)
    return Issued(issued, private_pem(key))


def issued_for(
    builder: CertificateBuilder, names: Sequence[GeneralName], purpose: ObjectIdentifier, authority: Issued
) -> bytes:
    """The certificate of an end entity for this one purpose, in PEM, issued by `authority`."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415

    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key: Any = serialization.load_pem_private_key(authority.key, None)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]
    certificate = builder.add_extension(identifier, critical=False).sign(issuer_key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM)


def serves(certificate: bytes, names: Iterable[str], now: float) -> bool:
    """Whether a certificate in PEM has all these names, and does not end within RENEWED_DAYS."""
    from cryptography import x509  # noqa: PLC0415

    try:
        parsed = x509.load_pem_x509_certificate(certificate)
        found = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    left = parsed.not_valid_after_utc.timestamp() - now
    return left > RENEWED_DAYS * 86_400 and {_general(name) for name in names} <= set(found)


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """The context of a listener, from files in PEM. Raises OSError and ssl.SSLError where they cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    return context


def context_of(issued: Issued) -> ssl.SSLContext:
    """The context of a listener with a certificate that was just issued. Its key is never on a disk.

    OpenSSL reads the two by the name of a file, which is one in memory (memfd_create(2)).
    """
    file = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(file, issued.certificate + issued.key)
        return server_context(name := f"/proc/self/fd/{file}", name)
    finally:
        os.close(file)


def _name(common_name: str) -> Any:
    from cryptography import x509  # noqa: PLC0415

    return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, common_name)])


def _general(name: str) -> GeneralName:
    from cryptography import x509  # noqa: PLC0415

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def unsigned(
    subject: Any, issuer: Any, public_key: Any, now: float, valid: timedelta, serial: int = 0
) -> CertificateBuilder:
    """A certificate that is to be signed. `serial`: a random one where it is 0."""
    from cryptography import x509  # noqa: PLC0415

    begins = datetime.fromtimestamp(int(now), UTC) - EARLIER
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + EARLIER + valid)
    )


def _usage(*, signs: bool) -> Any:
    from cryptography import x509  # noqa: PLC0415

    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(builder: CertificateBuilder, key: Any, issuer_key: Any) -> Issued:
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415

    certificate: Certificate = builder.sign(issuer_key, hashes.SHA256())
    return Issued(certificate.public_bytes(serialization.Encoding.PEM), private_pem(key))


def der(certificate: bytes) -> bytes:
    """A certificate in PEM, in DER. Raises ValueError where it is none."""
    return ssl.PEM_cert_to_DER_cert(certificate.decode("ascii"))


def private_pem(key: Any) -> bytes:
    """A private key in PEM (PKCS #8), not encrypted: for a file that only its owner can read."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    octets: bytes = key.private_bytes(serialization.Encoding.PEM, form, plain)
    return octets
