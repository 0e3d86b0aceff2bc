"""The journal port, its SQLite and in-memory forms, and the `Ledger`: the one way in which state changes."""

from locum.store.directory import DataDirectory
from locum.store.journal import (
    AuditQuery,
    AuditRow,
    Entry,
    Field,
    Found,
    Journal,
    Retention,
    SequenceConflict,
    Use,
    Used,
)
from locum.store.ledger import Ledger, Limits
from locum.store.sqlite import SqliteJournal

__all__ = [
    "AuditQuery",
    "AuditRow",
    "DataDirectory",
    "Entry",
    "Field",
    "Found",
    "Journal",
    "Ledger",
    "Limits",
    "Retention",
    "SequenceConflict",
    "SqliteJournal",
    "Use",
    "Used",
]
