"""Trails with a bucket of their own, and what they delivered."""

from __future__ import annotations

import gzip
import json
from typing import Any

from support.inprocess import InProcess, Key
from support.plane import document, fresh

CLOUDTRAIL = {"Service": "cloudtrail.amazonaws.com"}
ACCOUNT = "000000000000"


def writable(bucket: str, *conditions: dict[str, Any], prefix: str = "") -> str:
    """The policy of a bucket that CloudTrail may write to: User Guide, "Amazon S3 bucket policy for CloudTrail"."""
    acl: dict[str, Any] = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    for condition in conditions:
        for operator, keys in condition.items():
            acl[operator] = {**acl.get(operator, {}), **keys}
    common = {"Effect": "Allow", "Principal": CLOUDTRAIL}
    arn = f"arn:aws:s3:::{bucket}"
    return document(
        {**common, "Action": "s3:GetBucketAcl", "Resource": arn},
        {**common, "Action": "s3:PutObject", "Resource": f"{arn}{prefix}/AWSLogs/*", "Condition": acl},
    )


class Deliveries:
    """A trail that has just begun to log, its bucket, and its files. `key` is its owner's."""

    def __init__(self, plane: InProcess, key: Key | None = None, *, logging: bool = True, **settings: Any) -> None:
        self.plane, self.key = plane, key
        self.name = self.bucket = fresh("trail")
        self.cloudtrail, self.s3 = plane.client("cloudtrail", key), plane.client("s3", key)
        self.s3.create_bucket(Bucket=self.bucket)
        prefix = settings.get("S3KeyPrefix")
        self.s3.put_bucket_policy(
            Bucket=self.bucket, Policy=writable(self.bucket, prefix=f"/{prefix}" if prefix else "")
        )
        self.arn = self.cloudtrail.create_trail(Name=self.name, S3BucketName=self.bucket, **settings)["TrailARN"]
        if logging:
            self.cloudtrail.start_logging(Name=self.name)

    def select(self, *selectors: dict[str, Any]) -> None:
        """Have the trail have the events of these advanced event selectors, fields with the values that they equal."""
        given = [
            {"Name": "s", "FieldSelectors": [{"Field": field, "Equals": values} for field, values in it.items()]}
            for it in selectors
        ]
        self.cloudtrail.put_event_selectors(TrailName=self.name, AdvancedEventSelectors=given)

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and make the deliveries that are due then."""
        clock = self.plane.node.runtime.clock
        clock.move(clock.ahead + seconds)
        self.plane.deliver_trails()

    def deliver(self) -> list[dict[str, Any]]:
        """Have everything delivered that is waiting; all events so far."""
        self.pass_time(301)
        return self.events()

    def keys(self, kind: str = "CloudTrail") -> list[str]:
        """The keys of the log files, or of `CloudTrail-Digest` files, in the order of their names."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = [it["Key"] for page in pages for it in page.get("Contents", ())]
        return [key for key in keys if f"/{kind}/" in key]

    def read(self, key: str) -> Any:
        """The content of a file."""
        return json.loads(gzip.decompress(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()))

    def events(self) -> list[dict[str, Any]]:
        """The events of all log files."""
        return [event for key in self.keys() for event in self.read(key)["Records"]]

    def status(self) -> dict[str, Any]:
        """What GetTrailStatus tells."""
        told: dict[str, Any] = self.cloudtrail.get_trail_status(Name=self.name)
        return told


def names(events: list[dict[str, Any]]) -> list[str]:
    """The names of events, in their order."""
    return [event["eventName"] for event in events]
