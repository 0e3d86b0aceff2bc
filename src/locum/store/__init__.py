"""The journal port, its SQLite and in-memory forms, and the `Ledger`: the one way in which state changes."""

from locum.store.checkpoint import Change
from locum.store.directory import DataDirectory
from locum.store.journal import (
    AuditQuery,
    AuditRow,
    Compacted,
    Entry,
    Field,
    Follower,
    Forgotten,
    Former,
    Found,
    Journal,
    Retention,
    SequenceConflict,
    Use,
    Used,
)
from locum.store.ledger import AlreadyCommitted, Ledger
from locum.store.limits import Limits
from locum.store.sqlite import SqliteJournal
from locum.store.subscriptions import Reloaded, Subscription

__all__ = [
    "AlreadyCommitted",
    "AuditQuery",
    "AuditRow",
    "Change",
    "Compacted",
    "DataDirectory",
    "Entry",
    "Field",
    "Follower",
    "Forgotten",
    "Former",
    "Found",
    "Journal",
    "Ledger",
    "Limits",
    "Reloaded",
    "Retention",
    "SequenceConflict",
    "SqliteJournal",
    "Subscription",
    "Use",
    "Used",
]
