"""The replaced functions of moto and the uses of its private attributes.

Those of queues are in `queues`, those of launch templates and volumes in `launch_templates` and `volumes`, and those of
what a resource lacks in `completions` and `additions`; no other module has either.

The internals that this package uses are listed in `relied_on`, and checked by `reliance`.
"""

from __future__ import annotations

import copy
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any, Final, cast

from moto.core import utils
from moto.core.base_backend import BackendDict
from moto.core.common_models import BaseModel
from moto.core.config import default_user_config
from moto.s3 import models as s3_models
from moto.s3 import notifications
from moto.s3.models import FakeBucket, S3Backend
from moto.sns.models import Subscription

# -- replacements ----------------------------------------------------------------------------------------


@cache
def fence_lookups(check: Callable[[str, str], None], visible: Callable[[str, str], bool]) -> None:
    """Fence the look-ups in moto's data.

    `check` (part of moto, account) is called before each, and may raise; who goes through all accounts sees those that
    are `visible`.
    """
    create = BackendDict.__getitem__

    def lookup(backends: Any, account: str) -> Any:
        check(part_of(backends.backend), account)
        found = dict.get(backends, account)
        return create(backends, account) if found is None else found

    def get(backends: Any, account: str, default: Any = None) -> Any:
        check(part_of(backends.backend), account)
        return dict.get(backends, account, default)

    def accounts(backends: Any) -> Iterator[str]:
        part = part_of(backends.backend)
        return (account for account in list(dict.keys(backends)) if visible(part, account))

    def contains(backends: Any, account: object) -> bool:
        return account in list(accounts(backends))

    def items(backends: Any) -> Iterable[tuple[str, Any]]:
        return [(account, dict.__getitem__(backends, account)) for account in accounts(backends)]

    replacements: Mapping[str, Any] = {
        "__getitem__": lookup,
        "__contains__": contains,
        "__iter__": accounts,
        "get": get,
        "items": items,
        "keys": lambda backends: list(accounts(backends)),
        "values": lambda backends: [found for _, found in items(backends)],
    }
    for name, replacement in replacements.items():
        setattr(BackendDict, name, replacement)


@cache
def part_of(models: Any) -> str:
    """The part of moto that has the class of a service's models."""
    return str(models.__module__).split(".")[1]


def replace_function(name: str, replacement: Callable[..., Any]) -> bool:
    """Replace the function or property `name` of moto (dotted) by `replacement`, if its module is loaded.

    Returns whether it is. Raises AttributeError where the module has no such function.
    """
    parts = name.split(".")
    end = max((n for n in range(len(parts)) if ".".join(parts[:n]) in sys.modules), default=0)
    module = ".".join(parts[:end])
    if len(parts) - end > 2:
        return False
    owner = getattr(sys.modules[module], parts[end]) if len(parts) - end == 2 else sys.modules[module]
    present = vars(owner)[parts[-1]] if parts[-1] in vars(owner) else getattr(owner, parts[-1])
    replaced = property(replacement) if isinstance(present, property) else replacement
    setattr(owner, parts[-1], replaced)
    if owner is sys.modules[module]:
        _rebind(parts[-1], present, replaced)
    return True


@contextmanager
def replaced_for_a_while(replacements: Mapping[str, Callable[..., Any]]) -> Iterator[None]:
    """Replace functions where a module of moto has them (by dotted names), in this turn alone."""
    places = [(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2]) for name in replacements]
    before = [getattr(module, name) for module, name in places]
    try:
        for (module, name), replacement in zip(places, replacements.values(), strict=True):
            setattr(module, name, replacement)
        yield
    finally:
        for (module, name), present in zip(places, before, strict=True):
            setattr(module, name, present)


@contextmanager
def shadowed(models: Any, **methods: Callable[..., Any]) -> Iterator[None]:
    """Put other methods in place of those of one of moto's models, in this turn alone."""
    for name, method in methods.items():
        setattr(models, name, method)
    try:
        yield
    finally:
        for name in methods:
            delattr(models, name)


def _rebind(name: str, present: Any, replacement: Any) -> None:
    """Replace a function in the modules of moto that have imported it by its name."""
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("moto.") and vars(module).get(name) is present:
            setattr(module, name, replacement)


def without_containers() -> None:
    """Have moto's Batch end its jobs at once, in place of running containers."""
    default_user_config["batch"] = {"use_docker": False}


