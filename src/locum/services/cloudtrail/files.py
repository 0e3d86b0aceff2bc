"""The files that CloudTrail delivers: their names, and the contents of log files and digest files.

CloudTrail User Guide, "Finding your CloudTrail log files", "CloudTrail digest file structure", "Custom implementations
of CloudTrail log file integrity validation". Files are gzip of JSON.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from locum.core.clock import iso8601
from locum.state.trails import DigestChain, LogFile, Trail

ACL: Final = "bucket-owner-full-control"
HASH: Final = "SHA-256"
SIGNATURE: Final = "SHA256withRSA"
_UNIQUE: Final = 16
"""The length of the random part of a log file's name."""


class Place(NamedTuple):
    """Whose events a file has: those of an account in a region. `organization` is its id in an organization trail."""

    account: str
    region: str
    organization: str = ""


class File(NamedTuple):
    """A file to be delivered: its key, and its content before compression."""

    key: str
    content: bytes

    @property
    def hash(self) -> str:
        """The SHA-256 of the content, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def body(self) -> bytes:
        """The compressed content. It is the same each time."""
        return gzip.compress(self.content, mtime=0)


def place(prefix: str, organization: str, account: str) -> str:
    """The folder of an account in a bucket."""
    return "/".join(filter(None, (prefix, "AWSLogs", organization, account)))


def stream_name(account: str, region: str) -> str:
    """The name of the log stream for the events of an account in a region."""
    return f"{account}_CloudTrail_{region}"


def log_file(trail: Trail, of: Place, batch: str, at: float, events: Iterable[Mapping[str, Any]]) -> File:
    """The log file of a batch with events of one place. Its name follows from the id of the batch, and the time."""
    when = datetime.fromtimestamp(at, UTC)
    unique = hashlib.sha256(f"{batch}/{of.account}/{of.region}".encode()).hexdigest()[:_UNIQUE]
    name = f"{of.account}_CloudTrail_{of.region}_{when:%Y%m%dT%H%MZ}_{unique}.json.gz"
    folder = place(trail.prefix, of.organization, of.account)
    content = json.dumps({"Records": list(events)}, separators=(",", ":"), ensure_ascii=False)
    return File(f"{folder}/CloudTrail/{of.region}/{when:%Y/%m/%d}/{name}", content.encode("utf-8", "replace"))


def digest_file(
    trail: Trail, of: Place, last: DigestChain, end: float, logs: Sequence[LogFile], fingerprint: str
) -> File:
    """The digest file on the log files of one place that were delivered since the last digest file, until `end`."""
    when = datetime.fromtimestamp(end, UTC)
    name = f"{of.account}_CloudTrail-Digest_{of.region}_{trail.name}_{trail.region}_{when:%Y%m%dT%H%M%SZ}.json.gz"
    folder = place(trail.prefix, of.organization, of.account)
    key = f"{folder}/CloudTrail-Digest/{of.region}/{when:%Y/%m/%d}/{name}"
    digest = {
        "awsAccountId": of.account,
        "digestStartTime": iso8601(last.since),
        "digestEndTime": iso8601(end),
        "digestS3Bucket": trail.bucket,
        "digestS3Object": key,
        "digestPublicKeyFingerprint": fingerprint,
        "digestSignatureAlgorithm": SIGNATURE,
        "newestEventTime": max((log.newest for log in logs), default=None),
        "oldestEventTime": min((log.oldest for log in logs), default=None),
        "previousDigestS3Bucket": last.bucket or None,
        "previousDigestS3Object": last.object or None,
        "previousDigestHashValue": last.hash or None,
        "previousDigestHashAlgorithm": HASH if last.bucket else None,
        "previousDigestSignature": last.signature or None,
        "logFiles": [_told(log) for log in logs],
    }
    return File(key, json.dumps(digest, separators=(",", ":")).encode())


def _told(log: LogFile) -> dict[str, str]:
    return {
        "s3Bucket": log.bucket,
        "s3Object": log.object,
        "hashValue": log.hash,
        "hashAlgorithm": HASH,
        "newestEventTime": log.newest,
        "oldestEventTime": log.oldest,
    }


def signed(bucket: str, file: File, end: float, previous: str) -> bytes:
    """What the signature of a digest file is of. `previous` is the signature of the one before; empty for none."""
    return f"{iso8601(end)}\n{bucket}/{file.key}\n{file.hash}\n{previous or 'null'}".encode()


def notice(bucket: str, keys: Sequence[str]) -> str:
    """The message to the topic of a trail about delivered log files."""
    return json.dumps({"s3Bucket": bucket, "s3ObjectKey": list(keys)})
