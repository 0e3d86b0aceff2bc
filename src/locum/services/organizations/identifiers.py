"""Generation of Organizations' identifiers: a prefix, and lower-case letters and digits."""

from __future__ import annotations

from typing import Final

from locum.core.clock import Entropy
from locum.state import Account, State
from locum.state.organizations import member_of

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"


def new_id(prefix: str, length: int, entropy: Entropy) -> str:
    """Generate an id: `prefix` and `length` characters (`p-4fj2k0xq`)."""
    number = int.from_bytes(entropy(length), "big")
    characters = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return prefix + "".join(characters)


def new_account_id(state: State, entropy: Entropy) -> str:
    """Generate an account id that is not in use."""
    while True:
        account = f"{int.from_bytes(entropy(8), 'big') % 10**12:012}"
        if state.get(Account, account, account) is None and member_of(state, account) is None:
            return account
