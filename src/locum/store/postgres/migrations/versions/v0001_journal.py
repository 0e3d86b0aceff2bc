"""The journal, leases and files.

Facts that shaped it:
- PostgreSQL's text has no NUL and no half of a surrogate pair, and an index takes 2,704 bytes: what comes from outside
  is a `bytea`, found by its hash, or an abbreviation of it (`history.keyed`).
- Text is compared byte by byte (COLLATE "C"): faster, and an index outlives an upgrade of the C library.
- An append is one message to the server, with its COMMIT: a lock is never held while a client thinks. What it depends
  on is decided by functions here.
- A partition has audit rows of one day; their resources, of which a row has several, are in a table beside it, so that
  what is looked up is found in order, be it frequent or rare.
- Anybody can cause rows of unauthenticated calls. They are few, in a table of their own, with a retention of its own.
"""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0001"
down_revision = None

_COLUMNS: Final = """
    position bigint NOT NULL, at double precision NOT NULL, account text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL, request_id text COLLATE "C" NOT NULL, event_name text COLLATE "C" NOT NULL,
    event_source text COLLATE "C" NOT NULL, username text COLLATE "C" NOT NULL,
    access_key_id text COLLATE "C" NOT NULL, principal text COLLATE "C" NOT NULL, read_only boolean NOT NULL,
    denied boolean NOT NULL, management boolean NOT NULL, data bytea NOT NULL
"""

_JOURNAL: Final = (
    (
        "CREATE TABLE locum.head (installation text NOT NULL, format integer NOT NULL, last bigint NOT NULL,"
        " remembered double precision NOT NULL) WITH (fillfactor = 10)"
    ),
    "CREATE UNIQUE INDEX head_one ON locum.head ((true))",
    (
        "CREATE TABLE locum.entry (sequence bigint PRIMARY KEY, at double precision NOT NULL, format integer NOT NULL,"
        " events bytea NOT NULL, call bytea, batch bytea)"
    ),
    "CREATE UNIQUE INDEX entry_call ON locum.entry (sha256(call)) WHERE call IS NOT NULL",
    "CREATE INDEX entry_batch ON locum.entry (sha256(batch)) WHERE batch IS NOT NULL",
    "CREATE TABLE locum.former (sequence bigint PRIMARY KEY, at double precision NOT NULL, events bytea NOT NULL)",
    "CREATE TABLE locum.checkpoint (sequence bigint, part integer, data bytea NOT NULL, PRIMARY KEY (sequence, part))",
    "CREATE TABLE locum.new_base (claim text NOT NULL, sequence bigint NOT NULL, complete boolean NOT NULL)",
)
_TRAIL: Final = (
    "CREATE TABLE locum.trail_head (position bigint NOT NULL, strangers bigint NOT NULL) WITH (fillfactor = 10)",
    "CREATE UNIQUE INDEX trail_head_one ON locum.trail_head ((true))",
    "INSERT INTO locum.trail_head VALUES (0, 0)",
    "CREATE TABLE locum.trail_day (day integer PRIMARY KEY, records bigint NOT NULL) WITH (fillfactor = 50)",
    f"CREATE TABLE locum.trail ({_COLUMNS}, PRIMARY KEY (position, at)) PARTITION BY RANGE (at)",
    "CREATE INDEX trail_event_id ON locum.trail (event_id)",
    "CREATE INDEX trail_request_id ON locum.trail (request_id)",
    "CREATE INDEX trail_event_name ON locum.trail (event_name, account, position)",
    "CREATE INDEX trail_event_source ON locum.trail (event_source, account, position) WHERE management",
    "CREATE INDEX trail_username ON locum.trail (username, account, position)",
    "CREATE INDEX trail_access_key_id ON locum.trail (access_key_id, account, position)",
    "CREATE INDEX trail_principal ON locum.trail (principal, account, position)",
    "CREATE INDEX trail_managed ON locum.trail (account, position) WHERE management",
    "CREATE INDEX trail_writes ON locum.trail (account, position) WHERE NOT read_only",
    "CREATE INDEX trail_denials ON locum.trail (position) WHERE denied",
    (
        'CREATE TABLE locum.resource (position bigint NOT NULL, at double precision NOT NULL, account text COLLATE "C"'
        " NOT NULL, read_only boolean NOT NULL, denied boolean NOT NULL, management boolean NOT NULL,"
        ' field "char" NOT NULL,'
        ' value text COLLATE "C" NOT NULL) PARTITION BY RANGE (at)'
    ),
    "CREATE INDEX resource_value ON locum.resource (field, value, account, position)",
    f"CREATE TABLE locum.stranger ({_COLUMNS}, names text[] NOT NULL, types text[] NOT NULL, PRIMARY KEY (position))",
    "CREATE INDEX stranger_event_id ON locum.stranger (event_id)",
    "CREATE INDEX stranger_request_id ON locum.stranger (request_id)",
    (
        'CREATE TABLE locum.used (id bytea PRIMARY KEY, account text COLLATE "C" NOT NULL, principal text COLLATE "C"'
        " NOT NULL, use bytea NOT NULL, at double precision NOT NULL)"
    ),
    "CREATE INDEX used_principal ON locum.used (account, principal)",
)
_INSTALLATION: Final = (
    "CREATE TABLE locum.lease (name text PRIMARY KEY, holder text NOT NULL, until timestamptz NOT NULL)",
    "CREATE TABLE locum.file (name text PRIMARY KEY, content bytea NOT NULL)",
)
_FUNCTIONS: Final = (
    """
    CREATE FUNCTION locum.claim_entries(expected bigint, entries integer, batch_id bytea) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    DECLARE reached bigint;
    BEGIN
        PERFORM pg_advisory_xact_lock(1282368365, 1);
        SELECT last INTO STRICT reached FROM locum.head;
        IF reached = expected THEN
            UPDATE locum.head SET last = expected + entries;
            PERFORM pg_notify('locum', (expected + entries)::text);
        ELSIF length(batch_id) > 0
            AND EXISTS (SELECT FROM locum.entry WHERE sequence = expected + 1 AND batch = batch_id) THEN
            RAISE EXCEPTION 'the batch is there already' USING ERRCODE = 'LC002';
        ELSE
            RAISE EXCEPTION 'the last entry is %, not %', reached, expected USING ERRCODE = 'LC001';
        END IF;
    END $$
    """,
    """
    CREATE FUNCTION locum.claim_positions(records integer, unknown integer) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(1282368365, 2);
        UPDATE locum.trail_head SET position = position + records, strangers = strangers + unknown;
    END $$
    """,
)


def upgrade() -> None:
    """Make all of it, in an empty schema."""
    for statement in (*_JOURNAL, *_TRAIL, *_INSTALLATION, *_FUNCTIONS):
        op.execute(statement)
