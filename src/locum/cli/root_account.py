"""The root account, with which an installation begins, and the first access key of its root user.

The account is determined at the first start and stored in the state, for all nodes and later starts.
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


class RootAccount(NamedTuple):
    """The root account (12 digits) and a key of its root user."""

    account: str
    key: RootKey


async def ensure_root(
    ledger: Ledger, keyring: KeyRing, clock: Clock, entropy: Entropy, requested: str | None
) -> RootAccount:
    """The root account and an access key of its root user, which are created where they are missing.

    `requested` is the account that the operator gave, if any. Raises ConfigurationError, and changes nothing, where the
    installation has another root account. If several nodes start on one new journal, one of them creates the account
    and the key, and all return those.
    """

    def handler(state: State) -> Outcome:
        account = _account(state, requested)
        return Outcome({"Account": account}, tuple(_missing_entities(state, account, keyring, int(clock()), entropy)))

    while True:  # repeated only where the key is deleted meanwhile
        outcome = await ledger.transact(handler, lambda _outcome: ())
        account = str(outcome.answer["Account"])
        key = _key(ledger.state, account)
        if key is not None:
            return RootAccount(account, RootKey(key.id, open_secret(keyring, key.id, key.secret)))


def root_account(state: State) -> str:
    """The root account of the installation; empty before its first start.

    Where no account is marked as such, an older Locum created it: then it is the oldest account.
    """
    accounts = list(state.every(Account))
    founding = [account for account in accounts if account.founding]
    first = min(founding or accounts, key=lambda account: (account.created, account.account), default=None)
    return "" if first is None else first.account


def _account(state: State, requested: str | None) -> str:
    present = root_account(state)
    if present and requested not in (None, present):
        raise ConfigurationError(
            f"this installation began with account {present}, not {requested}: leave --account out, or make another "
            "installation in a directory of its own with --data"
        )
    return present or requested or DEFAULT_ACCOUNT


def _missing_entities(state: State, account: str, keyring: KeyRing, now: int, entropy: Entropy) -> list[Put]:
    """The events that create the account and the key where they are missing."""
    events: list[Put] = []
    found = state.get(Account, account, account) or Account(account=account, created=now)
    if not found.founding:
        events.append(put(msgspec.structs.replace(found, founding=True)))
    if _key(state, account) is None:
        key_id, _, sealed = new_access_key(keyring, account, entropy)
        events.append(put(AccessKey(account=account, id=key_id, secret=sealed, created=now)))
    return events


def _key(state: State, account: str) -> AccessKey | None:
    """The oldest active key of the root user, or None."""
    keys = (key for key in state.find(KEYS_OF_USER, scoped(account, "")) if isinstance(key, AccessKey) and key.active)
    return min(keys, key=lambda key: (key.created, key.id), default=None)
