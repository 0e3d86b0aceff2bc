"""The account that an installation begins with, and the first key of its root user.

Which account that is, is settled by the first start and kept in the state, for every node and every later start alike.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from locum.cli.home import RootKey
from locum.core.clock import Clock, Entropy
from locum.core.errors import ConfigurationError
from locum.credentials import KeyRing, new_access_key, open_secret
from locum.services.verbs import Outcome
from locum.state import AccessKey, Account, State, put
from locum.state.events import Put
from locum.state.indexes import KEYS_OF_USER, scoped
from locum.store import Ledger

DEFAULT_ACCOUNT: Final = "000000000000"


class Root(NamedTuple):
    """The root account (12 digits) and a key of its root user."""

    account: str
    key: RootKey


async def ensure_root(ledger: Ledger, keyring: KeyRing, clock: Clock, entropy: Entropy, asked: str | None) -> Root:
    """The root account, with a key of its root user: both are made where there is none.

    `asked` is the account that the operator named, if any. Raises ConfigurationError, and changes nothing, where
    the installation began with another one. However many nodes start at once on one new journal, one of them makes the
    account and the key, and all answer those.
    """

    def handler(state: State) -> Outcome:
        account = _settled(state, asked)
        return Outcome({"Account": account}, tuple(_missing(state, account, keyring, int(clock()), entropy)))

    while True:  # once, but where somebody takes the key away meanwhile
        outcome = await ledger.transact(handler, lambda _outcome: ())
        account = str(outcome.answer["Account"])
        key = _key(ledger.state, account)
        if key is not None:
            return Root(account, RootKey(key.id, open_secret(keyring, key.id, key.secret)))


def root_account(state: State) -> str:
    """The account that the installation began with; empty before its first start.

    Where none is marked, a Locum that did not mark them yet made the oldest one first.
    """
    accounts = list(state.every(Account))
    marked = [account for account in accounts if account.founding]
    first = min(marked or accounts, key=lambda account: (account.created, account.account), default=None)
    return "" if first is None else first.account


def _settled(state: State, asked: str | None) -> str:
    known = root_account(state)
    if known and asked not in (None, known):
        raise ConfigurationError(
            f"this installation began with account {known}, not {asked}: leave --account out, or make another "
            "installation in a directory of its own with --data"
        )
    return known or asked or DEFAULT_ACCOUNT


def _missing(state: State, account: str, keyring: KeyRing, now: int, entropy: Entropy) -> list[Put]:
    """The events that make what is not there."""
    events: list[Put] = []
    found = state.get(Account, account, account) or Account(account=account, created=now)
    if not found.founding:
        events.append(put(msgspec.structs.replace(found, founding=True)))
    if _key(state, account) is None:
        key_id, _, sealed = new_access_key(keyring, account, entropy)
        events.append(put(AccessKey(account=account, id=key_id, secret=sealed, created=now)))
    return events


def _key(state: State, account: str) -> AccessKey | None:
    """A key of the root user that can be used: always the same one of several."""
    keys = (key for key in state.find(KEYS_OF_USER, scoped(account, "")) if isinstance(key, AccessKey) and key.active)
    return min(keys, key=lambda key: (key.created, key.id), default=None)
