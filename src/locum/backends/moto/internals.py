"""The replaced functions of moto and the uses of its private attributes. No other module has either.

The internals that this package uses are listed and checked in `relied_on`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from moto.s3 import notifications
from moto.s3.models import FakeBucket
from moto.sns.models import Subscription

# -- replacements ----------------------------------------------------------------------------------------


def withdraw_bucket_guard() -> None:
    """Disable moto's own check of bucket policies.

    It evaluates them without principals and conditions, and would refuse calls that they allow (a Deny whose condition
    does not match). There is no setting for it.
    """
    neutral = importlib.import_module("moto.iam.access_control").PermissionResult.NEUTRAL

    def neutral_permission(_bucket: Any, _action: str, _resource: str) -> Any:
        return neutral

    FakeBucket.get_permission = neutral_permission


def withdraw_key_guard() -> None:
    """Disable moto's own check of key policies, for the same reason."""

    def no_validation(_key: Any, _action: str) -> None:
        return None

    setattr(importlib.import_module("moto.kms.responses"), "validate_policy", no_validation)  # noqa: B010 - for mypy


def keep_queue_policies() -> None:
    """Have SetQueueAttributes leave a queue's policy alone where it does not name it. moto would remove it."""
    queue: Any = importlib.import_module("moto.sqs.models").Queue
    original = queue._set_attributes

    def set_attributes(self: Any, attributes: Mapping[str, Any], now: float | None = None) -> None:
        kept = getattr(self, "_policy_json", None)
        original(self, attributes, now)
        if "Policy" not in attributes and kept is not None:
            self._policy_json = kept

    queue._set_attributes = set_attributes


def replace_permissions(add: Callable[..., tuple[Any, str]]) -> Callable[..., tuple[Any, str]]:
    """Replace the method by which moto's Lambda adds a permission to a policy, and return it; see `permissions`."""
    policy = importlib.import_module("moto.awslambda.policy").Policy
    original: Callable[..., tuple[Any, str]] = policy.add_statement
    policy.add_statement = add
    return original


def confine_stacks(types: frozenset[str]) -> None:
    """Remove the resource types `types`, and includes from S3, from moto's stacks."""
    parsing = importlib.import_module("moto.cloudformation.parsing")
    everything = getattr(parsing.get_model_map, "__wrapped__", None)
    if everything is None:  # replaced already
        return

    def model_map() -> dict[str, Any]:
        return {name: model for name, model in everything().items() if name not in types}

    setattr(parsing, "get_model_map", model_map)  # noqa: B010 - for mypy
    setattr(parsing, "s3_backends", {})  # noqa: B010 - for mypy


def divert_events(send: Callable[..., None]) -> None:
    """Replace the function with which moto's EventBridge calls the model of SQS; see `deliveries`."""
    importlib.import_module("moto.events.models").Rule._send_to_sqs_queue = send


def divert_deliveries(
    *,
    send_event: Callable[..., None],
    send_test_event: Callable[..., None],
    configure: Callable[..., None],
    publish: Callable[..., None],
) -> None:
    """Replace the functions with which moto's S3 and SNS call the models of other services; see `deliveries`.

    `configure` replaces `FakeBucket.set_notification_configuration`, `publish` replaces `Subscription.publish`.
    """
    notifications.send_event = send_event
    notifications.send_test_event = send_test_event
    FakeBucket.set_notification_configuration = configure
    Subscription.publish = publish


moto_configure: Final[Callable[..., None]] = FakeBucket.set_notification_configuration
"""moto's original of `configure`."""
moto_publish: Final[Callable[..., None]] = Subscription.publish
"""moto's original of `publish`."""


# -- private attributes -----------------------------------------------------------------------------------------


def passes_filter(subscription: Any, attributes: Mapping[str, Any], message: str) -> bool:
    """Whether a message matches the filter policy of a subscription, whose compiled form is private."""
    matcher = subscription._filter_policy_matcher
    return matcher is None or bool(matcher.matches(attributes, message))


def part_of_message(subscription: Any, message: str) -> str:
    """The text for a subscription's protocol in a message with MessageStructure `json`. Raises moto's error."""
    return str(subscription._parse_message_structure(message, subscription.protocol))


def tags_of_topic(topic: Any) -> dict[str, str]:
    """The tags of a topic. moto's public method takes an ARN and raises an error where there is no topic."""
    return dict(topic._tags)


def function_at(models: Any, arn: str) -> Any | None:
    """The Lambda function `arn` (without a version), or None, for which moto's public method raises an error."""
    return models._lambdas.get_arn(arn)
