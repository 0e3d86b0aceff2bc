"""Taking a journal back to an earlier entry, by one more entry: nothing that happened is removed.

Sequence numbers go on, so that nobody who saw a later one is confused; the record stays what it was; and what the
entry changed is known as that of any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Any, Final, NamedTuple, cast

from immutables import Map

from locum.core.clock import iso8601
from locum.core.errors import ConfigurationError
from locum.state import (
    AccessKey,
    AnyEntity,
    Entity,
    Event,
    Group,
    InstanceProfile,
    PendingEffect,
    Policy,
    Removed,
    Role,
    ServerCertificate,
    ServiceSpecificCredential,
    State,
    User,
    kind_of,
    put,
)
from locum.state.anywhere import AnywhereProfile, CertificateSubject, RevocationList, TrustAnchor
from locum.state.providers import OidcProvider, SamlProvider
from locum.state.signin import LoginProfile, MfaDevice, PasswordPolicy
from locum.state.trails import DigestChain, DigestKey, LogFile, TrailProgress
from locum.store.checkpoint import changes, load
from locum.store.journal import Compacted, Entry, Journal
from locum.store.past import state_at

_CARRIED_OUT: Final = frozenset({kind_of(PendingEffect), kind_of(LogFile)})
"""What is there until it was carried out: where it is not there any more, it was, and is not to be again."""

_OF_THE_RECORD: Final = frozenset({kind_of(DigestChain), kind_of(DigestKey), kind_of(TrailProgress)})
"""What follows the record, which is not taken back."""

_OF_IAM: Final[tuple[type[Entity], ...]] = (
    AccessKey,
    AnywhereProfile,
    CertificateSubject,
    Group,
    InstanceProfile,
    LoginProfile,
    MfaDevice,
    OidcProvider,
    PasswordPolicy,
    Policy,
    RevocationList,
    Role,
    SamlProvider,
    ServerCertificate,
    ServiceSpecificCredential,
    TrustAnchor,
    User,
)
IDENTITIES: Final = frozenset(map(kind_of, _OF_IAM))
"""Identities, their credentials and policies: their former values are kept for longer than entries."""

_NONE: Final[Map[str, Any]] = Map()


class Then(NamedTuple):
    """A state as it is (`now`), and as it was (`then`)."""

    now: State
    then: State


def as_of_entry(journal: Journal, sequence: int) -> Then:
    """The state after the entry `sequence`. Raises ConfigurationError where the entries do not reach back so far."""
    last, first = journal.last(), journal.checkpointed()
    if not first <= sequence <= last:
        raise ConfigurationError(f"the journal can be taken back to entries {first} to {last}, not to {sequence}")
    then = now = load(cast("Journal", _Shorter(journal, sequence)))
    for change in changes(journal, then):
        now = change.state
    return Then(now, then)


def as_of_time(journal: Journal, at: float) -> Then:
    """The state at a time (epoch seconds): after the last entry that is not younger. Raises ConfigurationError."""
    first = journal.checkpointed()
    entries = list(_entries(journal, first))
    not_younger = [entry.sequence for entry in entries if entry.at <= at]
    if not not_younger and first:
        known = f": it goes back to {iso8601(entries[0].at)}" if entries else ""
        raise ConfigurationError(f"the entries of the journal do not reach back to {iso8601(at)}{known}")
    return as_of_entry(journal, max(not_younger, default=0))


def identities_at(journal: Journal, at: float) -> Then:
    """The state of which identities and their policies are those of a time. Raises Forgotten."""
    now = load(journal)
    return Then(now, state_at(journal, now, at))


def events_back(states: Then, kinds: frozenset[str] | None = None) -> list[Event]:
    """The events after which the state is as it was: all of it, or what is of `kinds`.

    But for what is outside of it: an effect that was carried out is not carried out again, and a trail goes on where it
    is in the record.
    """
    found: list[Event] = []
    for kind in sorted({*states.now.tables, *states.then.tables} if kinds is None else kinds):
        now, then = states.now.tables.get(kind, _NONE), states.then.tables.get(kind, _NONE)
        for account in sorted({*now, *then}):
            found += _of_table(kind, account, now.get(account, _NONE), then.get(account, _NONE))
    return found


def _of_table(kind: str, account: str, now: Map[str, Entity], then: Map[str, Entity]) -> Iterator[Event]:
    if now is then:
        return
    for key in sorted({*now} - {*then}):
        yield Removed(kind, account, key)
    for key in sorted(then):
        there = key in now
        stays = (kind in _OF_THE_RECORD and there) or kind in _CARRIED_OUT
        if not stays and now.get(key) != then[key]:
            yield put(cast("AnyEntity", then[key]))


def _entries(journal: Journal, first: int) -> Iterator[Entry]:
    """The entries behind the checkpoint, with the last one that is in it, where that is kept."""
    try:
        yield from journal.read(max(first - 1, 0))
    except Compacted:
        yield from journal.read(first)


class _Shorter:
    """A journal as it was when an entry was its last one: what loading it takes."""

    def __init__(self, journal: Journal, last: int) -> None:
        self._journal = journal
        self._last = last

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def read(self, after: int) -> Iterator[Entry]:
        """The entries up to the last one."""
        return takewhile(lambda entry: entry.sequence <= self._last, self._journal.read(after))
