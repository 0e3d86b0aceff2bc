"""Signing of requests, as a client does, for backends that verify signatures."""

from __future__ import annotations

from hashlib import sha256

from locum.core.http import HttpRequest
from locum.sigv4 import canonical
from locum.sigv4.claim import Scope
from locum.sigv4.faults import S3_SIGNING_NAMES
from locum.sigv4.keys import ALGORITHM, sign, signing_key
from locum.sigv4.times import basic


def signed_headers(
    request: HttpRequest,
    *,
    access_key_id: str,
    secret: str,
    region: str,
    service: str,
    now: float,
    session_token: str | None = None,
) -> dict[str, str]:
    """The headers to add to `request` to sign it. The signature covers `host`, content-type and all x-amz-* headers.

    `service` is the signing name, `now` epoch seconds. `request` must have a `host` header.
    """
    date = basic(now)
    scope = Scope(date[:8], region, service)
    payload = sha256(request.body).hexdigest()
    added = {"x-amz-date": date, "x-amz-content-sha256": payload}
    if session_token is not None:
        added["x-amz-security-token"] = session_token
    headers = {**request.headers, **added}
    names = sorted(name for name in headers if name in {"host", "content-type"} or name.startswith("x-amz-"))
    text = (
        f"{request.method}\n"
        f"{canonical.path_as_sent(request.raw_path, double_encode=service not in S3_SIGNING_NAMES)}\n"
        f"{canonical.query_as_sent(request.query_string, presigned=False)}\n"
        f"{canonical.header_lines(headers, names)}\n"
        f"{';'.join(names)}\n"
        f"{payload}"
    )
    hashed = sha256(canonical.octets(text)).hexdigest()
    key = signing_key(secret, scope.date, region, service)
    signature = sign(key, f"{ALGORITHM}\n{date}\n{scope}\n{hashed}")
    credential = f"{access_key_id}/{scope}"
    added["authorization"] = (
        f"{ALGORITHM} Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return added