def without_access_logs() -> None:
    """Have moto's S3 write no access logs, which it puts into a bucket that has not let them in."""
    S3Backend.log_incoming_request = lambda *_: None


def withdraw_bucket_guard() -> None:
    """Disable moto's own check of bucket policies.

    It evaluates them without principals and conditions, and would refuse calls that they allow (a Deny whose condition
    does not match). There is no setting for it.
    """
    neutral = importlib.import_module("moto.iam.access_control").PermissionResult.NEUTRAL

    def neutral_permission(_bucket: Any, _action: str, _resource: str) -> Any:
        return neutral

    FakeBucket.get_permission = neutral_permission


def keep_bodies_in(body: type[Any]) -> None:
    """Replace the temporary files of moto's S3 by `body`, which is made and used as one.

    A key that is let go of closes its own, without the warning: moto copies keys to list them, and closes no copy.
    """
    s3_models.tempfile = SimpleNamespace(SpooledTemporaryFile=body)
    s3_models.FakeKey.__del__ = lambda key: key.dispose()


@cache
def write_dates_once() -> None:
    """Have moto's S3 remember how a date of an object is written: reading a small object takes less time."""
    s3_models.rfc_1123_datetime = lru_cache(maxsize=4096)(s3_models.rfc_1123_datetime)


def compute_names_once() -> None:
    """Have moto remember what it computes of names with each call: the methods of a class, and how members are spelled.

    That is a fifth of the time that most calls take.
    """
    for name in ("method_names_from_class", "camelcase_to_underscores"):
        computed = getattr(utils, name)
        if not hasattr(computed, "cache_info"):
            replace_function(f"moto.core.utils.{name}", lru_cache(maxsize=4096)(computed))


def let_go_of_models() -> None:
    """Have moto let go of what is replaced or deleted: it lists all models ever made, for a page that is not there."""

    def made(kind: type[Any], *_args: Any, **_kwargs: Any) -> Any:
        return super(BaseModel, kind).__new__(kind)

    BaseModel.__new__ = staticmethod(made)


def withdraw_key_guard() -> None:
    """Disable moto's own check of key policies, for the same reason."""

    def no_validation(_key: Any, _action: str) -> None:
        return None

    setattr(importlib.import_module("moto.kms.responses"), "validate_policy", no_validation)  # noqa: B010 - for mypy


def name_key_policies() -> None:
    """Have KMS take a key's policy without its name. API Reference, PutKeyPolicy: "the default value is `default`"."""
    responses: Any = importlib.import_module("moto.kms.responses")
    check = responses._assert_default_policy

    def check_given(policy_name: str | None) -> None:
        if policy_name is not None:
            check(policy_name)

    responses._assert_default_policy = check_given


def find_log_groups() -> None:
    """Have Logs look a `logGroupIdentifier` (name or ARN) up. moto takes its last group for what it does not find."""
    models: Any = importlib.import_module("moto.logs.models").LogsBackend
    original = models._find_log_group

    def find_log_group(self: Any, log_group_id: str | None = None, log_group_name: str | None = None) -> Any:
        if log_group_id and not log_group_name:
            log_group_name = log_group_id.removesuffix(":*").rpartition(":")[2]
        return original(self, log_group_name=log_group_name)

    models._find_log_group = find_log_group


def replace_permissions(add: Callable[..., tuple[Any, str]]) -> Callable[..., tuple[Any, str]]:
    """Replace the method by which moto's Lambda adds a permission to a policy, and return it; see `permissions`."""
    policy = importlib.import_module("moto.awslambda.policy").Policy
    original: Callable[..., tuple[Any, str]] = policy.add_statement
    policy.add_statement = add
    return original


