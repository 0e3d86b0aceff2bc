"""EC2's notices in instance metadata: interruptions, rebalance recommendations, maintenance, target lifecycle state.

All of them are absent (404) until there is something to announce, but for the lists of maintenance events.
"""

from __future__ import annotations

from locum.core.clock import Instant, iso8601
from locum.imds.texts import event_time, json_text
from locum.state import Instance, MaintenanceEvent


def announced(instance: Instance, at: Instant) -> dict[str, str]:
    """The leaves spot/, events/ and autoscaling/. Their times are by the clock of the instance, the wall clock.

    EC2 User Guide, "Spot Instance interruption notices", "EC2 instance rebalance recommendations", "Scheduled events
    for your instances"; Auto Scaling User Guide, "Retrieve the target lifecycle state through instance metadata".
    """
    notices = instance.notices
    history = [event for event in notices.maintenance if event.state != "active"]
    scheduled = [event for event in notices.maintenance if event.state == "active"]
    found = {
        "events/maintenance/history": json_text([_event(event, at) for event in history]),
        "events/maintenance/scheduled": json_text([_event(event, at) for event in scheduled]),
    }
    if notices.interruption:
        when = iso8601(at.told(notices.interruption_at))
        found["spot/instance-action"] = json_text({"action": notices.interruption, "time": when})
        if notices.interruption == "terminate":
            found["spot/termination-time"] = when
    if notices.rebalance_at:
        found["events/recommendations/rebalance"] = json_text({"noticeTime": iso8601(at.told(notices.rebalance_at))})
    if notices.lifecycle_state:
        found["autoscaling/target-lifecycle-state"] = notices.lifecycle_state
    return found


def _event(event: MaintenanceEvent, at: Instant) -> dict[str, str]:
    shape = {
        "NotBefore": event_time(at.told(event.not_before)),
        "Code": event.code,
        "Description": event.description,
        "EventId": event.id,
        "NotAfter": event_time(at.told(event.not_after)),
        "State": event.state,
    }
    return {name: text for name, text in shape.items() if name != "NotAfter" or event.not_after}
