"""Requests that are signed with the key of an X.509 certificate: CreateSession of IAM Roles Anywhere.

IAM Roles Anywhere User Guide, "The IAM Roles Anywhere authentication signing process": Signature Version 4, but for

    Authorization: AWS4-X509-RSA-SHA256 Credential=<serial number>/<date>/<region>/rolesanywhere/aws4_request,
                   SignedHeaders=<name>;<name>, Signature=<hexadecimal>      (or AWS4-X509-ECDSA-SHA256)
    X-Amz-X509: <the certificate>
    X-Amz-X509-Chain: <the certificates between it and one that is trusted>

The serial number is decimal. The string to sign is signed itself: RSASSA-PKCS1-v1_5 or ECDSA, both with SHA-256. That a
request was signed with the key of the certificate in it says nothing of whose certificate that is.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final, NamedTuple

from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.sigv4 import canonical
from locum.sigv4.times import epoch_of
from locum.sigv4.verification import MAX_SKEW

RSA: Final = "AWS4-X509-RSA-SHA256"
ECDSA: Final = "AWS4-X509-ECDSA-SHA256"
SERVICE: Final = "rolesanywhere"

_PREFIX: Final = "AWS4-X509-"
_HEADER: Final = re.compile(
    rf"({RSA}|{ECDSA}) Credential=([0-9]{{1,60}})/([0-9]{{8}})/([a-z0-9-]{{1,64}})/{SERVICE}/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]{1,512}), Signature=([0-9a-f]{2,2048})"
)
_REQUIRED: Final = ("host", "x-amz-date", "x-amz-x509")


class CertificateClaim(NamedTuple):
    """The unverified signature of a request. `serial` is the serial number that it claims, `text` what was signed.

    `certificate` and `chain` are the headers, as they were sent.
    """

    algorithm: str
    serial: int
    region: str
    signature: bytes
    text: bytes
    certificate: str
    chain: str


def is_signed_by_certificate(request: HttpRequest) -> bool:
    """Whether a request claims to be signed with the key of a certificate."""
    return request.headers.get("authorization", "").startswith(_PREFIX)


def read(request: HttpRequest, now: float) -> CertificateClaim:
    """Parse the signature of `request`, which came at `now` (epoch seconds). Raises Fault AccessDeniedException."""
    headers = request.headers
    found = _HEADER.fullmatch(headers.get("authorization", ""))
    if found is None or len(found[6]) % 2:
        raise _refused("The Authorization header is not valid")
    algorithm, serial, day, region, named, signature = found.groups()
    names = tuple(named.split(";"))
    signed = frozenset(names)
    required = {*_REQUIRED, *(name for name in headers if name.startswith("x-amz-"))}
    if not required <= signed or len(signed) < len(names):
        raise _refused("The headers host, x-amz-date and x-amz-x509 must be signed, as all others of x-amz-")
    date = headers.get("x-amz-date", "")
    at = epoch_of(date)
    if at is None or not date.startswith(day):
        raise _refused("The date of the request is not valid")
    if abs(now - at) > MAX_SKEW:
        raise _refused("Signature expired or not yet current")
    text = _string_to_sign(request, algorithm, names, f"{day}/{region}/{SERVICE}/aws4_request")
    certificate, chain = headers.get("x-amz-x509", ""), headers.get("x-amz-x509-chain", "")
    return CertificateClaim(algorithm, int(serial), region, bytes.fromhex(signature), text, certificate, chain)


def string_to_sign(request: HttpRequest, algorithm: str, names: tuple[str, ...], region: str) -> bytes:
    """The string that a client signs for `request`, whose header x-amz-date it has set."""
    day = request.headers["x-amz-date"][:8]
    return _string_to_sign(request, algorithm, names, f"{day}/{region}/{SERVICE}/aws4_request")


def _string_to_sign(request: HttpRequest, algorithm: str, names: tuple[str, ...], scope: str) -> bytes:
    path, query = canonical.as_sent(request.raw_path, request.query_string, double_encode=True, presigned=False)
    lines = canonical.header_lines(request.headers, names)
    payload = sha256(request.body).hexdigest()
    hashed = sha256(
        canonical.octets(f"{request.method}\n{path}\n{query}\n{lines}\n{';'.join(names)}\n{payload}")
    ).hexdigest()
    return f"{algorithm}\n{request.headers['x-amz-date']}\n{scope}\n{hashed}".encode()


def _refused(message: str) -> Fault:
    return Fault("AccessDeniedException", message, 403)
