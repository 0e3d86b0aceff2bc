from __future__ import annotations

from locum.services.iam import OPERATIONS

READING = ("Get", "List", "Simulate")


def test_what_only_reads_says_so() -> None:
    assert [name for name, operation in OPERATIONS.items() if operation.writes == name.startswith(READING)] == []
