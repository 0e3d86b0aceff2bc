"""Retrieval of an issuer's keys by OpenID Connect Discovery 1.0.

    ISSUER/.well-known/openid-configuration   has the same `issuer`, and `jwks_uri`
    jwks_uri                                  the keys (RFC 7517)

Only issuers for which an OIDC provider was created are requested: over https (http on this machine only), without
redirects, and with limits of time and size. Where this machine does not trust the certificate, one of the provider's
thumbprints must be in its chain, and the chain must be valid up to there: IAM User Guide, "Obtain the
thumbprint for an OpenID Connect identity provider".
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import ssl
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from locum.services.sts import issuers

TIMEOUT: Final = 5.0
"""The limit in seconds for both requests. "Your identity provider must respond within 5 seconds"."""

LARGEST: Final = 1 << 18
"""The limit in octets for one document."""

_CONFIGURATION: Final = "/.well-known/openid-configuration"
_HEADERS: Final = {"accept": "application/json", "accept-encoding": "identity"}


class Unreachable(Exception):
    """The issuer cannot be reached or does not respond in time."""


class Unusable(Exception):
    """The issuer's response is not usable."""


class Untrusted(Exception):
    """The issuer's certificate is neither trusted by this machine nor has one of the provider's thumbprints."""


async def fetch_keys(issuer: str, thumbprints: Sequence[str]) -> str:
    """Retrieve the JSON Web Key Set of `issuer` (a URL), as text. Raises Unreachable, Unusable, Untrusted."""
    try:
        async with asyncio.timeout(TIMEOUT):
            configuration = _json(await _get(issuer.rstrip("/") + _CONFIGURATION, thumbprints))
            location = configuration.get("jwks_uri")
            if configuration.get("issuer") != issuer or not isinstance(location, str):
                raise Unusable("the discovery document is another issuer's, or tells of no keys")
            return await _get(location, thumbprints, local=issuers.is_local(issuer))
    except TimeoutError as error:
        raise Unreachable("the issuer did not answer in time") from error


async def _get(url: str, thumbprints: Sequence[str], *, local: bool = True) -> str:
    """The document at `url`, which may be on this machine and without TLS where `local`."""
    if issuers.is_local(url):
        if not local:
            raise Unusable("the keys of a remote issuer are said to be on this machine")
        return await _read(url, verify=False)
    if not url.startswith("https://"):
        raise Unusable("the keys are said to be somewhere without TLS")
    try:
        return await _read(url, verify=ssl.create_default_context())
    except Untrusted:
        pinned = await _pinned(url, thumbprints)
    return await _read(url, verify=pinned)


async def _read(url: str, *, verify: ssl.SSLContext | bool) -> str:
    import httpx  # noqa: PLC0415 - slow to import, and few planes need it

    try:
        _ = urlsplit(url).port  # raises ValueError for an invalid port, which httpx notices too late
        client = httpx.AsyncClient(verify=verify, timeout=TIMEOUT, follow_redirects=False, trust_env=False)
        async with client, client.stream("GET", url, headers=_HEADERS) as answer:
            if answer.status_code != 200 or "content-encoding" in answer.headers:
                raise Unusable(f"the issuer answered {answer.status_code}")
            body = bytearray()
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > LARGEST:
                    raise Unusable(f"the issuer's document has more than {LARGEST} octets")
            return body.decode()
    except UnicodeDecodeError as error:
        raise Unusable("the issuer's document is no text") from error
    except (httpx.InvalidURL, ValueError) as error:  # ValueError: a host name that is not valid IDNA
        raise Unusable("the issuer's document is said to be where no URL leads") from error
    except httpx.HTTPError as error:
        raise (Untrusted if _is_untrusted_certificate(error) else Unreachable)("the issuer was not reached") from error


def _is_untrusted_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


async def _pinned(url: str, thumbprints: Sequence[str]) -> ssl.SSLContext:
    """A TLS context that trusts only the certificate in the server's chain that has one of `thumbprints`.

    The chain that was read for it is not verified; the next connection is, with the host name, by this context.
    """
    for certificate in await _chain(url) if thumbprints else ():
        fingerprint = hashlib.sha1(certificate, usedforsecurity=False).hexdigest()
        if any(hmac.compare_digest(fingerprint, thumbprint.lower()) for thumbprint in thumbprints):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(certificate))
            return context
    raise Untrusted("no certificate of the issuer has a thumbprint of the provider")


async def _chain(url: str) -> list[bytes]:
    """The certificate chain of the server of `url` (DER), unverified."""
    parts = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        _, writer = await asyncio.open_connection(parts.hostname, parts.port or 443, ssl=context)
    except (OSError, ValueError) as error:
        raise Unreachable("the issuer was not reached") from error
    try:
        return _certificates(writer.get_extra_info("ssl_object"))
    finally:
        writer.transport.abort()


def _certificates(connection: Any) -> list[bytes]:
    """The unverified chain of a connection (DER): before Python 3.13 only the private object has it, as objects."""
    if hasattr(connection, "get_unverified_chain"):
        return list(connection.get_unverified_chain())
    inside = connection._sslobj  # noqa: SLF001 - no other way before 3.13
    return [ssl.PEM_cert_to_DER_cert(found.public_bytes()) for found in inside.get_unverified_chain()]


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable("the discovery document is no JSON") from error
    if not isinstance(found, dict):
        raise Unusable("the discovery document is no JSON object")
    return found
