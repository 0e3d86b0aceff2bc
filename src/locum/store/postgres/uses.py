"""Last uses in the database: one row for each principal, access key, action and region. What is written when is what
`store.latest_uses` says; of several nodes that write the same row, the later instant wins."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Final

from locum.core.clock import DAY
from locum.store.journal import Use, Used
from locum.store.latest_uses import LatestUses
from locum.store.postgres.keys import keyed
from locum.store.postgres.session import Connection, Session

TRACKED_DAYS: Final = 400
"""As SQLite's (`store.usage`)."""

_WRITE: Final = (
    "INSERT INTO locum.used AS known (id, account, principal, use, at)"
    " SELECT * FROM unnest(%b::bytea[], %b::text[], %b::text[], %b::bytea[], %b::float8[])"
    " ON CONFLICT (id) DO UPDATE SET at = excluded.at WHERE known.at < excluded.at"
)
_READ: Final = "SELECT use, at FROM locum.used WHERE account = %s"


def write(connection: Connection, uses: dict[Use, float]) -> None:
    """Write `uses`, inside the open transaction, which has the turn of audit rows."""
    if uses:
        whole = [json.dumps(use).encode() for use in uses]  # escaped: no NUL, no half of a pair
        ids = [blake2b(text, digest_size=16).digest() for text in whole]
        accounts, principals = [keyed(use.account) for use in uses], [keyed(use.principal) for use in uses]
        connection.execute(_WRITE, (ids, accounts, principals, whole, list(uses.values())))


def find(session: Session, latest: LatestUses, account: str, principal: str | None) -> list[Used]:
    """The last uses in `account`, of `principal` where that is given."""
    if principal is None:
        rows = session.rows(_READ, (keyed(account),))
    else:
        rows = session.rows(f"{_READ} AND principal = %s", (keyed(account), keyed(principal)))
    uses = [(Use(*json.loads(use)), at) for use, at in rows]
    return [Used(*use, latest.latest(use, at)) for use, at in uses]


def forget(connection: Connection, now: float) -> None:
    """Drop what is older than the time that is tracked."""
    connection.execute("DELETE FROM locum.used WHERE at < %s", (now - TRACKED_DAYS * DAY,))
