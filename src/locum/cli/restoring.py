"""A data directory made of a backup: whole, verified, and taken back to an earlier time where that is asked for."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from locum.cli import backup_files
from locum.cli.backup_files import About
from locum.cli.home import KEYRING_FILE
from locum.cli.private_files import write_private
from locum.core.clock import Clock, iso8601, system_clock
from locum.core.errors import ConfigurationError
from locum.credentials import BrokenSeal, KeyRing, open_secret, read_keyring
from locum.services.verbs import Outcome
from locum.state import AccessKey, PendingEffect, State
from locum.store import DataDirectory, Journal, Ledger, SqliteJournal
from locum.store.checkpoint import load
from locum.store.copying import check_file
from locum.store.sqlite import FILE as JOURNAL
from locum.store.taking_back import IDENTITIES, Then, as_of_entry, as_of_time, events_back, identities_at

_KEYS_TRIED: Final = 1_000


class Back(NamedTuple):
    """What is taken back: to an entry of the journal, else a time (epoch seconds); all of it, or identities alone."""

    sequence: int | None = None
    at: float | None = None
    identities: bool = False

    @property
    def asked(self) -> bool:
        """Whether anything is."""
        return self.sequence is not None or self.at is not None

    def states(self, journal: Journal) -> Then:
        """The state as it is and as it is to be. Raises LocumError."""
        if self.sequence is not None:
            return as_of_entry(journal, self.sequence)
        at = 0.0 if self.at is None else self.at
        return identities_at(journal, at) if self.identities else as_of_time(journal, at)


class Restored(NamedTuple):
    """What was restored: the backup, the last entry of its journal, and how many effects are still to be delivered.

    `changes` are those of the entry that takes something back.
    """

    about: About
    sequence: int
    effects: int
    changes: int = 0


def restore(source: str, target: Path, ring: Path | None, back: Back, clock: Clock = system_clock) -> Restored:
    """Make the data directory `target` of a backup. `ring` is a file with its key ring. Raises LocumError.

    `target` is there when all of it was verified, and not before.
    """
    target = target.expanduser().absolute()
    if os.path.lexists(target) and (not target.is_dir() or any(target.iterdir())):
        raise ConfigurationError(f"{target} has something in it: name a new directory with --data")
    draft = target.with_name(f".{target.name}.{os.getpid()}.new")
    DataDirectory.claim(draft).release()
    try:
        about = backup_files.unpack(source, draft)
        _check_moment(back, about)
        if ring is not None:
            write_private(draft / KEYRING_FILE, _ring_text(ring))
        restored = _verified(draft, about)
        if back.asked:
            restored = asyncio.run(_taken_back(draft, restored, back, clock))
        os.sync()
        draft.rename(target)
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return restored


def _check_moment(back: Back, about: About) -> None:
    """Raises ConfigurationError where a backup was made before the time that it is to be taken back to."""
    if back.at is not None and back.at > about.at:
        raise ConfigurationError(
            f"the backup is of {iso8601(about.at)}: for {iso8601(back.at)} take one that was made later"
        )


def _ring_text(path: Path) -> bytes:
    """The content of a file with a key ring, which is one."""
    found = read_keyring(path, {})
    if found is None:
        raise ConfigurationError(f"there is no key ring {path}")
    return found.dump()


def _verified(data: Path, about: About) -> Restored:
    """What is in a directory that a plane could start on. Raises LocumError."""
    if not (data / JOURNAL).is_file():
        raise ConfigurationError("the backup has no journal")
    check_file(data / JOURNAL)
    ring = read_keyring(data / KEYRING_FILE, os.environ)
    if ring is None:
        raise ConfigurationError("the backup has no key ring: name the file that has it with --keyring")
    with closing(SqliteJournal.open(data)) as journal:
        state = load(journal)
    _check_ring(ring, state)
    return Restored(about, state.sequence, sum(1 for _ in state.every(PendingEffect)))


def _check_ring(ring: KeyRing, state: State) -> None:
    """Raises ConfigurationError where a key ring is not the one under which the secrets of `state` are sealed."""
    for key in islice(state.every(AccessKey), _KEYS_TRIED):
        try:
            open_secret(ring, key.id, key.secret)
        except BrokenSeal as error:
            raise ConfigurationError("the key ring is not that of the backup: its secrets do not open") from error


async def _taken_back(data: Path, restored: Restored, back: Back, clock: Clock) -> Restored:
    journal = SqliteJournal.open(data)
    try:
        states = back.states(journal)
        events = events_back(states, IDENTITIES if back.identities else None)
        ledger = Ledger.open(journal, clock)
    except BaseException:
        journal.close()
        raise
    handler: Callable[[State], Outcome] = lambda _: Outcome({}, tuple(events))  # noqa: E731
    try:
        await ledger.transact(handler, lambda _: ())
        effects = sum(1 for _ in ledger.state.every(PendingEffect))
        return Restored(restored.about, ledger.state.sequence, effects, len(events))
    finally:
        await ledger.close()
