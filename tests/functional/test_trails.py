"""Trails by real clients: `aws cloudtrail validate-logs`, and `kill -9` in the middle of deliveries."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.http_backend import behind_a_backend
from support.plane import COMMAND_LINES, REGION, RunningPlane, fresh, up
from support.processes import finished
from support.trails import ACCOUNT, writable

BEGIN = "2020-01-01T00:00:00Z"


class Logged:
    """A trail that logs, with log file validation, and its files."""

    def __init__(self, plane: RunningPlane) -> None:
        self.plane, self.name = plane, fresh("trail")
        self.arn = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{self.name}"
        s3, cloudtrail = plane.client("s3"), plane.client("cloudtrail")
        s3.create_bucket(Bucket=self.name)
        s3.put_bucket_policy(Bucket=self.name, Policy=writable(self.name))
        cloudtrail.create_trail(Name=self.name, S3BucketName=self.name, EnableLogFileValidation=True)
        cloudtrail.start_logging(Name=self.name)

    def pass_time(self, span: str) -> None:
        """Move the clock of the plane."""
        moved = self.plane.locum("clock", f"+{span}")
        assert moved.returncode == 0, moved.stderr

    def keys(self, kind: str) -> list[str]:
        """The keys of the files of a kind."""
        pages = self.plane.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [it["Key"] for page in pages for it in page.get("Contents", ()) if f"/{kind}/" in it["Key"]]

    def events(self) -> list[dict[str, Any]]:
        """The events of all log files."""
        s3 = self.plane.client("s3")
        bodies = [s3.get_object(Bucket=self.name, Key=key)["Body"].read() for key in self.keys("CloudTrail")]
        return [event for body in bodies for event in json.loads(gzip.decompress(body))["Records"]]

    def until(self, kind: str, count: int) -> None:
        """Ask until there are so many files of a kind."""
        while len(self.keys(kind)) < count:
            pass


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    with up(tmp_path_factory.mktemp("trails")) as running:
        yield running


def test_validate_logs_passes_and_fails_when_a_byte_changes_or_a_file_is_missing(plane: RunningPlane) -> None:
    trail = Logged(plane)
    for count in (1, 2):
        plane.client("iam").create_user(UserName=fresh("hourly"))
        trail.pass_time("1m")
        trail.until("CloudTrail", count)
        trail.pass_time("1h")
        trail.until("CloudTrail-Digest", count)
    assert "digest files valid" in validated(trail, 0)
    changed = trail.keys("CloudTrail")[0]
    s3 = plane.client("s3")
    body = bytearray(gzip.decompress(s3.get_object(Bucket=trail.name, Key=changed)["Body"].read()))
    body[-10] ^= 1
    s3.put_object(Bucket=trail.name, Key=changed, Body=gzip.compress(bytes(body)))
    assert "INVALID: hash value doesn't match" in validated(trail, 1)
    s3.delete_object(Bucket=trail.name, Key=changed)
    assert "INVALID: not found" in validated(trail, 1)


def validated(trail: Logged, code: int) -> str:
    """What `aws cloudtrail validate-logs` says; it ends with that code.

    Version 2 as Debian has it knows no endpoint but AWS's for the bucket.
    """
    plane = trail.plane
    end = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = ["--trail-arn", trail.arn, "--start-time", BEGIN, "--end-time", end, "--verbose"]
    environment = plane.environment(
        **plane.root.environment, AWS_DEFAULT_REGION=REGION, AWS_PAGER="", AWS_ENDPOINT_URL=plane.endpoint
    )
    done = finished([str(COMMAND_LINES["v1"]), "cloudtrail", "validate-logs", *asked], env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    return str(done.stdout + done.stderr)


def kills(directories: pytest.TempPathFactory, times: int) -> None:
    """Kill a plane again and again while it delivers, and compare what it recorded with what it delivered.

    It observes: the policies of a backend's buckets are the backend's own.
    """
    with behind_a_backend(directories, "s3", flags=["--observe"]) as planes:
        front = planes.front
        trail, acknowledged = Logged(front), dict[str, str]()
        for life in range(times):
            iam = front.client("iam")
            for number in range(2 + life % 4):
                name = f"life{life}number{number}"
                answer = iam.create_user(UserName=name)
                acknowledged[answer["ResponseMetadata"]["RequestId"]] = name
                if number == life % 2:
                    trail.pass_time("20s")  # what there is so far is being delivered
            front.kill()
            front.start()
        trail.pass_time("10m")
        recorded = users_recorded(front)
        assert acknowledged.items() <= recorded.items()
        while not recorded.keys() <= {event["requestID"] for event in trail.events()}:
            pass
        delivered = Counter(event["eventID"] for event in trail.events())
        assert set(delivered.values()) == {1}
        made = Counter(event["requestID"] for event in trail.events() if event["eventName"] == "CreateUser")
        assert made == Counter(recorded.keys())


def users_recorded(plane: RunningPlane) -> dict[str, str]:
    """The users that the event history says were made, by the request ids."""
    asked = {"AttributeKey": "EventName", "AttributeValue": "CreateUser"}
    pages = plane.client("cloudtrail").get_paginator("lookup_events").paginate(LookupAttributes=[asked])
    events = [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]
    return {event["requestID"]: event["requestParameters"]["userName"] for event in events}


@pytest.mark.timeout(300)
def test_each_record_is_delivered_once_though_the_plane_is_killed(tmp_path_factory: pytest.TempPathFactory) -> None:
    kills(tmp_path_factory, times=3)


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_each_record_is_delivered_once_though_the_plane_is_killed_twenty_times(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    kills(tmp_path_factory, times=20)
