"""Whole nodes in this process that share a journal, each of which hears of the others only where a test says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from locum.cli.compose import Node
from locum.cli.home import KEYRING_FILE
from locum.cli.options import Options
from locum.cli.storage import DirectoryFiles, Storage
from locum.core.clock import Clock, Entropy, system_clock
from locum.credentials import create_keyring
from locum.store import DataDirectory, Ledger, Limits
from locum.store.memory import MemoryJournal
from support.inprocess import InProcess
from support.silent_journals import SilentJournal, Uptime

LIMITS: Final = Limits(backoff=0.0, ask=0.0)


class _SharedNode(Node):
    """A node over `journal`, whose installation has its files in `place`."""

    def __init__(self, options: Options, clock: Clock, journal: SilentJournal, place: Path, uptime: Uptime) -> None:
        self.silent, self.uptime, self._place = journal, uptime, place
        super().__init__(options, clock)

    def _open_storage(self, undone: ExitStack, wall: Clock, entropy: Entropy) -> None:
        keyring = create_keyring(self._place / KEYRING_FILE, entropy, os.environ)
        directory = DataDirectory.claim(self.options.data, durable=False)
        self.storage = Storage(directory, self.silent, DirectoryFiles(self._place), keyring)
        undone.callback(self.storage.close)
        self.directory, self.journal, self.keyring = directory, self.silent, keyring

    def _opened_ledger(self, clock: Clock) -> Ledger:
        return Ledger.open(self.journal, clock, LIMITS, uptime=self.uptime)


class SharedPlane(InProcess):
    """One of the nodes."""

    node: _SharedNode

    def __init__(self, first: MemoryJournal, place: Path, data: Path, clock: Clock) -> None:
        self.journal, self.uptime, self._place = SilentJournal(first), Uptime(), place
        super().__init__(data, clock)
        self.node.gateway.readiness.started()
        self.look()

    def made(self) -> Node:
        """A node, to be opened."""
        return _SharedNode(self._options, self._clock, self.journal, self._place, self.uptime)

    def look(self) -> None:
        """Have the node hear of the journal, and see all that is in it."""
        for _ in range(2):  # the wait for the first may have begun long ago
            self.run(self.journal.look())
        self.run(self.node.ledger.current())

    @property
    def sequence(self) -> int:
        """The entry up to which the node has seen all."""
        return self.node.ledger.state.sequence


@contextmanager
def two_nodes(path: Path, clock: Clock = system_clock) -> Iterator[tuple[SharedPlane, SharedPlane]]:
    """Two nodes of one installation below `path`; the second sees what the first has made until now."""
    first, place = MemoryJournal(shared=True), path / "installation"
    place.mkdir()
    with ExitStack() as closed:
        here = SharedPlane(first, place, path / "here", clock)
        closed.callback(here.close)
        there = SharedPlane(first, place, path / "there", clock)
        closed.callback(there.close)
        closed.callback(there.journal.live)
        yield here, there
