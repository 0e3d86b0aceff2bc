"""The event messages of S3 for queues, topics and functions, and those for EventBridge.

S3 User Guide, "Event message structure" and "EventBridge event message structure". moto's own messages lack the
caller, the sequencer and the versions, and encode slashes in keys.
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

_OBJECT_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "ObjectCreated": ("size", "etag", "sequencer"),
    "ObjectRemoved": ("sequencer",),
    "ObjectRestore": ("size", "etag"),
}
"""The members of `object` by the kind of event; for all others (tags, access control lists) only the ETag."""

_DETAILS_BY_EVENT: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
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
_VERSION_2_3: Final = ("ObjectAcl", "ObjectTagging")


class ObjectEvent(NamedTuple):
    """An event of the object `key` in `bucket` (both moto's models); `name` is like `ObjectCreated:Put`."""

    name: str
    bucket: Any
    key: Any
    origin: Origin
    source_ip: str
    sequencer: str


class Sequencers:
    """Sequencers of events: hexadecimal numbers, each greater than the one before, also as text."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = Lock()

    def next(self, at: float) -> str:
        """The next sequencer. It is at least `at` in microseconds, so that the order is kept after a restart."""
        with self._lock:
            self._last = max(self._last + 1, int(at * 1_000_000))
            return f"{self._last:018X}"


def message(event: ObjectEvent, configuration: str) -> str:
    """The message of `event` for a destination; `configuration` is its id in the bucket's configuration."""
    bucket, origin = event.bucket, event.origin
    record: dict[str, Any] = {
        "eventVersion": "2.3" if event.name.startswith(_VERSION_2_3) else "2.1",
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
            "object": {"key": quote_plus(event.key.name, safe="/")} | _object(event, etag="eTag", version="versionId"),
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
    """The entry of EventBridge's PutEvents for `event`; None where S3 does not send such events to EventBridge."""
    if event.name not in _DETAILS_BY_EVENT:
        return None
    detail_type, more = _DETAILS_BY_EVENT[event.name]
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": event.bucket.name},
        "object": {"key": event.key.name} | _object(event, etag="etag", version="version-id"),
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
    """The test message for new destinations. S3 User Guide, "Enabling event notifications": s3:TestEvent."""
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


def _object(event: ObjectEvent, *, etag: str, version: str) -> dict[str, Any]:
    """The members of `object` without the key; `etag` and `version` are the names of those two in the message."""
    key, members = event.key, _OBJECT_MEMBERS.get(event.name.partition(":")[0], ("etag",))
    object_members: dict[str, Any] = {}
    if "size" in members:
        object_members["size"] = key.size
    if "etag" in members:
        object_members[etag] = key.etag.strip('"')
    if key.version_id != "null":
        object_members[version] = key.version_id
    if "sequencer" in members:
        object_members["sequencer"] = event.sequencer
    return object_members


def _expiry(key: Any) -> float:
    """The expiry of the restored copy of an archived object in epoch seconds."""
    return parsedate_to_datetime(key.expiry_date).timestamp()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
