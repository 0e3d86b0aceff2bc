"""Entries and audit rows for the tests of journals."""

from __future__ import annotations

from locum.store.journal import AuditQuery, AuditRow, Entry, Journal


def entries(first: int, last: int) -> list[Entry]:
    return [Entry(n, 1000.0 + n, b"[%d]" % n) for n in range(first, last + 1)]


def row(
    n: int,
    *,
    account: str = "000000000000",
    name: str = "GetUser",
    read_only: bool = True,
    denied: bool = False,
    management: bool = True,
    resources: tuple[tuple[str, str], ...] = (),
) -> AuditRow:
    return AuditRow(
        at=1000.0 + n,
        account=account,
        event_id=f"event-{n}",
        request_id=f"request-{n}",
        event_name=name,
        event_source="iam.amazonaws.com",
        username=f"user-{n % 3}",
        access_key_id="AKIA",
        principal=f"arn:aws:iam::{account}:user/user-{n % 3}",
        read_only=read_only,
        denied=denied,
        management=management,
        resources=resources,
        data=b"record-%d" % n,
    )


def found(journal: Journal, query: AuditQuery) -> list[bytes]:
    return [data for _, data in journal.find(query)]


def called(sequence: int, call_id: str) -> Entry:
    return Entry(sequence, 1000.0, b"[]", call_id=call_id)
