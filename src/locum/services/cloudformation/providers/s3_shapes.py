"""Configurations of buckets, from the members that CloudFormation has for them to those of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.base import Properties

_Shape = Callable[[Any], Any]


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """`value` with the members of `names` under other ones, at all depths."""
    if isinstance(value, Mapping):
        return {names.get(name, name): renamed(item, names) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [renamed(item, names) for item in value]
    return value


def shaped(properties: Properties) -> Properties:
    """The properties of a bucket, its configurations as the calls have them."""
    return {name: _SHAPES.get(name, _as_it_is)(value) for name, value in properties.items()}


def _as_it_is(value: Any) -> Any:
    return value


def _by(names: Mapping[str, str]) -> _Shape:
    return lambda value: renamed(value, names)


def _apart(value: Mapping[str, Any], *names: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The members of `value` called `names`, and the others."""
    found = {name: item for name, item in value.items() if name in names}
    return found, {name: item for name, item in value.items() if name not in names}


def _filter(parts: Mapping[str, Any], tags: Any) -> dict[str, Any]:
    """A filter of all `parts` and `tags`."""
    tags = [dict(tag) for tag in tags or ()]
    if len(tags) + len(parts) > 1:
        return {"And": {**parts, **({"Tags": tags} if tags else {})}}
    return {"Tag": tags[0]} if tags else dict(parts)


# -- lifecycles ------------------------------------------------------------------------------------------

_TRANSITION: Final = {"TransitionInDays": "Days", "TransitionDate": "Date"}
_LATER: Final = {"TransitionInDays": "NoncurrentDays"}


def _lifecycle(value: Mapping[str, Any]) -> dict[str, Any]:
    return {**value, "Rules": [_lifecycle_rule(rule) for rule in value.get("Rules", ())]}


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    given, rest = _apart(
        rule,
        *("Prefix", "TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan"),
        *("ExpirationDate", "ExpirationInDays", "ExpiredObjectDeleteMarker", "Id"),
        *("Transition", "Transitions", "NoncurrentVersionTransition", "NoncurrentVersionTransitions"),
        "NoncurrentVersionExpirationInDays",
    )
    parts = _apart(given, "Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan")[0]
    expiration = {
        member: given[name]
        for member, name in (
            ("Date", "ExpirationDate"),
            ("Days", "ExpirationInDays"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if name in given
    }
    found = {
        "ID": given.get("Id"),
        "Expiration": expiration,
        "Transitions": renamed(_one_or_more(given, "Transition"), _TRANSITION),
        "NoncurrentVersionTransitions": renamed(_one_or_more(given, "NoncurrentVersionTransition"), _LATER),
    }
    if "NoncurrentVersionExpirationInDays" in given:
        found["NoncurrentVersionExpiration"] = {"NoncurrentDays": given["NoncurrentVersionExpirationInDays"]}
    filtered = _filter(parts, given.get("TagFilters")) or {"Prefix": ""}
    return {**{name: item for name, item in found.items() if item}, "Filter": filtered, **rest}


def _one_or_more(given: Mapping[str, Any], name: str) -> list[Any]:
    return [*([given[name]] if name in given else ()), *given.get(f"{name}s", ())]


# -- others ----------------------------------------------------------------------------------------------


def _encryption(value: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "ServerSideEncryptionConfiguration": "Rules",
        "ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault",
    }
    found: dict[str, Any] = renamed(value, names)
    return found


def _website(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = renamed(value, {"RedirectRule": "Redirect", "RoutingRuleCondition": "Condition"})
    for name, member in (("ErrorDocument", "Key"), ("IndexDocument", "Suffix")):
        if name in found:
            found[name] = {member: found[name]}
    return found


_LOGGING: Final = {"DestinationBucketName": "TargetBucket", "LogFilePrefix": "TargetPrefix"}


def _logging(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"TargetPrefix": "", **renamed(value, _LOGGING)}


_NOTICES: Final = {
    "LambdaConfigurations": "LambdaFunctionConfigurations",
    "Function": "LambdaFunctionArn",
    "Queue": "QueueArn",
    "Topic": "TopicArn",
    "Event": "Events",
    "S3Key": "Key",
    "Rules": "FilterRules",
}


def _notification(value: Mapping[str, Any]) -> dict[str, Any]:
    bridge, rest = _apart(value, "EventBridgeConfiguration")
    found: dict[str, Any] = renamed(rest, _NOTICES)
    for items in found.values():
        for item in items:
            item["Events"] = [item["Events"]]
    enabled = bridge.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled", bool(bridge))
    return {**found, **({"EventBridgeConfiguration": {}} if str(enabled).lower() == "true" else {})}


def _replication(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = renamed(value, {"Id": "ID", "TagFilter": "Tag", "TagFilters": "Tags"})
    return found


def _destination(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"S3BucketDestination": renamed(value, {"BucketArn": "Bucket"})}


def _filtered(item: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with an id, whose filter CloudFormation has as members of its own."""
    given, rest = _apart(item, "Prefix", "TagFilters", "AccessPointArn")
    tags = given.pop("TagFilters", None)
    found = _filter(given, tags)
    return {**rest, **({"Filter": found} if found else {})}


def _analytics(item: Mapping[str, Any]) -> dict[str, Any]:
    found = _filtered(item)
    export = found.get("StorageClassAnalysis", {}).get("DataExport")
    if export:
        export = {**export, "Destination": _destination(export["Destination"])}
        found["StorageClassAnalysis"] = {"DataExport": export}
    return found


def _inventory(item: Mapping[str, Any]) -> dict[str, Any]:
    found = renamed(_filtered(item), {"Enabled": "IsEnabled"})
    frequency = found.pop("ScheduleFrequency")
    kept = renamed(_destination(item["Destination"]), {"BucketAccountId": "AccountId"})
    return {**found, "Destination": kept, "Schedule": {"Frequency": frequency}}


def _all(shape: _Shape) -> _Shape:
    return lambda items: [shape(item) for item in items]


_SHAPES: Final[dict[str, _Shape]] = {
    "AccelerateConfiguration": _by({"AccelerationStatus": "Status"}),
    "AccessControl": lambda value: "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in value)[
        1:
    ],
    "AnalyticsConfigurations": _all(_analytics),
    "BucketEncryption": _encryption,
    "CorsConfiguration": _by(
        {"CorsRules": "CORSRules", "Id": "ID", "ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    ),
    "IntelligentTieringConfigurations": _all(_filtered),
    "InventoryConfigurations": _all(_inventory),
    "LifecycleConfiguration": _lifecycle,
    "LoggingConfiguration": _logging,
    "MetricsConfigurations": _all(_filtered),
    "NotificationConfiguration": _notification,
    "ReplicationConfiguration": _replication,
    "WebsiteConfiguration": _website,
}
