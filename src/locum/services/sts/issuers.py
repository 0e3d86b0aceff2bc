"""The issuer URLs that an OIDC provider of IAM may have, as in the `iss` claim of tokens.

They are https:// and the provider's URL, as on AWS. http:// is allowed for issuers on this machine only.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit


def scheme_less(url: str) -> str:
    """`url` without its scheme, as IAM has it."""
    return url.partition("://")[2]


def is_issuer(url: str) -> bool:
    """Whether tokens of the issuer `url` may be accepted."""
    return url.startswith("https://") or is_local(url)


def is_local(url: str) -> bool:
    """Whether `url` is on this machine and without TLS."""
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
