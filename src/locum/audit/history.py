"""Look-ups of records: for CloudTrail's LookupEvents, explanations and least-privilege policies.

The look-ups block on the journal and return what was flushed to it: call them through `Ledger.read`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import itemgetter
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from locum.audit.cloudtrail import render
from locum.audit.record import Record, decode
from locum.audit.selection import ALLOWED, Selection
from locum.core.errors import Fault
from locum.store.journal import AuditQuery, Field, Journal

MAX_RESULTS: Final = 50
"""LookupEvents: "Possible values are 1 through 50. The default is 50." """

EXAMINED: Final = 200_000
"""The most records that are looked at for a selection."""

LOOKED_AT: Final = 10_000
"""Those that are looked at for an account among all records."""

_PAGE: Final = 500
_BOOLEANS: Final = {"true": True, "false": False}
_ATTRIBUTES: Final = {
    "EventId": Field.EVENT_ID,
    "EventName": Field.EVENT_NAME,
    "Username": Field.USERNAME,
    "ResourceType": Field.RESOURCE_TYPE,
    "ResourceName": Field.RESOURCE_NAME,
    "EventSource": Field.EVENT_SOURCE,
    "AccessKeyId": Field.ACCESS_KEY_ID,
}


class Wanted(Protocol):
    """Which records an account asks for. `denied`: only such ones; None: any."""

    @property
    def account(self) -> str:
        """The account."""

    @property
    def denied(self) -> bool | None:
        """Whether only denied ones are wanted."""

    def matches(self, record: Record) -> bool:
        """Whether a record is wanted."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of records, newest first, and the token of the next one where there is more."""

    records: list[Record]
    token: str | None = None

    @property
    def answer(self) -> dict[str, Any]:
        """The output of LookupEvents."""
        events = [lookup_event(record) for record in self.records]
        return {"Events": events, **({"NextToken": self.token} if self.token else {})}


class _Token(NamedTuple):
    before: int
    of: str


_tokens: Final = msgspec.json.Decoder(_Token)


