"""CreateSession of IAM Roles Anywhere, as a client: credentials for a certificate."""

from __future__ import annotations

import http.client
import json
import ssl
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from locum.core.arn import Arn
from locum.core.clock import Clock
from locum.core.errors import ConfigurationError
from locum.core.http import HttpRequest
from locum.sigv4.certificate_signing import ECDSA as BY_ECDSA
from locum.sigv4.certificate_signing import RSA as BY_RSA
from locum.sigv4.certificate_signing import SERVICE, string_to_sign
from locum.sigv4.times import basic

_SECONDS: Final = 30
_LARGEST: Final = 1 << 20


class Identity(NamedTuple):
    """A certificate, its key, and the certificates between it and the trust anchor."""

    certificate: x509.Certificate
    key: RSAPrivateKey | EllipticCurvePrivateKey
    chain: Sequence[x509.Certificate]


def read_identity(certificate: Path, key: Path, intermediates: Path | None) -> Identity:
    """Read them from files in PEM. Raises ConfigurationError."""
    try:
        own, *others = x509.load_pem_x509_certificates(certificate.read_bytes())
        if intermediates is not None:
            others += x509.load_pem_x509_certificates(intermediates.read_bytes())
        private = load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"the certificate or its key cannot be read: {error}") from error
    if not isinstance(private, RSAPrivateKey | EllipticCurvePrivateKey):
        raise ConfigurationError(f"{key} is neither an RSA key nor one of an elliptic curve")
    return Identity(own, private, others)


def create_session(endpoint: str, identity: Identity, body: dict[str, Any], clock: Clock) -> dict[str, Any]:
    """The `credentials` of CreateSession with the parameters `body`. Raises ConfigurationError where it is refused."""
    anchor = Arn.find(body["trustAnchorArn"])
    if anchor is None:
        raise ConfigurationError(f"{body['trustAnchorArn']} is no ARN")
    parts = urlsplit(endpoint)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
    request = _signed(parts.netloc, identity, body, anchor.region, clock())
    try:
        connection.request("POST", "/sessions", request.body, dict(request.headers))
        answer = connection.getresponse()
        told = json.loads(answer.read(_LARGEST))
    except (OSError, ssl.SSLError, http.client.HTTPException, ValueError) as error:
        raise ConfigurationError(f"{endpoint} did not answer: {error}") from error
    finally:
        connection.close()
    if answer.status != http.client.CREATED:
        code = (answer.headers.get("x-amzn-errortype") or str(answer.status)).partition(":")[0]
        raise ConfigurationError(f"{code}: {told.get('message', '')}")
    credentials: dict[str, Any] = told["credentialSet"][0]["credentials"]
    return credentials


def _signed(host: str, identity: Identity, body: dict[str, Any], region: str, now: float) -> HttpRequest:
    headers = {
        "content-type": "application/json",
        "host": host,
        "x-amz-date": basic(now),
        "x-amz-x509": _encoded(identity.certificate),
    }
    if identity.chain:
        headers["x-amz-x509-chain"] = ",".join(map(_encoded, identity.chain))
    request = HttpRequest("POST", "/sessions", "", headers, json.dumps(body).encode())
    names = tuple(sorted(headers))
    algorithm = BY_RSA if isinstance(identity.key, RSAPrivateKey) else BY_ECDSA
    text = string_to_sign(request, algorithm, names, region)
    if isinstance(identity.key, RSAPrivateKey):
        signature = identity.key.sign(text, PKCS1v15(), SHA256())
    else:
        signature = identity.key.sign(text, ECDSA(SHA256()))
    scope = f"{headers['x-amz-date'][:8]}/{region}/{SERVICE}/aws4_request"
    credential = f"{identity.certificate.serial_number}/{scope}"
    signing = f"{algorithm} Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature.hex()}"
    return HttpRequest("POST", "/sessions", "", {**headers, "authorization": signing}, request.body)


def _encoded(certificate: x509.Certificate) -> str:
    return b64encode(certificate.public_bytes(Encoding.DER)).decode()
