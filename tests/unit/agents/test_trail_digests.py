"""Digest files are verified by the AWS CLI's own `validate-logs`, and tell of every change."""

from __future__ import annotations

import base64
import gzip
import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from typing import Any

import pytest
from awscli.customizations.cloudtrail import validation

from locum.state.trails import DigestKey
from support.inprocess import InProcess
from support.trails import Deliveries


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


class Validated:
    """What `aws cloudtrail validate-logs` says of a trail: its exit code and its text."""

    def __init__(self, trail: Deliveries) -> None:
        class Clients:
            """A session of botocore whose clients are the plane's."""

            def create_client(self, service: str, region_name: str = "us-east-1", **_: Any) -> Any:
                client = trail.plane.client(service, trail.key, region_name)
                client.meta.events.register("after-call.cloudtrail.ListPublicKeys", encoded)
                return client

        def encoded(parsed: dict[str, Any], **_: Any) -> None:
            for key in parsed["PublicKeyList"]:  # the AWS CLI leaves blobs in base64
                key["Value"] = base64.b64encode(key["Value"])

        command = validation.CloudTrailValidateLogs(Clients())
        clock = trail.plane.node.runtime.clock

        class Arguments:
            trail_arn, s3_bucket, s3_prefix, account_id, verbose = trail.arn, None, None, None, True
            start_time = "2020-01-01T00:00:00Z"
            end_time = datetime.fromtimestamp(clock() + 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

        class Globals:
            region, verify_ssl, endpoint_url = "us-east-1", None, None

        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            self.code = command._run_main(Arguments, Globals)
        self.text = out.getvalue()


def busy(trail: Deliveries, hours: int = 3) -> None:
    """Let something happen in each of some hours."""
    for number in range(hours):
        trail.plane.client("iam").create_user(UserName=f"user-{number}")
        trail.pass_time(16)
        trail.pass_time(3600)


def test_logs_that_nobody_changed_are_valid(plane: InProcess) -> None:
    trail = Deliveries(plane, EnableLogFileValidation=True)
    busy(trail)
    assert len(trail.keys("CloudTrail-Digest")) == 3
    found = Validated(trail)
    assert found.code == 0, found.text
    assert "3/3 digest files valid" in found.text
    logs = len(trail.keys("CloudTrail"))
    assert f"{logs}/{logs} log files valid" in found.text
    assert trail.status()["LatestDigestDeliveryTime"]


def test_a_chain_goes_on_over_a_restart(plane: InProcess) -> None:
    trail = Deliveries(plane, EnableLogFileValidation=True)
    busy(trail, 1)
    keys = plane.client("cloudtrail").list_public_keys()["PublicKeyList"]
    plane.close()
    plane.start()
    for _ in range(2):
        trail.pass_time(3600)
    digests = [trail.read(key) for key in trail.keys("CloudTrail-Digest")]
    assert [digest["previousDigestS3Object"] for digest in digests[1:]] == [
        digest["digestS3Object"] for digest in digests[:-1]
    ]
    assert {digest["digestPublicKeyFingerprint"] for digest in digests} == {keys[0]["Fingerprint"]}
    assert Validated(trail).code == 0


@pytest.mark.parametrize("kind", ["CloudTrail", "CloudTrail-Digest"])
def test_attack_one_changed_byte_is_found(plane: InProcess, kind: str) -> None:
    trail = Deliveries(plane, EnableLogFileValidation=True)
    busy(trail, 2)
    key = trail.keys(kind)[0]
    there = trail.s3.get_object(Bucket=trail.bucket, Key=key)
    content = bytearray(gzip.decompress(there["Body"].read()))
    at = content.index(b'"us-east-1"' if kind == "CloudTrail" else b"digestEndTime") + 2
    content[at] ^= 1
    body = gzip.compress(bytes(content))
    trail.s3.put_object(Bucket=trail.bucket, Key=key, Body=body, Metadata=there["Metadata"])
    found = Validated(trail)
    assert found.code == 1
    assert "INVALID" in found.text


@pytest.mark.parametrize("kind", ["CloudTrail", "CloudTrail-Digest"])
def test_attack_a_missing_file_is_found(plane: InProcess, kind: str) -> None:
    trail = Deliveries(plane, EnableLogFileValidation=True)
    busy(trail, 2)
    trail.s3.delete_object(Bucket=trail.bucket, Key=trail.keys(kind)[0])
    found = Validated(trail)
    assert found.code == 1
    assert "INVALID: not found" in found.text


def test_attack_events_taken_out_of_a_log_and_hashed_anew_are_found(plane: InProcess) -> None:
    """The digest file with the new hash lacks a signature that the key of the plane made."""
    trail = Deliveries(plane, EnableLogFileValidation=True)
    busy(trail, 1)
    (digest_key,) = trail.keys("CloudTrail-Digest")
    there = trail.s3.get_object(Bucket=trail.bucket, Key=digest_key)
    digest = json.loads(gzip.decompress(there["Body"].read()))
    digest["logFiles"] = []
    body = gzip.compress(json.dumps(digest).encode())
    trail.s3.put_object(Bucket=trail.bucket, Key=digest_key, Body=body, Metadata=there["Metadata"])
    found = Validated(trail)
    assert found.code == 1
    assert "signature verification failed" in found.text


def test_hours_without_events_have_digest_files_and_a_trail_that_stops_has_none(plane: InProcess) -> None:
    trail = Deliveries(plane, EnableLogFileValidation=True)
    trail.pass_time(16)
    trail.pass_time(2 * 3600)
    before = trail.keys("CloudTrail-Digest")
    assert len(before) == 2
    assert trail.read(before[1])["logFiles"] == []
    trail.cloudtrail.stop_logging(Name=trail.name)
    trail.pass_time(16)
    trail.pass_time(3600)
    trail.pass_time(3600)
    trail.pass_time(3600)
    after = trail.keys("CloudTrail-Digest")
    assert len(after) == 3  # the one about the hour in which it was stopped
    trail.cloudtrail.start_logging(Name=trail.name)
    trail.pass_time(3600)
    last = trail.read(trail.keys("CloudTrail-Digest")[-1])
    assert last["previousDigestS3Object"] is None
    assert Validated(trail).code == 0


def test_the_private_key_is_nowhere_in_clear(plane: InProcess) -> None:
    trail = Deliveries(plane, EnableLogFileValidation=True)
    busy(trail, 1)
    (key,) = plane.node.ledger.state.every(DigestKey)
    assert b"\x02\x03\x01\x00\x01" not in key.sealed  # the public exponent, which a private key has as well
    assert key.public == trail.cloudtrail.list_public_keys()["PublicKeyList"][0]["Value"]
