"""The events that EC2 sends EventBridge of an instance: its states, and notices of its interruption.

EC2 User Guide, "EventBridge events for Amazon EC2 instances", "Spot Instance interruption notices" and "EC2 instance
rebalance recommendations". A transition ends with its call here, so that its end is told of with its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from locum.core.calls import ServiceCall
from locum.core.service_events import ServiceEvent
from locum.credentials import KeyRing
from locum.state import Instance, State
from locum.state.entities import Notices

_BEFORE: Final = {"running": "pending", "stopped": "stopping", "terminated": "shutting-down"}
"""The transitional state before each final one."""

_SILENT: Final = Notices()


def following(state: State, it: Instance, now: float, _ring: KeyRing) -> Iterator[ServiceEvent | ServiceCall]:
    """The events of EC2 about `it`, which is about to take the place of what it is in `state`."""
    earlier = state.get(Instance, it.account, it.id)
    was = "" if earlier is None else earlier.state
    if it.state != was:
        through = _BEFORE.get(it.state)
        if through is not None and through != was:
            yield _event(it, "EC2 Instance State-change Notification", {"state": through})
        yield _event(it, "EC2 Instance State-change Notification", {"state": it.state})
    before, notices = (_SILENT if earlier is None else earlier.notices), it.notices
    if notices.interruption and not before.interruption:
        yield _event(it, "EC2 Spot Instance Interruption Warning", {"instance-action": notices.interruption})
    if notices.rebalance_at and not before.rebalance_at:
        yield _event(it, "EC2 Instance Rebalance Recommendation", {})


def _event(it: Instance, detail_type: str, detail: Mapping[str, Any]) -> ServiceEvent:
    told = {"instance-id": it.id, **detail}
    return ServiceEvent("aws.ec2", detail_type, it.account, it.region, (it.arn,), told)
