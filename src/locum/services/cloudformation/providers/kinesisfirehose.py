"""Delivery streams of Amazon Data Firehose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from locum.services.cloudformation.providers.base import Properties, Provider, Request, Resource, Work
from locum.services.cloudformation.providers.steps import changed, without
from locum.services.cloudformation.providers.table import Call, Change, Name, Row, Tags, Wait, provider

_SERVICE: Final = "firehose"
_NAMED: Final = {"DeliveryStreamName": "{id}"}
_CONFIGURATION: Final = "Configuration"
_DESTINATIONS: Final = tuple(
    f"{kind}Destination{_CONFIGURATION}"
    for kind in (
        "AmazonOpenSearchServerless",
        "Amazonopensearchservice",
        "Elasticsearch",
        "ExtendedS3",
        "HttpEndpoint",
        "Iceberg",
        "Redshift",
        "S3",
        "Snowflake",
        "Splunk",
    )
)
_RENAMED: Final = {"S3Configuration": "S3Update", "S3BackupConfiguration": "S3BackupUpdate"}

_STREAM: Final = Row(
    _SERVICE,
    Call(
        "CreateDeliveryStream",
        takes="DatabaseSourceConfiguration DeliveryStreamEncryptionConfigurationInput DeliveryStreamType "
        "DirectPutSourceConfiguration KinesisStreamSourceConfiguration MSKSourceConfiguration "
        + " ".join(_DESTINATIONS),
    ),
    "{name}",
    (Call("DeleteDeliveryStream", {**_NAMED, "AllowForceDelete": True}),),
    attributes={"Arn": "{r.DeliveryStreamDescription.DeliveryStreamARN}"},
    name=Name("DeliveryStreamName", 64),
    tags=Tags(
        Call("TagDeliveryStream", {**_NAMED, "Tags": "{tags}"}),
        Call("UntagDeliveryStream", {**_NAMED, "TagKeys": "{keys}"}),
        reserved=False,
    ),
    read=Call("DescribeDeliveryStream", _NAMED),
    exists=frozenset({"ResourceInUseException"}),
    ready=Wait("DeliveryStreamDescription.DeliveryStreamStatus", frozenset({"ACTIVE"}), frozenset({"CREATING_FAILED"})),
    gone=Wait("DeliveryStreamDescription.DeliveryStreamStatus", frozenset({None})),
    settings=(
        Change(
            Call("StartDeliveryStreamEncryption", _NAMED, "DeliveryStreamEncryptionConfigurationInput"),
            removed=Call("StopDeliveryStreamEncryption", _NAMED),
        ),
    ),
    unused=frozenset(_DESTINATIONS),
)
_OF_STREAM: Final = provider(_STREAM)


def _update(resource: Resource, before: Properties) -> Work:
    """Change the destination of a stream, then the rest."""
    own, name = resource.properties, resource.physical
    if changed(before, own, *_DESTINATIONS):
        told = yield Request(_SERVICE, "DescribeDeliveryStream", {"DeliveryStreamName": name})
        stream = told["DeliveryStreamDescription"]
        params = {
            "DeliveryStreamName": name,
            "CurrentDeliveryStreamVersionId": stream["VersionId"],
            "DestinationId": stream["Destinations"][0]["DestinationId"],
        }
        updates = {_of_update(given): _update_of(own[given]) for given in _DESTINATIONS if given in own}
        yield Request(_SERVICE, "UpdateDestination", {**params, **updates})
    assert _OF_STREAM.update is not None
    kept = without(before, _DESTINATIONS)
    plain = replace(resource, properties=without(own, _DESTINATIONS))
    return (yield from _OF_STREAM.update(plain, kept))


def _of_update(name: str) -> str:
    return f"{name.removesuffix(_CONFIGURATION)}Update"


def _update_of(destination: dict[str, Any]) -> dict[str, Any]:
    """A destination as UpdateDestination has it."""
    return {_RENAMED.get(name, name): value for name, value in destination.items()}


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::KinesisFirehose::DeliveryStream": _OF_STREAM._replace(
        update=_update, immutable=_OF_STREAM.immutable - frozenset(_DESTINATIONS)
    )
}
