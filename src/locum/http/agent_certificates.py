"""The certificates of agents: who may be which instance. The plane issues them and reads them of its connections.

An agent makes its key pair itself, and shows that it has the private key (a certification request, RFC 2986). Its
certificate names the instance, as a URI of the subject (RFC 5280, section 4.2.1.6), and is good for nothing but a
client's end of TLS. Nothing else that the request asks for is in it.
"""

from __future__ import annotations

import ssl
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from locum.core.activation import PROTOCOLS
from locum.http.authority import Issued, issued_for, server_context, unsigned

LIFETIME: Final = 86_400
"""The validity of an agent's certificate in seconds."""


class Holder(NamedTuple):
    """The bearer of a certificate: an instance's ARN. `serial` is the certificate's number in hexadecimal digits.

    `ends` is in epoch seconds, `public_key` in PEM.
    """

    arn: str
    serial: str
    ends: float
    public_key: bytes


def agents_context(certificate: str, key: str, authority: str) -> ssl.SSLContext:
    """The context of the listener for agents, from files in PEM.

    A client shows no certificate or one that `authority` has issued to a client, which is in force by the machine's
    clock. Whether it may do something without one, the application decides. Sessions are not resumed: each connection
    is authenticated anew.
    """
    context = server_context(certificate, key)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(authority)
    context.set_alpn_protocols(list(PROTOCOLS))
    context.num_tickets = 0
    return context


def requested_key(request: bytes) -> bytes:
    """The public key that a certification request, in PEM, is made with. Raises ValueError.

    It is one of P-256 only, and the request is signed with it.
    """
    try:
        parsed = x509.load_pem_x509_csr(request)
        key = parsed.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("the key of an agent is one of the curve P-256")
        if not parsed.is_signature_valid:
            raise ValueError("the request is not signed with its key")
    except (InvalidSignature, UnsupportedAlgorithm) as error:
        raise ValueError("the request cannot be verified") from error
    return _public_pem(key)


def issue(authority: Issued, public_key: bytes, arn: str, serial: str, now: float) -> bytes:
    """A certificate of the instance `arn` for `public_key`, in PEM. `now` is epoch seconds."""
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, arn.rpartition("/")[2])])
    key = serialization.load_pem_public_key(public_key)
    builder = unsigned(subject, issuer.subject, key, now, timedelta(seconds=LIFETIME), int(serial, 16))
    names = [x509.UniformResourceIdentifier(arn)]
    return issued_for(builder, names, x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH, authority)


@lru_cache(1024)
def holder(certificate: bytes) -> Holder | None:
    """The holder of a certificate in DER that the connection has verified; None where it is not an agent's."""
    parsed = x509.load_der_x509_certificate(certificate)
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1 or not uris[0].startswith("arn:"):
        return None
    return Holder(uris[0], f"{parsed.serial_number:x}", parsed.not_valid_after_utc.timestamp(), _key_in(parsed))


def new_key() -> Any:
    """Generate the private key of an agent."""
    return ec.generate_private_key(ec.SECP256R1())


def request_for(key: Any) -> bytes:
    """A certification request, in PEM, signed with the private `key`. It names nobody: the plane knows who it is."""
    signed = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def _key_in(certificate: x509.Certificate) -> bytes:
    return _public_pem(certificate.public_key())


def _public_pem(key: Any) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    octets: bytes = key.public_bytes(encoding, form)
    return octets
