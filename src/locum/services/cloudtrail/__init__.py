"""AWS CloudTrail: the event history, and the event data stores of CloudTrail Lake.

Trails and the other operations are left to the backend.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.services.cloudtrail import event_data_stores, store_tags
from locum.services.cloudtrail.lookup import lookup_events
from locum.services.verbs import Operation, looks_up

OPERATIONS: Final[dict[str, Operation]] = {
    "LookupEvents": looks_up(lookup_events),
    **event_data_stores.OPERATIONS,
    **store_tags.OPERATIONS,
}


def owns(operation: str, params: Mapping[str, Any]) -> bool:
    """Whether a call is Locum's, and not the backend's."""
    return operation not in store_tags.OPERATIONS or store_tags.owns(params)


__all__ = ["OPERATIONS", "owns"]
