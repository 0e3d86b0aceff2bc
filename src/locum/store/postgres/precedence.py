"""Precedence: what is computed anew, because other nodes came first, is appended before they come first again.

It is a transaction that has a lock and nothing else to do. A node that stalls in it does not stop the others for long:
the server ends a transaction that is idle for `_LONGEST`.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Final

from locum.core.errors import StorageError
from locum.store.postgres.locks import Turn
from locum.store.postgres.session import Session

_LONGEST: Final = 1_000
"""Milliseconds."""


class Precedence:
    """The precedence of one handle, which takes it with `session`. For one thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._transaction = ExitStack()
        self.held = False

    def take(self) -> None:
        """Wait for it. Raises StorageError; nothing where it is held."""
        if self.held:
            return
        with ExitStack() as undone:
            connection = undone.enter_context(self._session.turn(Turn.PRECEDENCE))
            connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = {_LONGEST}".encode())
            self._transaction = undone.pop_all()
            self.held = True

    def leave(self) -> None:
        """Let others go first again. Where it was held too long, the server has seen to that."""
        if self.held:
            self.held = False
            with suppress(StorageError):
                self._transaction.close()

    def interrupt(self) -> None:
        """End what is waited for, which fails. For any thread."""
        self._session.interrupt()

    def close(self) -> None:
        """Leave it, and release the connection."""
        self.leave()
        self._session.close()
