"""AWS CloudTrail: the event history, and trails.

`files` and `selecting` are for whoever delivers the events of trails (`agents.trails`).
"""

from __future__ import annotations

from typing import Final

from locum.services.cloudtrail import public_keys, selectors, tagging, trails
from locum.services.cloudtrail.lookup import lookup_events
from locum.services.verbs import Operation, looks_up

OPERATIONS: Final[dict[str, Operation]] = {
    "LookupEvents": looks_up(lookup_events),
    **public_keys.OPERATIONS,
    **selectors.OPERATIONS,
    **tagging.OPERATIONS,
    **trails.OPERATIONS,
}

__all__ = ["OPERATIONS"]
