"""Callers with X.509 certificates, who sign CreateSession of IAM Roles Anywhere with the key of theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from locum import wire
from locum.calls import Calls, RequestContext
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.core.principal import ClientCertificate
from locum.credentials.certificatepaths import Untrusted, read, read_chain
from locum.services import rolesanywhere
from locum.services.rolesanywhere.faults import denied, untrusted, validation
from locum.sigv4 import certificate_signing as signing
from locum.state import organizations

LARGEST: Final = 65_536
"""Octets of a body: the request has some names and a certificate."""

_IN_QUERY: Final = ("profileArn", "roleArn", "trustAnchorArn")


async def create_session(calls: Calls, context: RequestContext) -> HttpResponse:
    """The answer to a request that claims to be signed with the key of a certificate. Raises Fault."""
    request = context.request
    codec = context.codec = wire.codec_of(signing.SERVICE, "CreateSession")
    assert codec is not None
    if (request.method, request.raw_path) != ("POST", "/sessions") or len(request.body) > LARGEST:
        raise denied("Only CreateSession is signed with the key of a certificate")
    claim = signing.read(request, context.wall)
    try:
        leaf, chain = read(claim.certificate), read_chain(claim.chain)
    except Untrusted:
        raise untrusted() from None
    _check_signature(claim, leaf)
    context.region = claim.region
    calls.name(context, codec, _params(request.query_string, request.body))
    certificate = ClientCertificate(_der(leaf), tuple(map(_der, chain)))
    caller = rolesanywhere.caller(context.state, certificate, context.params, claim.region, context.now)
    if caller.account in organizations.suspended(context.state):
        raise untrusted()
    context.caller = caller
    answer = await calls.take(context)
    assert isinstance(answer, dict)
    return codec.serialize(answer, context.request_id)


def _check_signature(claim: signing.CertificateClaim, leaf: x509.Certificate) -> None:
    """Raise Fault where the key of `leaf` did not sign, or another certificate is named."""
    try:
        key = leaf.public_key()
        if leaf.serial_number != claim.serial:
            raise untrusted()
        if claim.algorithm == signing.RSA and isinstance(key, RSAPublicKey):
            key.verify(claim.signature, claim.text, PKCS1v15(), SHA256())
        elif claim.algorithm == signing.ECDSA and isinstance(key, EllipticCurvePublicKey):
            key.verify(claim.signature, claim.text, ECDSA(SHA256()))
        else:
            raise untrusted()
    except (InvalidSignature, ValueError):
        raise denied("The signature does not match the certificate") from None


def _params(query_string: str, body: bytes) -> dict[str, Any]:
    """The parameters: ARNs in the query or the body, all else in the body. Raises Fault ValidationException."""
    try:
        given = json.loads(body or b"{}")
        query = parse_qsl(query_string, keep_blank_values=True, strict_parsing=bool(query_string))
    except (ValueError, RecursionError):
        raise validation("The request is not valid") from None
    if not isinstance(given, dict):
        raise validation("The body is no JSON object")
    for name, value in query:
        if name not in _IN_QUERY or given.setdefault(name, value) != value:
            raise validation(f"The parameter {name[:64]} is not valid")
    return _typed(given)


def _typed(given: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are known; null ones are not there."""
    kinds = {"durationSeconds": int, **dict.fromkeys((*_IN_QUERY, "cert", "roleSessionName"), str)}
    params = {name: given[name] for name in kinds if given.get(name) is not None}
    for name, value in params.items():
        if type(value) is not kinds[name]:
            raise validation(f"The parameter {name} is not valid")
    missing = [name for name in _IN_QUERY if name not in params]
    if missing:
        raise Fault("ValidationException", f"The parameter {missing[0]} is missing", 400)
    return params


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
