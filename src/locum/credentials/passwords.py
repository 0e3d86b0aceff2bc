"""Console passwords, kept as Argon2id digests (RFC 9106) in the encoded form `$argon2id$v=19$m=...$salt$hash`.

A new password of somebody who has one gets the salt of the old one. So one computation tells whether it is any of
those that were used before, whichever their number; what the digests give away to their reader is no more than that
two passwords of the same person are the same, which the prevention of reuse forbids. Two people never share a salt.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from typing import Final

from locum.core.clock import Entropy

MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1
"""OWASP, "Password Storage Cheat Sheet": "Use Argon2id with a minimum configuration of 19 MiB of memory, an iteration
count of 2, and 1 degree of parallelism." """

SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
"""RFC 9106, section 3.1: "16 bytes is RECOMMENDED for password hashing"; section 4: "256-bit tag"."""

_PRESENT: Final = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$"


class PasswordDigests:
    """The digests of one call, each computed once: whoever ran it beside an event loop can run it there again.

    To be dropped with the call, for it holds what was digested.
    """

    __slots__ = ("_known", "_salt")

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._salt = b""

    def of(self, password: str, head: str) -> str:
        """The digest of `password` that begins with `head`."""
        found = self._known.get((password, head))
        if found is None:
            found = self._known[password, head] = _digest(password, head)
        return found

    def salt(self, entropy: Entropy) -> bytes:
        """A salt, the same whenever it is asked for."""
        self._salt = self._salt or entropy(SALT_BYTES)
        return self._salt

    def __repr__(self) -> str:
        return "PasswordDigests()"


def new_digest(password: str, entropy: Entropy, previous: str = "", digests: PasswordDigests | None = None) -> str:
    """The digest of `password`: with the salt of `previous`, where there is a digest before it in today's form."""
    digests = digests or PasswordDigests()
    fresh = not previous.startswith(_PRESENT)
    return digests.of(password, f"{_PRESENT}{_text(digests.salt(entropy))}" if fresh else _head(previous))


def is_one_of(password: str, known: Iterable[str], digests: PasswordDigests | None = None) -> bool:
    """Whether any of the digests `known` is that of `password`. An empty one is nobody's."""
    digests = digests or PasswordDigests()
    known = [digest for digest in known if digest]
    candidates = {head: digests.of(password, head) for head in map(_head, known)}
    return sum(hmac.compare_digest(candidates[_head(digest)], digest) for digest in known) > 0


def _head(digest: str) -> str:
    """What comes before the hash: kind, version, costs and salt."""
    return digest.rpartition("$")[0]


def _digest(password: str, head: str) -> str:
    from argon2 import Type, extract_parameters  # noqa: PLC0415 - a binary module that most planes never need
    from argon2.low_level import hash_secret  # noqa: PLC0415

    salt = head.rpartition("$")[2]
    costs = extract_parameters(f"{head}${_text(bytes(HASH_BYTES))}")
    return hash_secret(
        password.encode(),
        base64.b64decode(salt + "=" * (-len(salt) % 4)),
        costs.time_cost,
        costs.memory_cost,
        costs.parallelism,
        costs.hash_len,
        Type.ID,
    ).decode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
