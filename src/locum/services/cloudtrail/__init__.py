"""AWS CloudTrail: the event history, trails, and the event data stores of CloudTrail Lake.

`files` and `selecting` are for whoever delivers the events of trails (`agents.trails`). Queries on event data stores
are answered by `agents.lake`.
"""

from __future__ import annotations

from typing import Final

from locum.services.cloudtrail import (
    channels,
    delegates,
    event_configuration,
    event_data_stores,
    imports,
    policies,
    public_keys,
    selectors,
    tagging,
    trails,
)
from locum.services.cloudtrail.lookup import RATE, lookup_events
from locum.services.verbs import Operation, looks_up

OPERATIONS: Final[dict[str, Operation]] = {
    "LookupEvents": looks_up(lookup_events)._replace(rate=RATE),
    **channels.OPERATIONS,
    **delegates.OPERATIONS,
    **event_configuration.OPERATIONS,
    **event_data_stores.OPERATIONS,
    **imports.OPERATIONS,
    **policies.OPERATIONS,
    **public_keys.OPERATIONS,
    **selectors.OPERATIONS,
    **tagging.OPERATIONS,
    **trails.OPERATIONS,
}

__all__ = ["OPERATIONS"]
