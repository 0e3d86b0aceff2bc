"""Entities of CloudTrail Lake: channels, by which events from outside of AWS come. Times are epoch seconds."""

from __future__ import annotations

from locum.core.arn import PARTITION
from locum.state.autoscaling import regional
from locum.state.entities import Entity, Tags


class Channel(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="cloudtrail-channel"):
    """A channel. `id` is the end of its ARN, `destinations` are the ARNs of event data stores, `policy` is its own.

    `attempted` and `succeeded` are the last times at which events came and were taken in, with the ids of the last
    events; `error` is the code of the last event that was not.
    """

    region: str
    id: str
    name: str
    source: str
    destinations: tuple[str, ...]
    policy: str = ""
    tags: Tags = {}
    attempted: float = 0.0
    attempted_id: str = ""
    succeeded: float = 0.0
    succeeded_id: str = ""
    error: str = ""

    @property
    def key(self) -> str:
        return regional(self.region, self.id)

    @property
    def arn(self) -> str:
        """The ARN."""
        return f"arn:{PARTITION}:cloudtrail:{self.region}:{self.account}:channel/{self.id}"
