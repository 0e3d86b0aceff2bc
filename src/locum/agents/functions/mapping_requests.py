"""The settings of event source mappings: what a request may have, by the kind of source, and how a mapping is told.

AWS Lambda API Reference, CreateEventSourceMapping. The texts of errors are AWS's where they are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.core.event_patterns import event_pattern
from locum.core.event_sources import EventSourceMapping

QUEUE: Final = "sqs"
STREAM: Final = "kinesis"
TABLE: Final = "dynamodb"
"""The kinds of sources, by their services."""

MOST_FILTERS: Final = 10
REPORTS_FAILURES: Final = "ReportBatchItemFailures"


class _Kind(NamedTuple):
    """The settings that a kind of source has by default, and the largest batch."""

    defaults: Mapping[str, Any]
    most: int
    reason: str


_OF_EVERY: Final[Mapping[str, Any]] = {"MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []}
_OF_STREAMS: Final[Mapping[str, Any]] = {
    **_OF_EVERY,
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
_KINDS: Final = {
    QUEUE: _Kind({**_OF_EVERY, "BatchSize": 10}, 10_000, "USER_INITIATED"),
    STREAM: _Kind(_OF_STREAMS, 10_000, "User action"),
    TABLE: _Kind(_OF_STREAMS, 10_000, "User action"),
}
_ALONE: Final[Mapping[str, frozenset[str]]] = {
    QUEUE: frozenset({"ScalingConfig", "FilterCriteria", "KMSKeyArn", "MetricsConfig"}),
    STREAM: frozenset({"StartingPosition", "StartingPositionTimestamp", "FilterCriteria", "KMSKeyArn"}),
    TABLE: frozenset({"StartingPosition", "FilterCriteria", "KMSKeyArn"}),
}
"""The settings that have no default."""
_NOT_SETTINGS: Final = frozenset({"EventSourceArn", "FunctionName", "Enabled", "Tags", "UUID"})
_ONCE: Final = frozenset({"StartingPosition", "StartingPositionTimestamp"})
_UNDONE: Final = ("KMSKeyArn", "MetricsConfig", "ProvisionedPollerConfig", "TumblingWindowInSeconds")
"""Settings that would change what is done in a way that is not there: refused where they ask for anything."""


def invalid(text: str) -> Fault:
    """The Fault for a parameter that is not valid."""
    return Fault("InvalidParameterValueException", text, 400, members={"Type": "User"})


def source_of(text: str) -> Arn:
    """The queue or stream `text`. Raises Fault where it is none that Locum reads."""
    arn = Arn.find(text)
    if arn is None or arn.service not in _KINDS:
        raise invalid("Unrecognized event source.")
    if arn.service == TABLE and "/stream/" not in arn.resource:
        raise invalid("Unrecognized event source.")
    return arn


def settings_of(source: Arn, params: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """The settings that a request asks for, over those `before`; of a new mapping, over the defaults. Raises Fault."""
    kind = _KINDS[source.service]
    asked = {name: value for name, value in params.items() if name not in _NOT_SETTINGS and value is not None}
    known = kind.defaults.keys() | _ALONE[source.service]
    for name in asked:
        if name not in known or (before is not None and name in _ONCE):
            raise invalid(f"Unsupported {name} parameter for given event source mapping type.")
    for name in _UNDONE:
        if asked.get(name):
            raise Fault("NotImplemented", f"Locum does not implement event source mappings with {name}.", 501)
    found = {**(kind.defaults if before is None else before), **asked}
    _check_sizes(source, found, kind.most)
    _check_position(source, found)
    _check_filters(found)
    return found


def _check_sizes(source: Arn, settings: Mapping[str, Any], most: int) -> None:
    size, window = settings["BatchSize"], settings["MaximumBatchingWindowInSeconds"]
    if source.service == QUEUE and source.resource.endswith(".fifo"):
        if size > 10:
            raise invalid("Batch size must be less than or equal to 10 for FIFO queues.")
        if window:
            raise invalid("Maximum batch window is not supported for FIFO queues.")
    if size > most:
        raise invalid(f"Batch size must be less than or equal to {most}.")
    if source.service == QUEUE and size > 10 and not window:
        text = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        raise invalid(text)


def _check_position(source: Arn, settings: Mapping[str, Any]) -> None:
    position = settings.get("StartingPosition")
    if source.service == QUEUE:
        return
    if position is None:
        what = "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
        raise invalid(f"{what}Member must not be null.")
    if position == "AT_TIMESTAMP" and source.service == TABLE:
        raise invalid("Unsupported starting position for arn type: AT_TIMESTAMP")
    if (position == "AT_TIMESTAMP") != ("StartingPositionTimestamp" in settings):
        raise invalid("StartingPositionTimestamp goes with the starting position AT_TIMESTAMP, and with no other.")


def _check_filters(settings: Mapping[str, Any]) -> None:
    patterns = patterns_of(settings)
    if len(patterns) > MOST_FILTERS:
        raise invalid(f"Filters must have {MOST_FILTERS} or fewer elements.")
    for pattern in patterns:
        try:
            event_pattern(pattern)
        except ValueError as error:
            raise invalid("Invalid filter pattern definition.") from error


def patterns_of(settings: Mapping[str, Any]) -> list[str]:
    """The patterns of the filters; none where everything passes."""
    filters = (settings.get("FilterCriteria") or {}).get("Filters") or ()
    return [one["Pattern"] for one in filters if one.get("Pattern")]


def told(mapping: EventSourceMapping) -> dict[str, Any]:
    """The EventSourceMappingConfiguration of a mapping."""
    settings = dict(mapping.settings)
    if not patterns_of(settings):
        settings.pop("FilterCriteria", None)
    answer: dict[str, Any] = {
        **settings,
        "UUID": mapping.uuid,
        "EventSourceArn": str(mapping.source),
        "EventSourceMappingArn": mapping.arn,
        "FunctionArn": mapping.function,
        "LastModified": mapping.modified,
        "State": mapping.state,
        "StateTransitionReason": _KINDS[mapping.source.service].reason,
    }
    if mapping.result or mapping.source.service != QUEUE:
        answer["LastProcessingResult"] = mapping.result or "No records processed"
    return answer
