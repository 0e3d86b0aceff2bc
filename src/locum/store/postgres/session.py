"""A connection that is opened again after a fault, and transactions on it.

- A statement that gets no answer in time ends its connection: a server that is stopped answers nothing, and the kernel
  of its machine keeps the connection alive.
- A transaction says itself how long it waits: what a role or a database is configured to would hold for COMMIT too, and
  a COMMIT that is cancelled while it waits for the standbys reports success (postgresql.org/docs/current/
  warm-standby.html#SYNCHRONOUS-REPLICATION; the server only warns). Whoever warned at a COMMIT did not confirm it.
- A node that vanishes in the middle of a transaction holds locks until the server notices: soon, by
  idle_in_transaction_session_timeout.
- A server that stood still, with its machine or alone, goes on as the primary that it was, until it is told that
  another one took over: what it answers is old. So what decides what is current is asked of a server that has shown
  itself: it committed for us, which such a server cannot, as its standbys have left it, and has answered us ever since.
  Otherwise looking waits for no standby: one that is away keeps nobody from it.
- Statements are not prepared, and nothing is set beyond a transaction: a pooler in transaction mode may be between.
"""

from __future__ import annotations

import logging
import math
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from locum.core.clock import Clock, system_uptime
from locum.core.errors import PassingStorageError, StorageError
from locum.store.postgres.faults import READ_ONLY, reported
from locum.store.postgres.locks import HOLD, Turn
from locum.store.postgres.target import Target

_SETTINGS: Final = (
    "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', '0', true),"
    " set_config('idle_in_transaction_session_timeout', '3000', true),"
    " set_config('synchronous_commit',"
    " CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)"
)
_SHOW: Final = "SELECT pg_logical_emit_message(true, 'locum', '')"
"""Is written to the log and nowhere else, and committed like a change."""
_STILL: Final = 1.5
"""Seconds without an answer after which a server may have stood still, and another one have taken over."""
_SHOWN: Final = 5.0
"""Seconds that a server has for showing itself."""
_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

logging.getLogger("psycopg").setLevel(logging.CRITICAL)
"""It reports again what it raises."""

T = TypeVar("T")
Told = Callable[[psycopg.Error], Exception | None]


def nothing() -> None:
    """Do nothing."""


class Unanswered(psycopg.OperationalError):
    """The server did not answer in time."""


class Connection(psycopg.Connection[TupleRow]):
    """A connection of psycopg that gives a server `patience` seconds for each answer."""

    patience: float = 30.0

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - what `wait` is documented to raise
            self.close()
            raise Unanswered(f"no answer within {self.patience:g} seconds") from None


