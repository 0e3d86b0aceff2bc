"""The locks that nodes take in the database, always in this order, each to the end of its transaction.

They are advisory ones, of a transaction. PostgreSQL queues those who wait for one in the order in which they came
(its backend/storage/lmgr/proc.c), whoever comes later. A row that each of them updates would not do: those who wait
for it find a newer version when they wake, and queue for that anew, behind those who have just come.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

KEY: Final = 0x4C6F636D
"""`Locm`: the first half of the number of each lock."""


class Turn(IntEnum):
    """What is done by one at a time: entries are appended, audit rows are added, checkpoints saved, tables made.

    Whoever appends waits for whoever has PRECEDENCE: a node that was overtaken, and computes anew.
    """

    PRECEDENCE = 0
    ENTRIES = 1
    RECORDS = 2
    CHECKPOINT = 3
    SCHEMA = 4


HOLD: Final = f"SELECT pg_advisory_xact_lock({KEY}, %s)"
WAIT: Final = f"SELECT pg_advisory_xact_lock_shared({KEY}, %s)"
"""Wait until nobody has the turn, and keep it from nobody who waits likewise."""
