"""Streams of Kinesis Data Streams."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    or_undone,
)
from locum.services.cloudformation.providers.steps import listed, until, without
from locum.services.cloudformation.providers.table import (
    Call,
    Change,
    Listing,
    Name,
    Part,
    Row,
    Shown,
    Tags,
    Wait,
    provider,
)

_SERVICE: Final = "kinesis"
_NAMED: Final = {"StreamName": "{id}"}
_ENCRYPTION: Final = {
    **_NAMED,
    "EncryptionType": "{p.StreamEncryption.EncryptionType}",
    "KeyId": "{p.StreamEncryption.KeyId}",
}
_APART: Final = ("DesiredShardLevelMetrics", "RetentionPeriodHours")
"""Properties whose change takes another call for more than for less."""
_HOURS: Final = 24

_STREAM: Final = Row(
    _SERVICE,
    Call(
        "CreateStream",
        takes="MaxRecordSizeInKiB RecordDistributionStrategy ShardCount StreamModeDetails WarmThroughputMiBps",
    ),
    "{name}",
    (Call("DeleteStream", {**_NAMED, "EnforceConsumerDeletion": True}),),
    attributes={"Arn": "{r.StreamDescriptionSummary.StreamARN}"},
    name=Name("Name", 128, member="StreamName"),
    tags=Tags(
        Call("AddTagsToStream", {**_NAMED, "Tags": "{tags}"}),
        Call("RemoveTagsFromStream", {**_NAMED, "TagKeys": "{keys}"}),
        member="",
        form="map",
    ),
    read=Call("DescribeStreamSummary", _NAMED),
    exists=frozenset({"ResourceInUseException"}),
    ready=Wait("StreamDescriptionSummary.StreamStatus", frozenset({"ACTIVE"})),
    gone=Wait("StreamDescriptionSummary.StreamStatus", frozenset({None})),
    settings=(
        Change(Call("UpdateStreamMode", {"StreamARN": "{attr.Arn}"}, "StreamModeDetails")),
        Change(
            Call("UpdateShardCount", {**_NAMED, "ScalingType": "UNIFORM_SCALING"}, "TargetShardCount=ShardCount"),
            removed=Call("DescribeStreamSummary", _NAMED),
        ),
        Change(Call("UpdateMaxRecordSize", {"StreamARN": "{attr.Arn}"}, "MaxRecordSizeInKiB")),
        Change(Call("UpdateStreamWarmThroughput", _NAMED, "WarmThroughputMiBps")),
        Change(
            Call("StartStreamEncryption", _ENCRYPTION),
            on="StreamEncryption",
            removed=Call("StopStreamEncryption", _ENCRYPTION),
            at_creation=True,
        ),
    ),
    shown=Shown(
        members={
            "ShardCount": "{it.OpenShardCount}",
            "StreamEncryption": {"EncryptionType": "{it.EncryptionType}", "KeyId": "{it.KeyId}"},
        },
        parts=(Part("Tags", Call("ListTagsForStream", _NAMED), "Tags"),),
        lists=Listing(Call("ListStreams", {"Limit": 10_000}), "StreamNames"),
    ),
)
_OF_STREAM: Final = provider(_STREAM)


def _create(resource: Resource) -> Work:
    plain = replace(resource, properties=without(resource.properties, _APART))
    made = yield from _OF_STREAM.create(plain)
    there = replace(plain, physical=made.physical, attributes=made.attributes)
    return (yield from or_undone(_settled(made, resource.properties, {}), _OF_STREAM.delete(there)))


def _update(resource: Resource, before: Properties) -> Work:
    plain = replace(resource, properties=without(resource.properties, _APART))
    assert _OF_STREAM.update is not None
    made = yield from _OF_STREAM.update(plain, without(before, _APART))
    return (yield from _settled(made, resource.properties, before))


def _settled(made: Made, own: Properties, before: Properties) -> Work:
    hours, had = (int(side.get("RetentionPeriodHours", _HOURS)) for side in (own, before))
    if hours != had:
        operation = f"{'Increase' if hours > had else 'Decrease'}StreamRetentionPeriod"
        yield from _changed(made, operation, {"RetentionPeriodHours": hours})
    wanted, once = (listed(side.get("DesiredShardLevelMetrics")) for side in (own, before))
    for operation, metrics in (
        ("DisableEnhancedMonitoring", [each for each in once if each not in wanted]),
        ("EnableEnhancedMonitoring", [each for each in wanted if each not in once]),
    ):
        if metrics:
            yield from _changed(made, operation, {"ShardLevelMetrics": metrics})
    return made


def _changed(made: Made, operation: str, params: dict[str, Any]) -> Ending:
    yield Request(_SERVICE, operation, {"StreamName": made.physical, **params})
    read = Request(_SERVICE, "DescribeStreamSummary", {"StreamName": made.physical})
    yield from until(read, lambda told: told["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")


PROVIDERS: Final[dict[str, Provider]] = {"AWS::Kinesis::Stream": _OF_STREAM._replace(create=_create, update=_update)}
