"""Entities of CloudTrail: trails, and how far the delivery of their events is. Times are epoch seconds."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from locum.core.arn import PARTITION
from locum.state.autoscaling import regional
from locum.state.entities import Entity, Tags

CLOUDTRAIL: Final = "cloudtrail.amazonaws.com"
"""The service principal."""


class Trail(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="trail"):
    """A trail. `region` is its home region.

    `topic`, `key_arn`, `log_group` and `log_role` are ARNs. `selectors` and `advanced` are event selectors as the API
    has them, of which one is empty; where both are, they are the default ones. `started` and `stopped` are the last
    times of StartLogging and StopLogging, `digests_since` is the time from which digest files tell of its log files.
    """

    region: str
    name: str
    bucket: str
    created: float
    prefix: str = ""
    topic: str = ""
    key_arn: str = ""
    log_group: str = ""
    log_role: str = ""
    global_events: bool = True
    multi_region: bool = False
    organization: bool = False
    validation: bool = False
    selectors: tuple[dict[str, Any], ...] = ()
    advanced: tuple[dict[str, Any], ...] = ()
    insights: tuple[dict[str, Any], ...] = ()
    tags: Tags = {}
    logging: bool = False
    started: float = 0.0
    stopped: float = 0.0
    digests_since: float = 0.0

    @property
    def key(self) -> str:
        return regional(self.region, self.name)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:{PARTITION}:cloudtrail:{self.region}:{self.account}:trail/{self.name}"


class Attempts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The attempts at deliveries of one sort: the last one, the last that succeeded, and the error of the last one."""

    attempted: float = 0.0
    succeeded: float = 0.0
    error: str = ""


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The events of one delivery: those behind the position of the progress, up to the position `last`.

    The log files of a batch have names of its `id` and of its time `at`, and the events that `trail`, as it was then,
    selects: they are the same when it is delivered again.
    """

    id: str
    last: int
    at: float
    trail: Trail | None = None


class TrailProgress(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="trail-progress"):
    """How far the delivery of a trail's events is.

    `since` is the first time of StartLogging, with which it begins where there is no position yet.
    `position` is that of the last event in the event history that was delivered or that the trail does not select.
    `batch` is under way, `failures` times in vain. `files`, `notices`, `logs` and `digests` are the latest deliveries
    to the bucket, to the topic, to the log group, and of digest files.
    """

    region: str
    name: str
    since: float = 0.0
    position: int = 0
    batch: Batch | None = None
    failures: int = 0
    files: Attempts = Attempts()
    notices: Attempts = Attempts()
    logs: Attempts = Attempts()
    digests: Attempts = Attempts()

    @property
    def key(self) -> str:
        return regional(self.region, self.name)


class LogFile(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="trail-log-file"):
    """A log file that was delivered and that the next digest file is to tell of.

    It has events of the account `of` in the region `at`, from the time `oldest` to `newest` (ISO 8601). `hash` is the
    SHA-256 of its content before compression, in hexadecimal digits.
    """

    region: str
    trail: str
    of: str
    at: str
    bucket: str
    object: str
    hash: str
    oldest: str
    newest: str
    delivered: float

    @property
    def key(self) -> str:
        return regional(self.region, self.trail, self.object)


class DigestChain(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="trail-digest-chain"):
    """The last digest file about the account `of` in the region `at`, and `since` when the next one is to tell.

    `bucket`, `object`, `hash` and `signature` are those of the last one; empty where there is none.
    """

    region: str
    trail: str
    of: str
    at: str
    since: float
    bucket: str = ""
    object: str = ""
    hash: str = ""
    signature: str = ""

    @property
    def key(self) -> str:
        return regional(self.region, self.trail, self.of, self.at)


class DigestKey(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="trail-digest-key"):
    """A key pair that signs the digest files of an account's trails in a region, from `created` until `expires`.

    `public` is the public key in DER (PKCS #1), `sealed` the private one sealed under the key ring. `id` is the
    fingerprint: the MD5 of the public key in hexadecimal digits.
    """

    region: str
    id: str
    created: float
    expires: float
    public: bytes
    sealed: bytes

    @property
    def key(self) -> str:
        return regional(self.region, self.id)
