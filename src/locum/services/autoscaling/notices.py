"""Notices of a group: messages to the topics that are configured for it, and to the targets of lifecycle hooks.

The service-linked role of the group publishes to topics, a hook's own role to its target. EC2 Auto Scaling User Guide,
"Amazon SNS notification options" and "Prepare to add a lifecycle hook"; each of them is sent a test notice first.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from typing import Any, Final

from locum.core.actors import ServiceRole
from locum.core.arn import Arn, queue_url
from locum.core.calls import Ask, Effect, ServiceCall
from locum.core.clock import iso8601_ms
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.core.principal import Source
from locum.services.autoscaling.activities import details
from locum.services.autoscaling.faults import validation_error
from locum.services.autoscaling.sources import SERVICE
from locum.services.verbs import Context
from locum.state import AutoScalingGroup, LifecycleHook, ScalingActivity, State
from locum.state.autoscaling import regional

TEST: Final = "autoscaling:TEST_NOTIFICATION"
TYPES: Final = (
    "autoscaling:EC2_INSTANCE_LAUNCH",
    "autoscaling:EC2_INSTANCE_LAUNCH_ERROR",
    "autoscaling:EC2_INSTANCE_TERMINATE",
    "autoscaling:EC2_INSTANCE_TERMINATE_ERROR",
    TEST,
)
SESSION: Final = "AutoScaling"

_SERVICE: Final = "AWS Auto Scaling"


def activity_notices(state: State, it: ScalingActivity, what: str, now: float) -> Iterator[ServiceCall]:
    """The messages of the end of an activity. `what`: `Launch` or `Terminate`; others are not told of."""
    group = state.get(AutoScalingGroup, it.account, regional(it.region, it.group))
    if group is None or group.arn != it.group_arn:
        return
    failed = it.status == "Failed"
    event = f"autoscaling:EC2_INSTANCE_{what.upper()}{'_ERROR' if failed else ''}"
    message = {
        "Progress": it.progress,
        "Description": it.description,
        "RequestId": it.id,
        "EndTime": iso8601_ms(it.ended),
        "ActivityId": it.id,
        "StartTime": iso8601_ms(it.started),
        "EC2InstanceId": it.instance,
        "StatusCode": "Failed" if failed else "InProgress",
        "StatusMessage": it.message,
        "Details": details(it),
        "Cause": it.cause,
        "Event": event,
    }
    subject = f'Auto Scaling: {"failed " if failed else ""}{what.lower()} for group "{group.name}"'
    for topic, types in group.notifications.items():
        if event in types:
            yield topic_message(group, topic, subject, message, now)


def topic_message(
    group: AutoScalingGroup, topic: str, subject: str, message: Mapping[str, Any], now: float
) -> ServiceCall:
    """The call that publishes `message` about `group` to a topic that is configured for it."""
    role = ServiceRole(SERVICE, group.service_role, SESSION, Source(group.account, group.arn))
    told = {**_head(group, now), "AutoScalingGroupARN": group.arn, **message}
    return _message(role, topic, subject, told)


def hook_notice(
    group: AutoScalingGroup, hook: LifecycleHook, action: Mapping[str, str], now: float
) -> Iterator[ServiceCall]:
    """The message of a lifecycle action to the target of its hook, if it has one.

    A hook of an older journal may have a target without a role, or none that is sent to: nothing was tested then.
    """
    target = hook.settings.get("NotificationTargetARN", "")
    if hook.settings.get("RoleARN") and _is_target(Arn.find(target)):
        way = hook.transition.rpartition("_")[2]
        subject = f"Auto Scaling:  Lifecycle action '{way}' for instance {action['EC2InstanceId']} in progress."
        yield _message(_role_of(group, hook), target, subject, {**_head(group, now), **action})


def hook_test(
    ctx: Context, group: AutoScalingGroup, hook: LifecycleHook
) -> Generator[Ask, Mapping[str, Any], tuple[Effect, ...]]:
    """The test message to the target of a hook, if it has one. Raises Fault where its role may not send it."""
    target = hook.settings.get("NotificationTargetARN")
    if not target:
        return ()
    arn = Arn.find(target)
    if arn is None or not _is_target(arn) or arn.region != group.region:
        raise validation_error(f"Invalid NotificationTargetARN: {target}")
    if not hook.settings.get("RoleARN"):
        raise validation_error("RoleARN is required when NotificationTargetARN is specified.")
    subject = f'Auto Scaling: test notification for group "{group.name}"'
    told = {**_head(group, ctx.now), "AutoScalingGroupARN": group.arn, "Event": TEST}
    test = _message(_role_of(group, hook), target, subject, told)
    role = hook.settings["RoleARN"]
    refusal = f"Unable to publish test message to notification target {target} using IAM role {role}."
    return (yield from tested(ctx, test, f"{refusal} Please check your target and role configuration and try again."))


def tested(ctx: Context, test: ServiceCall, refusal: str) -> Generator[Ask, Mapping[str, Any], tuple[Effect, ...]]:
    """The effect of sending `test`. Raises Fault ValidationError with the text `refusal` where it may not be sent."""
    try:
        yield Ask(test, decided_only=True)
    except Fault as fault:
        raise validation_error(refusal) from fault
    return (Effect(request_id(ctx.entropy), test),)


def _is_target(arn: Arn | None) -> bool:
    return arn is not None and arn.service in ("sns", "sqs")


def _role_of(group: AutoScalingGroup, hook: LifecycleHook) -> ServiceRole:
    return ServiceRole(SERVICE, hook.settings["RoleARN"], SESSION, Source(group.account, group.arn))


def _head(group: AutoScalingGroup, now: float) -> dict[str, str]:
    """The members that every message has."""
    return {
        "Service": _SERVICE,
        "Time": iso8601_ms(now),
        "AccountId": group.account,
        "AutoScalingGroupName": group.name,
        "RequestId": group.id,
    }


def _message(role: ServiceRole, target: str, subject: str, message: Mapping[str, Any]) -> ServiceCall:
    """The call that sends `message` to the topic or queue with the ARN `target`."""
    arn, text = Arn.parse(target), json.dumps(message)
    if arn.service == "sns":
        params = {"TopicArn": target, "Subject": subject[:100], "Message": text}
        return ServiceCall(role, "sns", "Publish", params, arn.region)
    return ServiceCall(role, "sqs", "SendMessage", {"QueueUrl": queue_url(arn), "MessageBody": text}, arn.region)
