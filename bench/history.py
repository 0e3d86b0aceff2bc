"""What the event history costs in PostgreSQL, by the number of days and rows: `python -m bench.history CONNINFO`.

The database is filled by the server itself with rows as calls make them, in the partitions that the journal would make;
then the journal's own look-ups are timed. It has to be a new one: what is in it is not spared.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Final

from locum.core.clock import DAY, system_clock
from locum.store.journal import AuditQuery, Field
from locum.store.postgres import PostgresJournal
from locum.store.postgres.days import Days, day_of
from locum.store.postgres.session import Session
from locum.store.postgres.target import target

DAYS: Final = 90
ACCOUNTS: Final = 10_000

_FILL: Final = """
INSERT INTO locum.trail SELECT %s + n, %s + n * %s, lpad((n * 7919 %% 10000)::text, 12, '0'), 'event-' || (%s + n),
    'request-' || (%s + n), 'Event' || n %% 200, 'service' || n %% 40 || '.amazonaws.com', 'user-' || n * 31 %% 100000,
    'AKIA' || lpad((n * 31 %% 100000)::text, 16, 'A'), 'arn:aws:iam::' || lpad((n * 7919 %% 10000)::text, 12, '0')
    || ':role/team/role-' || n * 31 %% 100000, n %% 10 < 7, n %% 100 = 0, n %% 10 < 4,
    convert_to(repeat(md5(n::text), 28), 'UTF8') FROM generate_series(1::bigint, %s) AS n
"""
_FILL_RESOURCES: Final = """
INSERT INTO locum.resource SELECT position, at, account, read_only, denied, management, field::"char",
    CASE field WHEN 'n' THEN 'resource-' || position * 17 %% 500000 ELSE 'AWS::IAM::Role' END
    FROM locum.trail, unnest(ARRAY['n', 't']) AS field WHERE at >= %s AND at < %s AND position %% 2 = 0
"""
_SIZES: Final = (
    "SELECT c.relname, pg_table_size(c.oid), pg_indexes_size(c.oid)"
    " FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE c.relkind = 'r' AND c.relname LIKE %s"
)


def fill(session: Session, day: int, rows: int) -> None:
    """Write `rows` rows of one day, and their resources."""
    begin = float(day * DAY)
    first = session.rows("SELECT position FROM locum.trail_head")[0][0]
    with session.transaction() as connection:
        connection.execute(_FILL, (first, begin, DAY / (rows + 1), first, first, rows))
        connection.execute("UPDATE locum.trail_head SET position = position + %s", (rows,))
        connection.execute("INSERT INTO locum.trail_day VALUES (%s, %s)", (day, rows))
        connection.execute(_FILL_RESOURCES, (begin, begin + DAY))


def questions(now: float) -> dict[str, AuditQuery]:
    """The look-ups: frequent and rare values, of one day and of all of them."""
    account = f"{7919 % ACCOUNTS:012d}"
    return {
        "an event id": AuditQuery(field=Field.EVENT_ID, value="event-5000"),
        "an event id that there is not": AuditQuery(field=Field.EVENT_ID, value="none"),
        "an account's newest": AuditQuery(account=account, management=True),
        "an event name in an account": AuditQuery(account=account, field=Field.EVENT_NAME, value="Event1"),
        "a user name in an account": AuditQuery(account=account, field=Field.USERNAME, value="user-31"),
        "a resource name": AuditQuery(account=account, field=Field.RESOURCE_NAME, value="resource-34"),
        "denials of an account": AuditQuery(account=account, denied=True),
        "an account's newest of one day": AuditQuery(account=account, management=True, start=now - DAY, end=now),
    }


def timed(work: Callable[[], object], times: int = 15) -> float:
    """The median of the milliseconds that `work` takes."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - begin))
    return median(taken)


def told(session: Session, rows: int) -> None:
    """Print what a row takes."""
    for kind in ("trail", "resource"):
        found = [row for row in session.rows(_SIZES, (kind + "\\_%",)) if row[1] > 0]
        table, indexes = (sum(int(row[part]) for row in found) / rows for part in (1, 2))
        print(f"{kind}: {table:.0f} B of table and {indexes:.0f} B of indexes a row")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.history", description=__doc__)
    parser.add_argument("conninfo")
    parser.add_argument("--rows", type=int, default=10_000, help="the rows of each day")
    parser.add_argument("--newest", type=int, default=300_000, help="the rows of the newest day")
    options = parser.parse_args()
    journal, session = PostgresJournal.open(options.conninfo), Session(target(options.conninfo), 5.0, 600.0)
    today = day_of(system_clock())
    for number in range(DAYS):
        day, rows = today - DAYS + 1 + number, options.newest if number == DAYS - 1 else options.rows
        Days().ensure(session, [day])
        fill(session, day, rows)
        if number in (0, 9, DAYS - 2, DAYS - 1):
            with session.connection() as connection:
                connection.execute("ANALYZE locum.trail, locum.resource")
            print(f"-- {number + 1} days, the newest of {rows:,} rows")
            for name, query in questions(today * DAY + DAY).items():
                print(f"{name:34} {timed(lambda: journal.find(query)):8.2f} ms")  # noqa: B023 - called at once
    told(session, options.rows * (DAYS - 1) + options.newest)
    for day in (today - DAYS + 1, today):
        begin = time.perf_counter()
        Days().drop(session, day)
        print(f"a day dropped in {1000 * (time.perf_counter() - begin):.1f} ms")
    journal.close()
    session.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
