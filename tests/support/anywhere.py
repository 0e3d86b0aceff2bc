"""Clients of IAM Roles Anywhere: authorities, certificates, and CreateSession signed with the key of one."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding

from locum.core.http import HttpRequest
from locum.sigv4.certificate_signing import ECDSA as ECDSA_SIGNED
from locum.sigv4.certificate_signing import RSA as RSA_SIGNED
from locum.sigv4.certificate_signing import string_to_sign
from locum.sigv4.times import basic
from support.certificates import DAY, YEAR, ec_key

Key = RSAPrivateKey | EllipticCurvePrivateKey
_USAGES = [
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
]
SIGNED = ("content-type", "host", "x-amz-date", "x-amz-x509")


class Issued(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def header(self) -> str:
        return b64encode(self.certificate.public_bytes(Encoding.DER)).decode()


def name(common: str, **more: str) -> x509.Name:
    """A distinguished name: name("app", OU="web")."""
    kinds = {"O": x509.NameOID.ORGANIZATION_NAME, "OU": x509.NameOID.ORGANIZATIONAL_UNIT_NAME}
    others = [x509.NameAttribute(kinds[kind], value) for kind, value in more.items()]
    return x509.Name([*others, x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def issued(
    subject: x509.Name | str,
    issuer: Issued | None,
    now: float,
    *,
    key: Key | None = None,
    ca: bool | None = False,
    path_length: int | None = None,
    usages: Sequence[str] = ("digital_signature",),
    begins: int = -DAY,
    expires: int = YEAR,
    serial: int | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    digest: SHA384 | None = None,
) -> Issued:
    """A certificate of `issuer`, or one that is its own; valid from `now + begins` to `now + expires` (seconds)."""
    named = name(subject) if isinstance(subject, str) else subject
    own = key or ec_key(named.rfc4514_string())
    by = issuer.certificate.subject if issuer else named
    start = datetime.fromtimestamp(int(now), UTC)
    limits = start + timedelta(seconds=begins), start + timedelta(seconds=expires)
    number = serial or x509.random_serial_number()
    builder = x509.CertificateBuilder(by, named, own.public_key(), number, *limits)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    if usages:
        builder = builder.add_extension(x509.KeyUsage(**{usage: usage in usages for usage in _USAGES}), critical=True)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Issued(builder.sign(issuer.key if issuer else own, digest or SHA256()), own)


def authority(common: str, now: float, issuer: Issued | None = None, **changes: Any) -> Issued:
    """The certificate of an authority."""
    fields = {"ca": True, "usages": ("key_cert_sign", "crl_sign"), "key": ec_key(f"authority {common}"), **changes}
    return issued(common, issuer, now, **fields)


def revoking(issuer: Issued, now: float, *serials: int) -> bytes:
    """A revocation list of `issuer` in PEM."""
    at = datetime.fromtimestamp(int(now), UTC)
    builder = x509.CertificateRevocationListBuilder(issuer.certificate.subject, at, at + timedelta(days=1))
    for serial in serials:
        builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder(serial, at).build())
    return builder.sign(issuer.key, SHA256()).public_bytes(Encoding.PEM)


def request(
    client: Issued,
    now: float,
    body: dict[str, Any],
    *,
    chain: Sequence[Issued] = (),
    query: str = "",
    region: str = "us-east-1",
    **headers: str,
) -> HttpRequest:
    """CreateSession as AWS's credential helper sends it; `headers` are further ones, with _ for -."""
    given = {
        "host": "127.0.0.1:4566",
        "content-type": "application/json",
        "x-amz-date": basic(now),
        "x-amz-x509": client.header,
        **{key.replace("_", "-"): value for key, value in headers.items()},
    }
    if chain:
        given["x-amz-x509-chain"] = ",".join(each.header for each in chain)
    unsigned = HttpRequest("POST", "/sessions", query, given, json.dumps(body).encode(), "127.0.0.1", False)
    return signed(unsigned, client, region)


def signed(unsigned: HttpRequest, client: Issued, region: str = "us-east-1") -> HttpRequest:
    """`unsigned`, with the signature of the key of `client`."""
    names = tuple(sorted(unsigned.headers))
    algorithm = RSA_SIGNED if isinstance(client.key, RSAPrivateKey) else ECDSA_SIGNED
    text = string_to_sign(unsigned, algorithm, names, region)
    if isinstance(client.key, RSAPrivateKey):
        signature = client.key.sign(text, PKCS1v15(), SHA256())
    else:
        signature = client.key.sign(text, ECDSA(SHA256()))
    scope = f"{unsigned.headers['x-amz-date'][:8]}/{region}/rolesanywhere/aws4_request"
    credential = f"{client.certificate.serial_number}/{scope}"
    signing = f"{algorithm} Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature.hex()}"
    headers = {**unsigned.headers, "authorization": signing}
    sent = unsigned
    return HttpRequest(sent.method, sent.raw_path, sent.query_string, headers, sent.body, "127.0.0.1", False)
