"""Generation of identifiers in AWS's formats.

IAM User Guide, "IAM identifiers", unique ID prefixes: AIDA user, AGPA group, AROA role, AIPA instance
profile, ANPA managed policy, ANVA policy version, ASCA certificate, AKIA access key, ASIA temporary key.

An access key id encodes its account: 80 bits in base32 after the prefix, of which the first is one,
the next forty are the account, the rest is random. sts:GetAccessKeyInfo depends on it.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from hashlib import sha256
from typing import Final

from locum.core.clock import Entropy

USER_ID: Final = "AIDA"
GROUP_ID: Final = "AGPA"
ROLE_ID: Final = "AROA"
INSTANCE_PROFILE_ID: Final = "AIPA"
POLICY_ID: Final = "ANPA"
LONG_TERM_KEY: Final = "AKIA"
TEMPORARY_KEY: Final = "ASIA"

INSTANCE_IDENTITY_ROLE: Final = "aws:ec2-instance"
"""The role that every instance has, and that is in no account's state: the names of other roles have no colon.
EC2 User Guide, "Instance identity roles"."""

OWN_IMAGE: Final = "ami-10c0000000000000a"
"""The image that is this machine itself, as `locum run` launches it. No backend has it."""

EPHEMERAL_LAUNCH: Final = "locum-run/"
"""The beginning of the client token of a launch whose instances live only as long as their launcher (`locum run`)."""

AGENT_LAUNCH: Final = "locum-agent/"
"""The beginning of the client token of a launch whose instances are other machines, by an agent (`locum activate`)."""

ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")
REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+){1,2}-[1-9][0-9]?")
"""The form of a region's name in every partition (`regionRegex` in botocore's partitions.json). As to AWS's SDKs, one
that AWS does not have is a region, too."""
ACCESS_KEY_ID: Final = re.compile(r"(AKIA|ASIA)[A-Z2-7]{16}")

_UNIQUE_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE32_PAIRS: Final = tuple(high + low for high in _UNIQUE_ALPHABET for low in _UNIQUE_ALPHABET)
"""RFC 4648 base32 by ten bits, for speed: every AssumeRole generates a key id."""
_PAIR_SHIFTS: Final = range(70, -1, -10)


@lru_cache(4096)
def canonical_user_id(account: str) -> str:
    """S3's canonical user id of an account: 64 hexadecimal digits, "an obfuscated form of the AWS account ID"."""
    return sha256(f"canonical user of {account}".encode()).hexdigest()


def unique_id(prefix: str, entropy: Entropy) -> str:
    """Generate a unique id: `prefix` and 17 characters, 21 in all, like AWS's."""
    return prefix + "".join(_UNIQUE_ALPHABET[b & 31] for b in entropy(17))


def access_key_id(prefix: str, account: str, entropy: Entropy) -> str:
    """Generate an access key id of `account` (12 digits): `prefix` and 16 base32 characters."""
    number = (1 << 79) | (int(account) << 39) | (int.from_bytes(entropy(5), "big") & 0x7FFFFFFFFF)
    return prefix + "".join([_BASE32_PAIRS[number >> shift & 0x3FF] for shift in _PAIR_SHIFTS])


def account_of_access_key(key_id: str) -> str:
    """The account that an access key id encodes. Raises ValueError where `key_id` is not one."""
    if not ACCESS_KEY_ID.fullmatch(key_id):
        raise ValueError(f"not an access key id: {key_id!r}")
    head = int.from_bytes(base64.b32decode(key_id[4:])[:6], "big")
    return f"{(head & 0x7FFFFFFFFF80) >> 7:012d}"


def hex_id(prefix: str, entropy: Entropy) -> str:
    """Generate an EC2 identifier: `prefix` (`i`, `iip-assoc`, `r` ...), a dash and 17 hexadecimal digits."""
    return f"{prefix}-{entropy(9).hex()[:17]}"


def request_id(entropy: Entropy) -> str:
    """Generate a request id: a random UUID (RFC 9562, section 5.4)."""
    return _uuid(entropy(16).hex())


class RequestIds:
    """A generator of request ids in batches, for speed: every call takes two."""

    __slots__ = ("_batch", "_entropy")

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._batch: list[str] = []

    def __call__(self) -> str:
        """The next request id. Thread-safe."""
        try:
            return self._batch.pop()
        except IndexError:
            digits = self._entropy(16 * _BATCH_SIZE).hex()
            self._batch += [_uuid(digits[at : at + 32]) for at in range(32, 32 * _BATCH_SIZE, 32)]
            return _uuid(digits[:32])


_BATCH_SIZE: Final = 128


def _uuid(digits: str) -> str:
    """Format 32 hexadecimal digits as a random UUID, setting its six version and variant bits."""
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