class History:
    """Look-ups in the event history of `journal`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def lookup(
        self,
        account: str,
        attributes: Sequence[tuple[str, str]] = (),
        start: float | None = None,
        end: float | None = None,
        max_results: int = MAX_RESULTS,
        token: str | None = None,
    ) -> Page:
        """LookupEvents: the management events of `account`, times in epoch seconds, both inclusive.

        `attributes` are pairs of AttributeKey and AttributeValue, at most one of them. A page's token is valid with the
        same other parameters; later records do not shift its page. Raises Fault with LookupEvents' error codes.
        """
        if not 1 <= max_results <= MAX_RESULTS:
            raise Fault("InvalidMaxResultsException", f"MaxResults must be between 1 and {MAX_RESULTS}.")
        if start is not None and end is not None and start > end:
            raise Fault("InvalidTimeRangeException", "The start time occurs after the end time.")
        # Events have times in whole seconds: one of 12:00:00.5 is an event at 12:00:00.
        last = None if end is None else math.nextafter(math.floor(end) + 1, 0)
        query = AuditQuery(account=account, start=start, end=last, management=True, limit=max_results + 1)
        query = _with_attribute(query, attributes)
        fingerprint = _fingerprint(query)
        if token is not None:
            query = replace(query, before=_before(token, fingerprint))
        found = self._journal.find(query)
        page = found[:max_results]
        next_token = _token(page[-1].position, fingerprint) if len(found) > max_results else None
        return Page([decode(row.data) for row in page], next_token)

    def by_request(self, request_id: str) -> list[Record]:
        """The records of one request: one for each account that it was recorded in, or none."""
        return self._records(AuditQuery(field=Field.REQUEST_ID, value=request_id))

    def changes_of(self, resource: str, since: float) -> Iterator[Record]:
        """The calls that name a resource and may have changed it, newest first. `since` is epoch seconds, inclusive."""
        query = AuditQuery(field=Field.RESOURCE_NAME, value=resource, start=since, read_only=False, limit=_PAGE)
        while found := self._journal.find(query):
            yield from (decode(row.data) for row in found)
            query = replace(query, before=found[-1].position)

    def after(self, position: int, count: int) -> list[tuple[int, Record]]:
        """The first records behind a position, oldest first, each with its own."""
        return [(row.position, decode(row.data)) for row in self._journal.scan(position, count)]

    def position_at(self, at: float) -> int:
        """The position of the last record from before the time `at` (epoch seconds); 0 where there is none."""
        found = self._journal.find(AuditQuery(end=math.nextafter(at, 0.0), limit=1))
        return found[0].position if found else 0

    def latest(self, count: int = 1, *, account: str | None = None) -> list[Record]:
        """The newest records, data events included."""
        return self._records(AuditQuery(account=account, limit=count))

    def latest_denials(self, count: int = 1) -> list[Record]:
        """The newest denials, without those of SSM Agent's sign of life unless there are no others.

        Every instance whose role is not for Systems Manager has such a denial, which nobody's program asked for.
        """
        latest = self._records(AuditQuery(denied=True, limit=_PAGE))
        return ([record for record in latest if not _is_sign_of_life(record)] or latest)[:count]

    def selected(self, selection: Selection, count: int) -> list[Record]:
        """The newest records of a selection, newest first, among the latest `EXAMINED` of its time."""
        found: list[Record] = []
        denied = True if selection.verdict and selection.verdict != ALLOWED else None
        query = AuditQuery(start=selection.since, end=selection.until, denied=denied, limit=_PAGE)
        for _ in range(EXAMINED // _PAGE):
            page = self._journal.find(query)
            found += [record for record in (decode(row.data) for row in page) if selection.matches(record)]
            if len(found) >= count or len(page) < _PAGE:
                break
            query = replace(query, before=page[-1].position)
        return found[:count]

    def position(self) -> int:
        """The position of the newest record; 0 where there is none."""
        newest = self._journal.find(AuditQuery(limit=1))
        return newest[0].position if newest else 0

    def behind(self, position: int, selection: Selection) -> tuple[list[Record], int]:
        """The records of a selection behind a position, oldest first, and the position of the last one looked at."""
        read = self.after(position, _PAGE)
        return [record for _, record in read if selection.matches(record)], read[-1][0] if read else position

    def newest_of(self, wanted: Wanted, count: int) -> tuple[list[Record], int]:
        """The newest records that are wanted, oldest first, and the position of the newest of all.

        Of the records in the account's own history all are looked at that there are, so that no other account can hide
        them by its calls; of the others, the latest `LOOKED_AT`.
        """
        position = self.position()
        query = AuditQuery(denied=wanted.denied, before=position + 1, limit=_PAGE)
        own = self._matching(replace(query, account=wanted.account), wanted, EXAMINED)
        others = (it for it in self._matching(query, wanted, LOOKED_AT) if it[1].account != wanted.account)
        found = islice(heapq.merge(own, others, key=itemgetter(0), reverse=True), count)
        return [record for _, record in found][::-1], position

    def next_of(self, position: int, wanted: Wanted, count: int) -> tuple[list[Record], int, bool]:
        """The first records behind a position that are wanted, oldest first, among `LOOKED_AT`.

        With them the position to go on from, and whether there may be more behind it.
        """
        found: list[Record] = []
        for _ in range(LOOKED_AT // _PAGE):
            read = self.after(position, _PAGE)
            for at, record in read:
                position = at
                if wanted.matches(record):
                    found.append(record)
                    if len(found) == count:
                        return found, position, True
            if len(read) < _PAGE:
                return found, position, False
        return found, position, True

    def _matching(self, query: AuditQuery, wanted: Wanted, most: int) -> Iterator[tuple[int, Record]]:
        """The records of a query that are wanted, newest first, with their positions, among `most`."""
        for _ in range(most // _PAGE):
            page = self._journal.find(query)
            for row in page:
                record = decode(row.data)
                if wanted.matches(record):
                    yield row.position, record
            if len(page) < _PAGE:
                return
            query = replace(query, before=page[-1].position)

    def principal_calls(self, arn: str | None, since: float = 0.0, until: float | None = None) -> Iterator[Record]:
        """The calls of the user `arn`, or of all sessions of the role `arn`, newest first; of None, those of everybody.

        `since` and `until` are epoch seconds, both inclusive.
        """
        query = AuditQuery(start=since, end=until, limit=_PAGE)
        if arn is not None:
            query = replace(query, field=Field.PRINCIPAL, value=arn)
        while found := self._journal.find(query):
            yield from (decode(row.data) for row in found)
            query = replace(query, before=found[-1].position)

    def user_calls(self, user: str, unique_id: str, since: float = 0.0, until: float | None = None) -> Iterator[Record]:
        """The calls of the user with an ARN, as `principal_calls`, and those it made under the names it had before."""
        names = [user, *self._former_names(user, since)]
        by_name = [self.principal_calls(name, since, until) for name in names]
        for record in heapq.merge(*by_name, key=_at, reverse=True):
            if record.identity.arn == user or record.identity.user_id == unique_id:
                yield record

    def _former_names(self, user: str, since: float) -> list[str]:
        """The other ARNs that a user had after `since`: each call that renamed it has the one before as well."""
        account, now, found = user.split(":", 5)[4], user, dict[str, None]()
        query = AuditQuery(account=account, field=Field.EVENT_NAME, value="UpdateUser", start=since, limit=_PAGE)
        while page := self._journal.find(query):
            for record in (decode(row.data) for row in page):
                users = [it.arn for it in record.resources]
                if record.status == 200 and now in users[1:]:  # the user as it was comes first
                    now = users[0]
                    found[now] = None
            query = replace(query, before=page[-1].position)
        return [arn for arn in found if arn != user]

    def _records(self, query: AuditQuery) -> list[Record]:
        return [decode(row.data) for row in self._journal.find(query)]


def _at(record: Record) -> float:
    return record.at


def _is_sign_of_life(record: Record) -> bool:
    return (record.service, record.operation) == ("ssm", "UpdateInstanceInformation")


def lookup_event(record: Record) -> dict[str, Any]:
    """The `Event` of LookupEvents for `record`, without members that do not apply."""
    event: dict[str, Any] = {
        "EventId": record.event_id,
        "EventName": record.operation,
        "ReadOnly": "true" if record.read_only else "false",
        "EventTime": math.floor(record.at),
        "EventSource": record.event_source,
        "Resources": [{"ResourceType": r.type, "ResourceName": r.name} for r in record.resources],
        "CloudTrailEvent": render(record),
    }
    if record.identity.access_key_id:
        event["AccessKeyId"] = record.identity.access_key_id
    if record.identity.username:
        event["Username"] = record.identity.username
    return event


def _with_attribute(query: AuditQuery, attributes: Sequence[tuple[str, str]]) -> AuditQuery:
    """Add LookupAttributes to a query: "Currently the list can contain only one item." """
    if not attributes:
        return query
    if len(attributes) > 1:
        raise Fault("InvalidLookupAttributesException", "You can specify only one lookup attribute.")
    ((key, value),) = attributes
    if key == "ReadOnly":
        if value.lower() not in _BOOLEANS:
            raise Fault("InvalidLookupAttributesException", "The value of ReadOnly must be true or false.")
        return replace(query, read_only=_BOOLEANS[value.lower()])
    if key not in _ATTRIBUTES:
        raise Fault("InvalidLookupAttributesException", f"{key} is not a lookup attribute.")
    return replace(query, field=_ATTRIBUTES[key], value=value)


def _fingerprint(query: AuditQuery) -> str:
    """A hash of the parameters that a token is bound to: all but the page size."""
    parameters = (query.account, query.field, query.value, query.start, query.end, query.read_only)
    return hashlib.sha256(msgspec.json.encode(parameters)).hexdigest()[:16]


def _token(before: int, fingerprint: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(_Token(before, fingerprint))).decode()


def _before(token: str, fingerprint: str) -> int:
    try:
        decoded = _tokens.decode(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError):
        decoded = None
    if decoded is None or decoded.of != fingerprint:
        raise Fault(
            "InvalidNextTokenException",
            "Invalid token or token that was previously used in a request with different parameters.",
        )
    return decoded.before
