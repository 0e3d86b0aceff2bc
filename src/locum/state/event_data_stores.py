"""Entities of CloudTrail Lake: event data stores, and the queries on them.

They are in an account and a region, so that their keys begin with the region. Times are epoch seconds.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from locum.core.arn import PARTITION
from locum.core.clock import DAY
from locum.core.event_selectors import is_activity
from locum.state.autoscaling import regional
from locum.state.entities import Entity, Tags

WAITING: Final = 7 * DAY
"""CloudTrail API, DeleteEventDataStore: how long an event data store is PENDING_DELETION before it is gone."""

Selectors = tuple[dict[str, Any], ...]
"""Advanced event selectors, as the API has them."""


def arn_of(account: str, region: str, store: str) -> str:
    """The ARN of the event data store with the id `store`."""
    return f"arn:{PARTITION}:cloudtrail:{region}:{account}:eventdatastore/{store}"


class Ingestion(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, array_like=True
):
    """A time from `start` to before `end` in which a store took in events, and which ones: see `EventDataStore`."""

    start: float
    end: float
    selectors: Selectors
    multi_region: bool = True
    organization: bool = False


class EventDataStore(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="event-data-store"):
    """An event data store. `id` is the end of its ARN, `retention` in days, `billing` is the BillingMode.

    It has the events that one of its `selectors` matches, of all regions (`multi_region`) or its own, of its account or
    of all of its `organization`'s, and what it is given besides. `since` is when it began to take in events with these
    settings, 0 where it takes in none; `past` are the times before, oldest first. `deleted` is when it was deleted, or
    0; it is `resumed` when it is restored, if it took in events then. `protected`: termination protection. `policy` is
    its resource policy, `event_size` the MaxEventSize of the API, which cuts nothing.
    """

    region: str
    id: str
    name: str
    created: float
    updated: float
    selectors: Selectors
    retention: int
    billing: str
    multi_region: bool = True
    organization: bool = False
    protected: bool = True
    since: float = 0.0
    past: tuple[Ingestion, ...] = ()
    deleted: float = 0.0
    resumed: bool = False
    tags: Tags = {}
    policy: str = ""
    event_size: str = "Standard"

    @property
    def key(self) -> str:
        return regional(self.region, self.id)

    @property
    def activity(self) -> bool:
        """Whether it is for events from outside of AWS, and has no others."""
        return any(map(is_activity, self.selectors))

    @property
    def arn(self) -> str:
        """The ARN."""
        return arn_of(self.account, self.region, self.id)

    @property
    def status(self) -> str:
        """The Status of the API."""
        if self.deleted:
            return "PENDING_DELETION"
        return "ENABLED" if self.since else "STOPPED_INGESTION"

    def gone(self, now: float) -> bool:
        """Whether its time as PENDING_DELETION is over."""
        return bool(self.deleted) and now >= self.deleted + WAITING

    def ingestions(self, now: float, end: float | None = None) -> tuple[Ingestion, ...]:
        """The times in which it took in events, as far as its retention goes back; oldest first.

        The current one is up to `end`, which is `now` where it is not given.
        """
        oldest = now - self.retention * DAY
        times = self.past
        if self.since:
            current = Ingestion(
                start=self.since,
                end=now if end is None else end,
                selectors=self.selectors,
                multi_region=self.multi_region,
                organization=self.organization,
            )
            times = (*times, current)
        return tuple(msgspec.structs.replace(it, start=max(it.start, oldest)) for it in times if it.end > oldest)


UNDER_WAY: Final = ("QUEUED", "RUNNING")
"""Values of QueryStatus of queries that have not ended."""


class EventDataStoreQuery(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="event-data-store-query"):
    """A query. `stores` are the ids of the event data stores that it reads, `status` is the API's.

    `account` owns them, whoever asked. `started` is when it was asked for. Of one that has ended: `rows` are those of
    its result, `scanned` the events that its stores have and `octets` the length of their JSON, `milliseconds` how long
    it ran, `error` why it failed.
    """

    region: str
    id: str
    statement: str
    stores: tuple[str, ...]
    started: float
    status: str = "QUEUED"
    rows: int = 0
    scanned: int = 0
    octets: int = 0
    milliseconds: int = 0
    error: str = ""

    @property
    def key(self) -> str:
        return regional(self.region, self.id)

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return self.status in UNDER_WAY

    @property
    def expires(self) -> float:
        """When it is forgotten. ListQueries: "for the past seven days"."""
        return self.started + WAITING