class Session:
    """One connection at a time to `target`, for one thread at a time.

    `patience` is for how long a lock is waited for, `answer` how long a server may take for an answer; in seconds.
    `greet` are statements for a new connection, `notified` is called when a notification was seen, `unanswered` when
    the server did not answer in time. `check` looks at a new connection before it is used, and raises StorageError
    where it leads astray.
    """

    def __init__(
        self,
        target: Target,
        patience: float,
        answer: float,
        greet: tuple[str, ...] = (),
        notified: Callable[[], None] | None = None,
        uptime: Clock = system_uptime,
        unanswered: Callable[[], None] = nothing,
        check: Callable[[Connection], None] | None = None,
    ) -> None:
        self._target = target
        self._patience = patience
        self._answer = answer
        self._greet = greet
        self._notified = notified
        self._check = check
        self._lock = Lock()
        self._warnings: list[str] = []
        self._closed = False
        self._uptime = uptime
        self._unanswered = unanswered
        self._shown_at = -math.inf
        self.current: Connection | None = None

    @contextmanager
    def connection(self, told: Told | None = None, *, shown: bool = False) -> Iterator[Connection]:
        """The connection, open, for single statements. psycopg's errors become what `told` makes of them, or ours.

        `shown`: to a server that has shown that it is the primary.
        """
        with self._lock, reported(self._target.name):
            connection = self._opened()
            try:
                if shown:
                    self._have_shown(connection)
                yield connection
            except BaseException as error:
                self._mend(connection, error)
                said = told(error) if told is not None and isinstance(error, psycopg.Error) else None
                if said is not None:
                    raise said from error
                raise

    @contextmanager
    def transaction(self, *, told: Told | None = None) -> Iterator[Connection]:
        """All or nothing, and durable. What needs no answer is sent in one piece, to the COMMIT.

        Raises PassingStorageError as well where the server committed, but not as it is told to.
        """
        with self.connection(told) as connection, self._confirmed(), connection.pipeline():
            connection.execute("BEGIN")
            self._settle(connection, self._patience)
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def turn(self, turn: Turn, *, patience: float | None = None, told: Told | None = None) -> Iterator[Connection]:
        """A durable transaction that has a turn, step by step: for what is rare. `patience`: in seconds."""
        with self.connection(told) as connection, self._confirmed(), connection.transaction():
            self._settle(connection, self._patience if patience is None else patience)
            connection.execute(HOLD, (turn,))
            yield connection

    @contextmanager
    def snapshot(self, *, shown: bool = False) -> Iterator[Connection]:
        """What is read in it is of one instant. Cursors are to be fetched from when it is over."""
        with self.connection(shown=shown) as connection, connection.pipeline():
            connection.execute(_SNAPSHOT)
            yield connection
            connection.execute("COMMIT")

    def rows(self, sql: str, parameters: Any = (), *, shown: bool = False) -> list[TupleRow]:
        """The rows that one statement answers."""
        with self.connection(shown=shown) as connection:
            return connection.execute(sql, parameters).fetchall()

    def interrupt(self) -> None:
        """End what the session waits for, which fails. For any thread."""
        connection = self.current
        if connection is not None:
            with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as other:
                other.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Release the connection, and open no other one."""
        with self._lock:
            self._closed = True
            self._drop()

    def _opened(self) -> Connection:
        if self._closed:
            raise StorageError(f"{self._target.name} is not used any more")
        if self.current is None or self.current.closed:
            made = Connection.connect(self._target.conninfo, autocommit=True, prepare_threshold=None)
            made.patience = self._answer
            made.add_notice_handler(self._noticed)
            if self._notified is not None:
                told = self._notified
                made.add_notify_handler(lambda _: told())
            self.current, self._shown_at = made, -math.inf
            try:
                self._welcome(made)
            except BaseException:
                self._drop()
                raise
        return self.current

    def _have_shown(self, connection: Connection) -> None:
        """Have the server commit, where it is a new one, or has not answered for a while."""
        asked = self._uptime()
        if asked - self._shown_at <= _STILL:
            self._shown_at = asked
            return
        connection.patience = min(_SHOWN, self._answer)
        try:
            with self._confirmed(), connection.pipeline():
                connection.execute("BEGIN")
                self._settle(connection, self._patience)
                connection.execute(_SHOW)
                connection.execute("COMMIT")
        except Unanswered as error:  # it may wait for a standby: others need not be told
            raise psycopg.OperationalError(str(error)) from error
        finally:
            connection.patience = self._answer

    def _welcome(self, made: Connection) -> None:
        """What a former primary has is nothing to check: it may have what nobody was told, and is soon none."""
        for statement in self._greet:
            made.execute(statement.encode())
        if self._check is not None:
            try:
                self._check(made)
            except StorageError:
                self._have_shown(made)
                raise

    @staticmethod
    def _settle(connection: Connection, patience: float) -> None:
        """Say how the transaction that begins waits."""
        connection.execute(_SETTINGS, (str(int(patience * 1000)),))

    @contextmanager
    def _confirmed(self) -> Iterator[None]:
        """A commit without a warning, by which the server has shown itself at the time of the question."""
        asked = self._uptime()
        self._warnings.clear()
        yield
        if self._warnings:
            raise PassingStorageError(f"{self._target.name} did not confirm a commit: {self._warnings[0]}")
        self._shown_at = asked

    def _noticed(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self._warnings.append(notice.message_primary or "a warning")

    def _mend(self, connection: Connection, error: BaseException) -> None:
        """Leave no transaction open, and no connection to what cannot be written to."""
        if isinstance(error, Unanswered):
            self._unanswered()
        if isinstance(error, psycopg.Error) and error.sqlstate == READ_ONLY:
            self._drop()
        elif connection.info.transaction_status != TransactionStatus.IDLE:
            try:
                connection.rollback()
            except psycopg.Error:
                self._drop()

    def _drop(self) -> None:
        if self.current is not None:
            self.current.close()
            self.current = None
