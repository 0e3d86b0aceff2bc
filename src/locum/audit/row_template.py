"""Rows for similar calls, at a fifth of the cost of a record for each.

Most of a record is the same for all allowed calls of an operation by the same caller with the same client. It is
encoded once, and the differing fields are inserted.
"""

from __future__ import annotations

from typing import Any, Final

from locum.audit.record import Record, Resource, encode
from locum.store.journal import AuditRow, Use

_FIELDS: Final = Record.__struct_fields__
_PARAMETERS: Final = _FIELDS.index("parameters")
_RESOURCES: Final = _FIELDS.index("resources")
_FIRST: Final = 3
"""The fields `event_id`, `request_id` and `at` begin a record."""


class RowTemplate:
    """Makes rows as of `record`, but with other ids, time, parameters and resources.

    `use` is the last-used information of each of the calls.
    """

    __slots__ = ("_account", "_after", "_before", "_between", "_searchable", "_use")

    def __init__(self, record: Record, use: Use | None = None) -> None:
        def joined(start: int, end: int | None) -> bytes:
            return b",".join(encode(getattr(record, name)) for name in _FIELDS[start:end])

        self._before = b",%b," % joined(_FIRST, _PARAMETERS)
        self._between = b",%b," % joined(_PARAMETERS + 1, _RESOURCES)
        self._after = b",%b]" % joined(_RESOURCES + 1, None)
        self._use = use
        row = record.row()
        self._account = row.account
        self._searchable = row[AuditRow._fields.index("event_name") : AuditRow._fields.index("resources")]

    def row(
        self,
        event_id: str,
        request_id: str,
        at: float,
        parameters: Any,
        resources: tuple[Resource, ...],
    ) -> AuditRow:
        """The row of one call. The ids must not need escapes in JSON."""
        data = b"".join(
            (
                f'["{event_id}","{request_id}",'.encode(),
                encode(at),
                self._before,
                encode(parameters) if parameters is not None else b"null",
                self._between,
                encode(resources) if resources else b"[]",
                self._after,
            )
        )
        pairs = tuple([(resource.type, resource.name) for resource in resources]) if resources else ()
        found = (at, self._account, event_id, request_id, *self._searchable, pairs, data, self._use, False)
        return AuditRow._make(found)
