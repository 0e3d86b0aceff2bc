"""The signing key of AWS Signature Version 4, and signatures made with it.

IAM User Guide, "Create a signed AWS API request", steps 3 to 5: the key is a chain of HMAC-SHA256 over date,
region, service and "aws4_request". It is valid for a day and cached, so that further requests cost one HMAC each.
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
"""The number of signing keys in the cache, one per caller, region and service of a day, at about 500 bytes each."""


@lru_cache(CACHED_KEYS)
def signing_key(secret: str, date: str, region: str, service: str) -> HmacKey:
    """The signing key for `date` (YYYYMMDD), region and service. `secret` is the stored one, never sent by a client."""
    key = b"AWS4" + secret.encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode("utf-8", "surrogatepass"), "sha256")
    return HmacKey(key)


def sign(key: HmacKey, text: str) -> str:
    """The signature of a string to sign, in lower-case hexadecimal."""
    return key.digest(text.encode("utf-8", "surrogatepass")).hex()


def constant_time_equal(ours: str, theirs: str) -> bool:
    """Whether two signatures are equal, compared in constant time."""
    return theirs.isascii() and hmac.compare_digest(ours, theirs)
