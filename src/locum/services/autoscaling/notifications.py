"""Notification configurations: the topics that are told of a group's launches and terminations (`notices`)."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.core.arn import Arn
from locum.services.asking import Asking, asking
from locum.services.autoscaling.faults import validation_error
from locum.services.autoscaling.lookup import group_named, groups_in, page_of
from locum.services.autoscaling.notices import TEST, TYPES, tested, topic_message
from locum.services.verbs import Context, Operation, Outcome, Params, asks_and_writes, reads, writes
from locum.state import put

MOST: Final = 10
"""User Guide, "Quotas": SNS topics per Auto Scaling group."""

_SHOWN = ("AutoScalingGroupName", "TopicARN", "NotificationType")


def put_notification_configuration(ctx: Context, params: Params) -> Asking:
    """autoscaling:PutNotificationConfiguration: "This configuration overwrites any existing configuration." """
    group, topic = group_named(ctx, params["AutoScalingGroupName"]), params["TopicARN"]
    types = tuple(dict.fromkeys(params["NotificationTypes"]))
    for name in types:
        if name not in TYPES:
            raise validation_error(f'"{name}" is not a valid Notification Type.')
    arn = Arn.find(topic)
    if arn is None or arn.service != "sns" or arn.region != ctx.region:
        raise validation_error(f"Invalid topic ARN: {topic}")
    if topic not in group.notifications and len(group.notifications) >= MOST:
        raise validation_error(f"Exceeded limit of SNS topics per Auto Scaling group: {MOST}")
    changed = replace(group, notifications={**group.notifications, topic: types})
    subject = f'Auto Scaling: test notification for group "{group.name}"'
    test = topic_message(group, topic, subject, {"Event": TEST}, ctx.now)
    effects = yield from tested(ctx, test, f"Unable to publish test notification to topic {topic}.")
    return Outcome({}, (put(changed),), effects)


def delete_notification_configuration(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DeleteNotificationConfiguration."""
    group, topic = group_named(ctx, params["AutoScalingGroupName"]), params["TopicARN"]
    if topic not in group.notifications:
        raise validation_error(f"Notification configuration doesn't exist for topic {topic}.")
    kept = {name: types for name, types in group.notifications.items() if name != topic}
    return Outcome({}, (put(replace(group, notifications=kept)),))


def describe_notification_configurations(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeNotificationConfigurations: a row for each group, topic and type."""
    wanted = params.get("AutoScalingGroupNames")
    rows = [
        (group.name, topic, kind)
        for group in groups_in(ctx)
        if not wanted or group.name in wanted
        for topic, types in group.notifications.items()
        for kind in types
    ]
    page = page_of(params, rows, "/".join)
    return page.outcome("NotificationConfigurations", lambda row: dict(zip(_SHOWN, row, strict=True)))


OPERATIONS: Final[dict[str, Operation]] = {
    "DeleteNotificationConfiguration": writes(delete_notification_configuration),
    "DescribeNotificationConfigurations": reads(describe_notification_configurations),
    "PutNotificationConfiguration": asks_and_writes(asking(put_notification_configuration)),
}
