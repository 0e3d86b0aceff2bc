"""The signing key, and what is signed with it.

IAM User Guide, "Create a signed AWS API request", steps 3 to 5: the key is a chain of HMAC-SHA256 over date,
region, service and "aws4_request"; it lasts a day, so that a client's next request costs one HMAC.
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from hashlib import sha256
from typing import Final

from locum.core.mac import HmacKey

ALGORITHM: Final = "AWS4-HMAC-SHA256"
TERMINATOR: Final = "aws4_request"
EMPTY_SHA256: Final = sha256(b"").hexdigest()
CACHED_KEYS: Final = 4096
"""How many signing keys are kept in memory: those of the day's callers, at about 500 bytes each."""


@lru_cache(CACHED_KEYS)
def signing_key(secret: str, date: str, region: str, service: str) -> HmacKey:
    """The key for `date` (YYYYMMDD), region and service. The secret is ours, never what a client sent."""
    key = b"AWS4" + secret.encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode("utf-8", "surrogatepass"), "sha256")
    return HmacKey(key)


def sign(key: HmacKey, text: str) -> str:
    """The signature of a string to sign, in lower-case hexadecimal."""
    return key.digest(text.encode("utf-8", "surrogatepass")).hex()


def same(ours: str, theirs: str) -> bool:
    """Whether two signatures are equal, in a time that tells nothing of where they differ."""
    return theirs.isascii() and hmac.compare_digest(ours, theirs)