def keep_asynchronous_settings() -> None:
    """Have moto's functions keep their DeadLetterConfig, and one EventInvokeConfig, the last one that was put."""
    models: Any = importlib.import_module("moto.awslambda.models")
    function, backend = models.LambdaFunction, models.LambdaBackend
    begin, update, tell = function.__init__, function.update_configuration, function.get_configuration
    put = backend.put_function_event_invoke_config

    def init(self: Any, account_id: str, spec: dict[str, Any], *others: Any, **named: Any) -> None:
        begin(self, account_id, spec, *others, **named)
        self.dead_letter_config = spec.get("DeadLetterConfig")

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        if "DeadLetterConfig" in config_updates:
            self.dead_letter_config = config_updates["DeadLetterConfig"]
        return cast("dict[str, Any]", update(self, config_updates))

    def get_configuration(self: Any, on_create: bool = False) -> dict[str, Any]:
        target = dead_letter_target(self)
        told: dict[str, Any] = tell(self, on_create)
        return told | ({"DeadLetterConfig": {"TargetArn": target}} if target else {})

    def put_config(self: Any, function_name: str, config: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = put(self, function_name, config)
        del self.get_function(function_name).event_invoke_config[:-1]
        return answer

    function.__init__, function.update_configuration = init, update_configuration
    function.get_configuration, backend.put_function_event_invoke_config = get_configuration, put_config


def dead_letter_target(function: Any) -> str:
    """The ARN of a function's dead-letter queue or topic; empty where it has none."""
    return str((getattr(function, "dead_letter_config", None) or {}).get("TargetArn") or "")


def divert_events(send_to_targets: Callable[..., None]) -> None:
    """Replace the method with which moto's rules call the models of other services; see `event_rules`.

    Rules that are an archive's keep moto's, which puts the event into the archive.
    """
    rule = importlib.import_module("moto.events.models").Rule
    original = rule.send_to_targets
    if getattr(original, "of_locum", False):
        return

    def send(self: Any, event: dict[str, Any], transform_input: bool = True) -> None:
        deliver = original if self.managed_by else send_to_targets
        deliver(self, event, transform_input)

    send.of_locum = True  # type: ignore[attr-defined]
    rule.send_to_targets = send


def divert_logs(put_subscription_filter: Callable[..., None], send_log_events: Callable[..., None]) -> None:
    """Replace the methods with which moto's Logs calls the models of other services; see `log_subscriptions`."""
    models: Any = importlib.import_module("moto.logs.models")
    models.LogsBackend.put_subscription_filter = put_subscription_filter
    models.LogStream._send_log_events = send_log_events


def log_group_of(models: Any, name: str) -> Any:
    """The log group `name`. Raises moto's ResourceNotFoundException."""
    return models._find_log_group(log_group_name=name)


def put_subscription(group: Any, name: str, pattern: str, destination: str, role: str) -> Callable[[], None]:
    """Keep a subscription filter of a log group; what takes that back."""
    before = copy.copy(group.subscription_filters.get(name))
    group.put_subscription_filter(name, pattern, destination, role)

    def undo() -> None:
        if before is None:
            group.subscription_filters.pop(name, None)
        else:
            group.subscription_filters[name] = before

    return undo


@cache
def divert_alarms(changed: Callable[[Any, str], None], measured: Callable[[Any, str, Iterable[str]], None]) -> None:
    """Have `changed` told of each change of an alarm's state, with the former one, and `measured` of metric data.

    `measured` gets the backend, the namespace and the names of the metrics. See `alarms`.
    """
    models = importlib.import_module("moto.cloudwatch.models")
    update, put = models.Alarm.update_state, models.CloudWatchBackend.put_metric_data

    def update_state(alarm: Any, reason: str, reason_data: str, state_value: str) -> None:
        before = alarm.state_value
        update(alarm, reason, reason_data, state_value)
        changed(alarm, before)

    def put_metric_data(backend: Any, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        put(backend, namespace, metric_data)
        measured(backend, namespace, [str(datum["MetricName"]) for datum in metric_data])

    models.Alarm.update_state = update_state
    models.CloudWatchBackend.put_metric_data = put_metric_data


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


def parameters(models: Any) -> dict[str, list[Any]]:
    """The parameters of SSM that were put, each with its versions, oldest first: none of those that moto itself has."""
    kept: dict[str, list[Any]] = dict(models._parameters)
    return kept


def tags_of_type(models: Any, kind: str) -> Mapping[str, Any]:
    """The tags of the resources of one of Systems Manager's types (`Parameter`), by name or id."""
    found: Mapping[str, Any] = models._resource_tags.get(kind, {})
    return found


def function_at(models: Any, arn: str) -> Any | None:
    """The Lambda function `arn` (without a version), or None, for which moto's public method raises an error."""
    return models._lambdas.get_arn(arn)


def is_taken(subnet: Any, address: str) -> bool:
    """Whether an address of a subnet of EC2 is in use."""
    return address in subnet._subnet_ips


def mappings_of(models: Any) -> dict[str, Any]:
    """The event source mappings of Lambda by their UUIDs, as they are kept."""
    kept: dict[str, Any] = models._event_source_mappings
    return kept
