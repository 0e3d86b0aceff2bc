"""The events of an event data store, as a condition of SQL on the table of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from locum.audit.lake.schema import ACTIVITY, EVENT, columns, expanded
from locum.core.event_selectors import conditions_of

_COLUMNS: Final = {
    "eventCategory": '"eventCategory"',
    "readOnly": 'CAST("readOnly" AS VARCHAR)',
    "errorCode": '"errorCode"',
    "sessionCredentialFromConsole": '"sessionCredentialFromConsole"',
    "eventName": '"eventName"',
    "eventSource": '"eventSource"',
    "eventType": '"eventType"',
    "userIdentity.arn": '"userIdentity"."arn"',
    "vpcEndpointId": '"vpcEndpointId"',
}
_OPERATORS: Final = {
    "Equals": "{0} = {1}",
    "StartsWith": "starts_with({0}, {1})",
    "EndsWith": "ends_with({0}, {1})",
}


_NEVER: Final = 1e300


class Span(msgspec.Struct, frozen=True, array_like=True):
    """The events of a time from `start` to before `end` (epoch seconds) that one of `selectors` matches.

    `accounts` are the ids of accounts, each with the time from which on its events are among them. `region` is empty
    for all regions. `selectors` are advanced event selectors.
    """

    start: float
    end: float
    accounts: tuple[tuple[str, float], ...]
    region: str
    selectors: tuple[dict[str, Any], ...]


class Selection(msgspec.Struct, frozen=True, array_like=True):
    """The events of the event data store `id`: those of any of its spans, and what it was given.

    `oldest` is the time from which on it has what it was given (epoch seconds); infinity where it has nothing of that.
    With `activity` it is for events from outside of AWS alone, all of which it is given.
    """

    id: str
    spans: tuple[Span, ...]
    oldest: float = float("inf")
    activity: bool = False

    @property
    def sql(self) -> str:
        """The condition on a row of the table of events."""
        return any_of([span_sql(span) for span in self.spans])

    @property
    def added_sql(self) -> str:
        """The condition on a row of the table of events that a store was given."""
        return f"(store = {_text(self.id)} AND instant >= {min(self.oldest, _NEVER)!r})"

    @property
    def relation(self) -> str:
        """The query that has its events, with the columns of the documented schema."""
        structure = ACTIVITY if self.activity else EVENT
        shown = columns(structure)
        added = f"SELECT {shown} FROM (SELECT {expanded(structure)} FROM added WHERE {self.added_sql})"  # noqa: S608
        if self.activity:
            return added
        return f"SELECT {shown} FROM events WHERE {self.sql} UNION ALL {added}"  # noqa: S608 - texts are quoted


def span_sql(span: Span) -> str:
    """The condition on a row of the table of events."""
    parts = [
        f"instant >= {span.start!r}",
        f"instant < {span.end!r}",
        any_of([_account(*account) for account in span.accounts]),
    ]
    if span.region:
        parts.append(f'"awsRegion" = {_text(span.region)}')
    parts.append(any_of([selector_sql(selector) for selector in span.selectors]))
    return f"({' AND '.join(parts)})"


def selector_sql(selector: Mapping[str, Any]) -> str:
    """The condition that `core.event_selectors.matches` is, on a row of the table of events."""
    conditions = conditions_of(selector)
    types = [value for name, value in conditions.get("resources.type", ()) if name == "Equals"]
    return all_of([_field_sql(field, found, types) for field, found in conditions.items()])


def any_of(conditions: Sequence[str]) -> str:
    """That one of `conditions` is true."""
    return f"({' OR '.join(conditions)})" if conditions else "false"


def all_of(conditions: Sequence[str]) -> str:
    """That all of `conditions` are true."""
    return f"({' AND '.join(conditions)})" if conditions else "true"


def _account(account: str, since: float) -> str:
    return f'("recipientAccountId" = {_text(account)} AND instant >= {since!r})'


def _field_sql(field: str, conditions: Sequence[tuple[str, str]], types: Sequence[str]) -> str:
    selecting = [(name, value) for name, value in conditions if name in _OPERATORS]
    deselecting = [(name.removeprefix("Not"), value) for name, value in conditions if name not in _OPERATORS]
    selected = _meets_any(field, selecting, types) if selecting else "true"
    return f"({selected} AND NOT {_meets_any(field, deselecting, types) if deselecting else 'false'})"


def _meets_any(field: str, conditions: Sequence[tuple[str, str]], types: Sequence[str]) -> str:
    """That a value of `field` meets one of `conditions`; never NULL."""
    if field in _COLUMNS:
        met = any_of([_OPERATORS[name].format(_COLUMNS[field], _text(value)) for name, value in conditions])
        return f"coalesce({met}, false)"
    member = 'r."type"' if field == "resources.type" else 'r."ARN"'
    met = any_of([_OPERATORS[name].format(member, _text(value)) for name, value in conditions])
    if field == "resources.ARN" and types:
        met = all_of([met, any_of([f'r."type" = {_text(kind)}' for kind in types])])
    return f'coalesce(len(list_filter("resources", lambda r: {met})) > 0, false)'


def _text(value: str) -> str:
    """A text as SQL has it."""
    return "'" + value.replace("'", "''") + "'"
