"""The events of a trail in the event history. It blocks: call it through `Ledger.read`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from locum.audit import History, Record, cloudtrail_event
from locum.core.principal import PrincipalKind
from locum.services.cloudtrail import files, selecting
from locum.state.trails import CLOUDTRAIL, Trail

MOST: Final = 10_000
"""Records that are read for a delivery."""


class Waiting(NamedTuple):
    """What is behind a position: that of the last record that was read, and of the events of the trail among them.

    `since` is the time of the first event, None where there is none; `own`: all of them are of CloudTrail's own calls.
    `full`: there may be more behind `last`.
    """

    last: int
    since: float | None
    own: bool
    full: bool


def waiting(history: History, trail: Trail, accounts: Mapping[str, selecting.Part], position: int) -> Waiting:
    """What is waiting to be delivered behind `position`."""
    read = history.after(position, MOST)
    last = read[-1][0] if read else position
    since: float | None = None
    own = True
    for record, _ in _events(trail, accounts, (record for _, record in read)):
        since = record.at if since is None else since
        own = own and _is_own(record)
    return Waiting(last, since, own, len(read) == MOST)


def batch(
    history: History, trail: Trail, accounts: Mapping[str, selecting.Part], position: int, last: int
) -> dict[files.Place, list[dict[str, Any]]]:
    """The events of a trail behind `position` up to the position `last`, oldest first, by their places."""
    found: dict[files.Place, list[dict[str, Any]]] = {}
    read = history.after(position, min(MOST, last - position))
    for record, event in _events(trail, accounts, (record for at, record in read if at <= last)):
        place = files.Place(record.account, record.region, accounts[record.account].organization)
        found.setdefault(place, []).append(event)
    return found


def _events(
    trail: Trail, accounts: Mapping[str, selecting.Part], records: Iterable[Record]
) -> Iterator[tuple[Record, dict[str, Any]]]:
    for record in records:
        if not selecting.covers(trail, accounts, record.account, record.region, record.event_source, record.at):
            continue
        event = cloudtrail_event(record)
        if selecting.selects(trail, event):
            yield record, event


def _is_own(record: Record) -> bool:
    """Whether CloudTrail itself made a call, perhaps for its deliveries."""
    identity = record.identity
    return record.invoked_by == CLOUDTRAIL or (identity.kind == PrincipalKind.SERVICE and identity.arn == CLOUDTRAIL)
