"""The events that Auto Scaling sends EventBridge of groups, and the notices that topics and queues get of them.

EC2 Auto Scaling User Guide, "Amazon EC2 Auto Scaling event reference" and "Instance refresh event types". The details
of activities have the documented members; a lifecycle action is told of when an instance begins to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from locum.core.arn import PARTITION
from locum.core.calls import ServiceCall
from locum.core.clock import iso8601
from locum.core.service_events import ServiceEvent
from locum.credentials import KeyRing
from locum.services.autoscaling.activities import details
from locum.services.autoscaling.hooks import LAUNCHING
from locum.services.autoscaling.notices import activity_notices, hook_notice
from locum.services.autoscaling.tracking import delete_alarms
from locum.state import AutoScalingGroup, InstanceRefresh, LifecycleHook, ScalingActivity, ScalingPolicy, State
from locum.state.autoscaling import regional

_SOURCE: Final = "aws.autoscaling"
_DIRECTION: Final = {"Origin": "EC2", "Destination": "AutoScalingGroup"}
_REVERSED: Final = {"Origin": "AutoScalingGroup", "Destination": "EC2"}

_Told = Iterator[ServiceEvent | ServiceCall]


class _Kind(NamedTuple):
    """The kind of an activity on an instance: its name in events, and the origin and destination of the instance."""

    event: str
    way: Mapping[str, str]


_KINDS: Final = {
    "Launching": _Kind("Launch", _DIRECTION),
    "Attaching": _Kind("Launch", _DIRECTION),
    "Terminating": _Kind("Terminate", _REVERSED),
    "Detaching": _Kind("Detach", _REVERSED),
}
"""By the first word of the description."""

_REFRESHES: Final = {
    "InProgress": "Started",
    "Successful": "Succeeded",
    "Failed": "Failed",
    "Cancelled": "Cancelled",
}


def following(
    state: State, entity: AutoScalingGroup | InstanceRefresh | ScalingActivity, now: float, _ring: KeyRing
) -> _Told:
    """The events and notifications about `entity`, which is about to take the place of what it is in `state`."""
    return _FOLLOWING[type(entity)](state, entity, now)


def ended(state: State, policy: ScalingPolicy, _now: float, _ring: KeyRing) -> _Told:
    """The calls of Auto Scaling as `policy` is about to be removed: its alarms are deleted."""
    group = state.get(AutoScalingGroup, policy.account, regional(policy.region, policy.group))
    if group is not None:
        yield from delete_alarms(group, policy.alarms)


def _of_activity(state: State, it: ScalingActivity, now: float) -> _Told:
    """The end of an activity."""
    earlier, kind = state.get(ScalingActivity, it.account, it.key), _KINDS.get(it.description.partition(" ")[0])
    if kind is None or not it.ended or (earlier is not None and earlier.ended):
        return
    failed = it.status == "Failed"
    detail = {
        "StatusCode": "Failed" if failed else "InProgress",
        "Description": it.description,
        "AutoScalingGroupName": it.group,
        "ActivityId": it.id,
        "Details": details(it),
        "RequestId": it.id,
        "StatusMessage": it.message,
        "EndTime": iso8601(it.ended),
        "EC2InstanceId": it.instance,
        "StartTime": iso8601(it.started),
        "Cause": it.cause,
        **kind.way,
    }
    about = (it.group_arn, *((_instance_arn(it),) if it.instance else ()))
    result = "Unsuccessful" if failed else "Successful"
    yield ServiceEvent(_SOURCE, f"EC2 Instance {kind.event} {result}", it.account, it.region, about, detail)
    yield from activity_notices(state, it, kind.event, now)


def _of_group(state: State, group: AutoScalingGroup, now: float) -> _Told:
    """The lifecycle actions that begin."""
    earlier = state.get(AutoScalingGroup, group.account, group.key)
    known = {hook.token for it in (() if earlier is None else earlier.members) for hook in it.hooks}
    for it in group.members:
        for pending in it.hooks:
            hook = state.get(LifecycleHook, group.account, regional(group.region, group.name, pending.name))
            if pending.token in known or hook is None:
                continue
            launching = hook.transition == LAUNCHING
            detail = {
                "LifecycleActionToken": pending.token,
                "AutoScalingGroupName": group.name,
                "LifecycleHookName": hook.name,
                "EC2InstanceId": it.id,
                "LifecycleTransition": hook.transition,
                **_metadata(hook),
                **(_DIRECTION if launching else _REVERSED),
            }
            detail_type = f"EC2 Instance-{'launch' if launching else 'terminate'} Lifecycle Action"
            yield ServiceEvent(_SOURCE, detail_type, group.account, group.region, (group.arn,), detail)
            yield from hook_notice(group, hook, detail, now)


def _of_refresh(state: State, it: InstanceRefresh, now: float) -> _Told:
    """The beginning and the end of an instance refresh."""
    earlier = state.get(InstanceRefresh, it.account, it.key)
    group = state.get(AutoScalingGroup, it.account, regional(it.region, it.group))
    if it.status not in _REFRESHES or group is None or (earlier is not None and earlier.status == it.status):
        return
    if it.status != "InProgress" and (earlier is None or earlier.status == "Pending"):
        yield _refresh_event(group, it, "Started")
    yield _refresh_event(group, it, _REFRESHES[it.status])


def _refresh_event(group: AutoScalingGroup, it: InstanceRefresh, what: str) -> ServiceEvent:
    detail_type = f"EC2 Auto Scaling Instance Refresh {what}"
    detail = {"InstanceRefreshId": it.id, "AutoScalingGroupName": group.name}
    return ServiceEvent(_SOURCE, detail_type, group.account, group.region, (group.arn,), detail)


def _metadata(hook: LifecycleHook) -> dict[str, str]:
    given = hook.settings.get("NotificationMetadata")
    return {"NotificationMetadata": given} if given else {}


def _instance_arn(it: ScalingActivity) -> str:
    return f"arn:{PARTITION}:ec2:{it.region}:{it.account}:instance/{it.instance}"


_FOLLOWING: Final[dict[type, Callable[[State, Any, float], _Told]]] = {
    AutoScalingGroup: _of_group,
    InstanceRefresh: _of_refresh,
    ScalingActivity: _of_activity,
}
