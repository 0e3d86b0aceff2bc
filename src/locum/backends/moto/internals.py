"""Where moto is changed, and what of it is private: each with its reason, and nothing of either anywhere else.

What moto looks like inside, here and in the modules beside this one, is listed and checked in `relied_on`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from moto.s3 import notifications
from moto.s3.models import FakeBucket
from moto.sns.models import Subscription

# -- what is replaced ----------------------------------------------------------------------------------------


def withdraw_guards(part: str) -> None:
    """Take moto's own opinions on who may do what out of its `s3` or `kms`; nothing to do for the others.

    It reads the policies of buckets and keys by itself, without their principals and conditions, and would refuse what
    they allow (a Deny whose condition does not hold). There is no switch for it.
    """
    if part == "s3":
        neutral = importlib.import_module("moto.iam.access_control").PermissionResult.NEUTRAL

        def no_opinion(_bucket: Any, _action: str, _resource: str) -> Any:
            return neutral

        FakeBucket.get_permission = no_opinion
    elif part == "kms":

        def no_objection(_key: Any, _action: str) -> None:
            return None

        setattr(importlib.import_module("moto.kms.responses"), "validate_policy", no_objection)  # noqa: B010 - for mypy


def divert_deliveries(
    *,
    send_event: Callable[..., None],
    send_test_event: Callable[..., None],
    configure: Callable[..., None],
    publish: Callable[..., None],
) -> None:
    """Put functions of ours in the place of those with which moto's S3 and SNS reach into other services.

    moto calls its models there, past whoever decides on calls: `deliveries` says more. `configure` stands in for
    `FakeBucket.set_notification_configuration`, `publish` for `Subscription.publish`.
    """
    notifications.send_event = send_event
    notifications.send_test_event = send_test_event
    FakeBucket.set_notification_configuration = configure
    Subscription.publish = publish


moto_configure: Final[Callable[..., None]] = FakeBucket.set_notification_configuration
"""moto's own `configure`."""
moto_publish: Final[Callable[..., None]] = Subscription.publish
"""moto's own `publish`."""


# -- what is private -----------------------------------------------------------------------------------------


def passes_filter(subscription: Any, attributes: Mapping[str, Any], message: str) -> bool:
    """Whether the filter policy of a subscription lets a message through. (moto keeps it compiled, in private.)"""
    matcher = subscription._filter_policy_matcher
    return matcher is None or bool(matcher.matches(attributes, message))


def part_of_message(subscription: Any, message: str) -> str:
    """The part of a message with a structure that is for a subscription's protocol. Raises moto's error."""
    return str(subscription._parse_message_structure(message, subscription.protocol))


def tags_of_topic(topic: Any) -> dict[str, str]:
    """The tags of a topic. (moto answers them by ARN only, with an error where there is none.)"""
    return dict(topic._tags)


def function_at(models: Any, arn: str) -> Any | None:
    """The Lambda function at `arn`, which names no version; None where there is none, for which moto has an error."""
    return models._lambdas.get_arn(arn)
