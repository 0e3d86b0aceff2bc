"""The event history: audit rows are added, in one piece and with dense positions, and dropped in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from locum.core.clock import DAY
from locum.store.journal import AuditRow, Retention
from locum.store.postgres.days import Days, bounds, day_of
from locum.store.postgres.keys import keyed
from locum.store.postgres.locks import Turn
from locum.store.postgres.session import Connection, Session

COLUMNS: Final = (
    "at, account, event_id, request_id, event_name, event_source, username, access_key_id, principal,"
    " read_only, denied, management, data"
)
NAME, TYPE = "n", "t"
"""What a row of `resource` is about."""

_HELD: Final = "held-records"
"""The name of the file with a position."""

_AT_ONCE: Final = 5_000
"""Rows of strangers that one step of housekeeping deletes."""

_CLAIM: Final = "SELECT locum.claim_positions(%s, %s)"
_BASE: Final = "(SELECT position - %b FROM locum.trail_head)"
_ROW: Final = (
    "unnest(%b::bigint[], %b::float8[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],"
    " %b::text[], %b::text[], %b::boolean[], %b::boolean[], %b::boolean[], %b::bytea[])"
)
_INSERT: Final = (
    f"INSERT INTO locum.trail (position, {COLUMNS})"  # noqa: S608 - names of ours, here and below
    f" SELECT {_BASE} + number, {COLUMNS} FROM {_ROW} AS r(number, {COLUMNS})"
)
_INSERT_STRANGERS: Final = (
    f"INSERT INTO locum.stranger (position, {COLUMNS}, names, types)"  # noqa: S608
    f" SELECT {_BASE} + number, {COLUMNS}, string_to_array(names, chr(31)), string_to_array(types, chr(31))"
    f" FROM {_ROW[:-1]}, %b::text[], %b::text[]) AS r(number, {COLUMNS}, names, types)"
)
_RESOURCE: Final = "at, account, read_only, denied, management, field, value"
_INSERT_RESOURCES: Final = (
    f"INSERT INTO locum.resource (position, {_RESOURCE}) SELECT {_BASE} + number, {_RESOURCE} FROM"  # noqa: S608
    ' unnest(%b::bigint[], %b::float8[], %b::text[], %b::boolean[], %b::boolean[], %b::boolean[], %b::"char"[],'
    f" %b::text[]) AS r(number, {_RESOURCE})"
)
_COUNT: Final = (
    "INSERT INTO locum.trail_day AS known (day, records) SELECT * FROM unnest(%b::int8[], %b::int8[])"
    " ON CONFLICT (day) DO UPDATE SET records = known.records + excluded.records"
)
_DELETE_STRANGERS: Final = (
    "WITH gone AS (DELETE FROM locum.stranger WHERE position IN"
    " (SELECT position FROM locum.stranger ORDER BY position LIMIT %s) AND at < %s RETURNING 1)"
    " UPDATE locum.trail_head SET strangers = strangers - (SELECT count(*) FROM gone)"
    " RETURNING (SELECT count(*) FROM gone)"
)

Numbered = Sequence[tuple[int, AuditRow]]


class History:
    """The event history, as the writing thread adds to it and keeps it within `retention`."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention
        self.days = Days()

    def prepare(self, session: Session, rows: Sequence[AuditRow]) -> None:
        """Make the partitions that `rows` need: before the transaction that inserts them."""
        self.days.ensure(session, {day_of(row.at) for row in rows if not row.stranger})

    @staticmethod
    def insert(connection: Connection, rows: Sequence[AuditRow]) -> None:
        """Add `rows` inside the open transaction, which from here on has the turn of audit rows."""
        known = [pair for pair in enumerate(rows, 1) if not pair[1].stranger]
        strangers = [pair for pair in enumerate(rows, 1) if pair[1].stranger]
        connection.execute(_CLAIM, (len(rows), len(strangers)))
        if known:
            connection.execute(_INSERT, (len(rows), *_columns(known)))
            days = Counter(day_of(row.at) for _, row in known)
            connection.execute(_COUNT, (list(days), list(days.values())))
        resources = list(_resources(known))
        if resources:
            connection.execute(_INSERT_RESOURCES, (len(rows), *_turned(resources)))
        if strangers:
            lists = [[_listed(row, part) for _, row in strangers] for part in (1, 0)]
            connection.execute(_INSERT_STRANGERS, (len(rows), *_columns(strangers), *lists))

    @staticmethod
    def hold(session: Session, after: int | None) -> None:
        """Keep the rows of authenticated calls behind a position; None: none of them."""
        with session.transaction() as connection:
            connection.execute("DELETE FROM locum.file WHERE name = %s", (_HELD,))
            if after is not None:
                connection.execute("INSERT INTO locum.file VALUES (%s, %b)", (_HELD, str(after).encode()))

    @staticmethod
    def held(session: Session) -> int | None:
        """The position behind which rows are kept, or None."""
        found = session.rows("SELECT content FROM locum.file WHERE name = %s", (_HELD,))
        return int(found[0][0]) if found else None

    def maintain(self, session: Session, now: float) -> bool:
        """Drop one day that is past its retention, and some strangers. Whether more is waiting."""
        more = self._delete_strangers(session, now)
        day = self._expired(session, now)
        return (day is not None and self.days.drop(session, day)) or more

    def _expired(self, session: Session, now: float) -> int | None:
        """The oldest day, where it is too old or there are rows enough without it. The last day is never."""
        days = session.rows("SELECT day, records FROM locum.trail_day ORDER BY day")
        if len(days) < 2:
            return None
        (day, _), *later = days
        too_old = (day + 1) * DAY <= now - self._retention.days * DAY
        due = too_old or sum(count for _, count in later) >= self._retention.rows
        return int(day) if due and not self._is_held(session, day) else None

    def _is_held(self, session: Session, day: int) -> bool:
        """Whether a row of a day is to be kept, though it is past its retention."""
        after = self.held(session)
        if after is None:
            return False
        found = session.rows("SELECT max(position) FROM locum.trail WHERE at >= %s AND at < %s", bounds(day))
        return int(found[0][0] or 0) > after

    def _delete_strangers(self, session: Session, now: float) -> bool:
        """Delete the oldest strangers, of which there are too many or which are too old."""
        head = session.rows(
            "SELECT strangers, (SELECT at FROM locum.stranger ORDER BY position LIMIT 1) FROM locum.trail_head"
        )
        surplus, oldest = int(head[0][0]) - self._retention.strangers, head[0][1]
        first = now - self._retention.days * DAY
        if surplus <= 0 and (oldest is None or oldest >= first):
            return False
        wanted = (min(surplus, _AT_ONCE), float("inf")) if surplus > 0 else (_AT_ONCE, first)
        with session.turn(Turn.RECORDS) as connection:
            gone = connection.execute(_DELETE_STRANGERS, wanted).fetchall()[0][0]
        return int(gone) == _AT_ONCE


def _columns(rows: Numbered) -> list[list[Any]]:
    """`rows` as columns, each with its number."""
    return _turned([(number, row.at, *map(keyed, row[1:9]), *row[9:12], row.data) for number, row in rows])


def _resources(rows: Numbered) -> Iterable[tuple[Any, ...]]:
    """The rows of `resource`: each value of a row once."""
    for number, row in rows:
        pairs = [(field, value) for kind, name in row.resources for field, value in ((NAME, name), (TYPE, kind))]
        for field, value in dict.fromkeys(pairs):
            account = keyed(row.account)
            yield number, row.at, account, row.read_only, row.denied, row.management, field, keyed(value)


def _listed(row: AuditRow, part: int) -> str:
    """The types (0) or names (1) of a row's resources: what is keyed has no separator in it."""
    return "\x1f".join(dict.fromkeys(keyed(pair[part]) for pair in row.resources))


def _turned(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
