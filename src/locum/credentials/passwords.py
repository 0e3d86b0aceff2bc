"""Console passwords, stored as Argon2id digests (RFC 9106) in the encoded form `$argon2id$v=19$m=...$salt$hash`.

A user's new password gets the salt of the previous one, so that one computation compares it with all previous
passwords, whatever their number. The digests then reveal only whether two passwords of one user are equal, which the
prevention of reuse forbids. No two users share a salt.
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

_PRESENT_PARAMETERS: Final = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$"


class PasswordDigests:
    """The digests of one call, each computed once, so that a call rehearsed in a thread is quick when it is run again.

    It must be dropped with the call, as it holds plaintext passwords.
    """

    __slots__ = ("_known", "_salt")

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._salt = b""

    def of(self, password: str, head: str) -> str:
        """The digest of `password` with the parameters and salt in `head`."""
        found = self._known.get((password, head))
        if found is None:
            found = self._known[password, head] = _digest(password, head)
        return found

    def salt(self, entropy: Entropy) -> bytes:
        """The salt for new digests, the same for each call of this method."""
        self._salt = self._salt or entropy(SALT_BYTES)
        return self._salt

    def __repr__(self) -> str:
        return "PasswordDigests()"


def new_digest(password: str, entropy: Entropy, previous: str = "", digests: PasswordDigests | None = None) -> str:
    """The digest of `password`, with the salt of the digest `previous` where that has the present parameters."""
    digests = digests or PasswordDigests()
    fresh = not previous.startswith(_PRESENT_PARAMETERS)
    return digests.of(password, f"{_PRESENT_PARAMETERS}{_text(digests.salt(entropy))}" if fresh else _head(previous))


def matches_any(password: str, known: Iterable[str], digests: PasswordDigests | None = None) -> bool:
    """Whether `password` matches any of the digests `known`. An empty digest matches nothing."""
    digests = digests or PasswordDigests()
    known = [digest for digest in known if digest]
    candidates = {head: digests.of(password, head) for head in map(_head, known)}
    return sum(hmac.compare_digest(candidates[_head(digest)], digest) for digest in known) > 0


def _head(digest: str) -> str:
    """The part of a digest before the hash: type, version, costs and salt."""
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
