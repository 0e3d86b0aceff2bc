"""AWS CloudTrail: the event history.

Trails, event data stores and the other operations are left to the backend.
"""

from __future__ import annotations

from typing import Final

from locum.services.cloudtrail.lookup import lookup_events
from locum.services.verbs import Operation, looks_up

OPERATIONS: Final[dict[str, Operation]] = {"LookupEvents": looks_up(lookup_events)}

__all__ = ["OPERATIONS"]
