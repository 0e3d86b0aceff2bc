"""The issuers that a provider of IAM may stand for, by the URL in their tokens' `iss` claim.

https:// and the provider's URL, as AWS has it. On this machine alone http:// will do: nobody else is between.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit


def scheme_less(url: str) -> str:
    """`url` as IAM keeps it."""
    return url.partition("://")[2]


def is_issuer(url: str) -> bool:
    """Whether tokens of the issuer `url` may be accepted at all."""
    return url.startswith("https://") or is_local(url)


def is_local(url: str) -> bool:
    """Whether `url` is one of this machine, without TLS."""
    try:
        parts: SplitResult = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme == "http" and "@" not in parts.netloc and _is_loopback(host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
