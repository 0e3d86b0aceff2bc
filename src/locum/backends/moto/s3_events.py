"""What S3 tells of what happened to an object: to queues, topics and functions, and to EventBridge.

S3 User Guide, "Event message structure" and "EventBridge event message structure". moto's own messages lack who made
the call, the sequencer and the versions, and encode the slashes of keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus

from locum.backends.port import Origin
from locum.core.clock import iso8601, iso8601_ms

_TOLD: Final[Mapping[str, tuple[str, ...]]] = {
    "ObjectCreated": ("size", "etag", "sequencer"),
    "ObjectRemoved": ("sequencer",),
    "ObjectRestore": ("size", "etag"),
}
"""What is told of an object by the kind of event; of all others (tags, access control lists) the ETag."""

_ON_EVENTBRIDGE: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "ObjectCreated:Put": ("Object Created", {"reason": "PutObject"}),
    "ObjectCreated:Post": ("Object Created", {"reason": "POST Object"}),
    "ObjectCreated:Copy": ("Object Created", {"reason": "CopyObject"}),
    "ObjectCreated:CompleteMultipartUpload": ("Object Created", {"reason": "CompleteMultipartUpload"}),
    "ObjectRemoved:Delete": ("Object Deleted", {"reason": "DeleteObject", "deletion-type": "Permanently Deleted"}),
    "ObjectRestore:Post": ("Object Restore Initiated", {}),
    "ObjectRestore:Completed": ("Object Restore Completed", {}),
    "ObjectAcl:Put": ("Object ACL Updated", {}),
    "ObjectTagging:Put": ("Object Tags Added", {}),
    "ObjectTagging:Delete": ("Object Tags Deleted", {}),
}
_UNIFORM_SINCE_2_3: Final = ("ObjectAcl", "ObjectTagging")


class ObjectEvent(NamedTuple):
    """What happened to the object `key` in `bucket` (moto's models of them); `name` is like `ObjectCreated:Put`."""

    name: str
    bucket: Any
    key: Any
    origin: Origin
    source_ip: str
    sequencer: str


class Sequencers:
    """Hexadecimal numbers that tell the order of events: each is greater than the one before, also as text."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = Lock()

    def next(self, at: float) -> str:
        """The next number; no less than `at` in microseconds, so that it goes on after a restart."""
        with self._lock:
            self._last = max(self._last + 1, int(at * 1_000_000))
            return f"{self._last:018X}"


def message(event: ObjectEvent, configuration: str) -> str:
    """The message of `event` for a destination; `configuration` is the id that the bucket's configuration gives it."""
    bucket, origin = event.bucket, event.origin
    record: dict[str, Any] = {
        "eventVersion": "2.3" if event.name.startswith(_UNIFORM_SINCE_2_3) else "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region_name,
        "eventTime": iso8601_ms(origin.at),
        "eventName": event.name,
        "userIdentity": {"principalId": f"AWS:{origin.principal_id}"},
        "requestParameters": {"sourceIPAddress": event.source_ip},
        "responseElements": {"x-amz-request-id": origin.request_id, "x-amz-id-2": origin.request_id},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {
                "name": bucket.name,
                "ownerIdentity": {"principalId": bucket.account_id},
                "arn": bucket.arn,
            },
            "object": {"key": quote_plus(event.key.name, safe="/")} | _facts(event, etag="eTag", version="versionId"),
        },
    }
    if event.name == "ObjectRestore:Completed":
        restored = {
            "lifecycleRestorationExpiryTime": iso8601_ms(_expiry(event.key)),
            "lifecycleRestoreStorageClass": event.key.storage_class,
        }
        record["glacierEventData"] = {"restoreEventData": restored}
    return _json({"Records": [record]})


def entry(event: ObjectEvent) -> dict[str, Any] | None:
    """The entry of EventBridge's PutEvents for `event`; None where EventBridge is not told of it."""
    if event.name not in _ON_EVENTBRIDGE:
        return None
    detail_type, more = _ON_EVENTBRIDGE[event.name]
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": event.bucket.name},
        "object": {"key": event.key.name} | _facts(event, etag="etag", version="version-id"),
        "request-id": event.origin.request_id,
        "requester": event.origin.account,
        "source-ip-address": event.source_ip,
        **more,
    }
    if event.name.startswith("ObjectRestore"):
        detail["source-storage-class"] = event.key.storage_class
    if event.name == "ObjectRestore:Completed":
        detail["restore-expiry-time"] = iso8601(_expiry(event.key))
    return {
        "Source": "aws.s3",
        "DetailType": detail_type,
        "Detail": _json(detail),
        "Resources": [event.bucket.arn],
        "Time": event.origin.at,
    }


def destination_test(bucket: str, origin: Origin) -> str:
    """What queues and topics get when they are made destinations. ("Enabling event notifications", s3:TestEvent.)"""
    return _json(
        {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": iso8601_ms(origin.at),
            "Bucket": bucket,
            "RequestId": origin.request_id,
            "HostId": origin.request_id,
        }
    )


def _facts(event: ObjectEvent, *, etag: str, version: str) -> dict[str, Any]:
    """The object's members beside its key; `etag` and `version` are how the message calls those two."""
    key, told = event.key, _TOLD.get(event.name.partition(":")[0], ("etag",))
    facts: dict[str, Any] = {}
    if "size" in told:
        facts["size"] = key.size
    if "etag" in told:
        facts[etag] = key.etag.strip('"')
    if key.version_id != "null":
        facts[version] = key.version_id
    if "sequencer" in told:
        facts["sequencer"] = event.sequencer
    return facts


def _expiry(key: Any) -> float:
    """When the restored copy of an archived object expires, in epoch seconds."""
    return parsedate_to_datetime(key.expiry_date).timestamp()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
