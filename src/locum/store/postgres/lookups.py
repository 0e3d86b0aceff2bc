"""Look-ups in the event history: newest first, or oldest first from a position on.

Each statement reads an index of each partition in the order of positions, and stops where there is enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from locum.store.journal import AuditQuery, Field, Found
from locum.store.postgres.history import NAME, TYPE
from locum.store.postgres.keys import keyed
from locum.store.postgres.session import Session

_RESOURCES: Final = {Field.RESOURCE_NAME: (NAME, "names"), Field.RESOURCE_TYPE: (TYPE, "types")}

_SCAN: Final = (
    "(SELECT position, data FROM locum.trail WHERE position > %s ORDER BY position LIMIT %s) UNION ALL"
    " (SELECT position, data FROM locum.stranger WHERE position > %s ORDER BY position LIMIT %s)"
    " ORDER BY position LIMIT %s"
)

Conditions = tuple[list[str], list[Any]]


def find(session: Session, query: AuditQuery) -> list[Found]:
    """The rows of `query`, newest first."""
    return [Found(*row) for row in session.rows(*statement(query))]


def statement(query: AuditQuery) -> tuple[str, Sequence[Any]]:
    """The statement that answers `query`, and its parameters."""
    known, strangers = _trail(query), _of_strangers(query)
    sql = f"({known[0]}) UNION ALL ({strangers[0]}) ORDER BY position DESC LIMIT %s"
    return sql, (*known[1], *strangers[1], query.limit)


def scan(session: Session, after: int, limit: int) -> list[Found]:
    """The first `limit` rows behind the position `after`, oldest first."""
    return [Found(*row) for row in session.rows(_SCAN, (after, limit, after, limit, limit))]


def _trail(query: AuditQuery) -> tuple[str, Sequence[Any]]:
    """The statement for rows of authenticated calls."""
    texts, values = _common(query)
    if query.field not in _RESOURCES:
        if query.field is not None:
            texts.append(f"{query.field.value} = %s")
            values.append(keyed(query.value))
        return _newest("SELECT position, data FROM locum.trail", texts), [*values, query.limit]
    texts += ["field = %s", "value = %s"]
    values += [_RESOURCES[query.field][0], keyed(query.value)]
    inner = _newest("SELECT position, at FROM locum.resource", texts)
    return f"SELECT position, data FROM ({inner}) AS wanted JOIN locum.trail USING (position, at)", [  # noqa: S608
        *values,
        query.limit,
    ]


def _of_strangers(query: AuditQuery) -> tuple[str, Sequence[Any]]:
    """The statement for rows of unauthenticated calls."""
    texts, values = _common(query)
    if query.field in _RESOURCES:
        texts.append(f"%s = ANY({_RESOURCES[query.field][1]})")
        values.append(keyed(query.value))
    elif query.field is not None:
        texts.append(f"{query.field.value} = %s")
        values.append(keyed(query.value))
    return _newest("SELECT position, data FROM locum.stranger", texts), [*values, query.limit]


def _common(query: AuditQuery) -> Conditions:
    """The conditions on columns that every table has."""
    given = (
        ("position < %s", query.before),
        ("account = %s", None if query.account is None else keyed(query.account)),
        ("at >= %s", query.start),
        ("at <= %s", query.end),
    )
    flags = (("read_only", query.read_only), ("denied", query.denied), ("management", query.management))
    texts = [text for text, value in given if value is not None]
    texts += [name if wanted else f"NOT {name}" for name, wanted in flags if wanted is not None]
    return texts, [value for _, value in given if value is not None]


def _newest(select: str, texts: Sequence[str]) -> str:
    return f"{select} WHERE {' AND '.join(texts) or 'true'} ORDER BY position DESC LIMIT %s"
