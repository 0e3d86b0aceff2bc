"""A listener to what other nodes append: PostgreSQL's NOTIFY, on a connection of its own.

Behind a pooler in transaction mode nothing is heard; then it is the follower's looking that finds what is new.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from typing import Final

from locum.store.postgres.entries import last
from locum.store.postgres.session import Connection, Session, nothing
from locum.store.postgres.target import Target

_LISTEN: Final = ("LISTEN locum",)


class Ear:
    """A `Listener`. `last` looks, on the same connection: what is told meanwhile is not missed.

    `unanswered` is called where a look got no answer in time: the server stands still. `check` is the session's.
    """

    def __init__(
        self,
        target: Target,
        patience: float,
        answer: float,
        unanswered: Callable[[], None] = nothing,
        check: Callable[[Connection], None] | None = None,
    ) -> None:
        self._session = Session(target, patience, answer, _LISTEN, self._told, unanswered=unanswered, check=check)
        self._heard = self._woken = False
        self._alarm = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def last(self) -> int:
        """The last sequence number."""
        return last(self._session)

    def attend(self) -> None:
        self._heard = False

    def wait(self, seconds: float) -> None:
        """Wait, also for the end of the connection, which the next look reports.

        A notification that came with the answer to the last look is with libpq, and the socket has nothing more.
        """
        waited = select.poll()
        waited.register(self._alarm, select.POLLIN)
        connection = self._session.current
        if connection is not None and not connection.closed:
            while connection.pgconn.notifies() is not None:
                self._heard = True
            waited.register(connection.fileno(), select.POLLIN)
        if not (self._heard or self._woken):
            waited.poll(seconds * 1000)

    def wake(self) -> None:
        self._woken = True
        os.eventfd_write(self._alarm, 1)
        self._session.interrupt()

    def close(self) -> None:
        self._session.close()

    def release(self) -> None:
        """Let go of the alarm."""
        os.close(self._alarm)

    def _told(self) -> None:
        self._heard = True
