"""Event source mappings of Lambda as values: a queue or a stream that is read for a function.

AWS Lambda API Reference, EventSourceMappingConfiguration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from locum.core.arn import PARTITION, Arn

CREATING: Final = "Creating"
ENABLED: Final = "Enabled"
DISABLED: Final = "Disabled"
UPDATING: Final = "Updating"
DELETING: Final = "Deleting"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    """One mapping. `source` and `function` are ARNs, the latter as it was named: with a version or an alias, or none.

    `settings` are the further members of EventSourceMappingConfiguration, by their names there. `modified` is epoch
    seconds. `enabled` is what was asked for, `state` what it came to; `result` is the LastProcessingResult.
    """

    account: str
    region: str
    uuid: str
    source: Arn
    function: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    modified: float = 0.0
    state: str = CREATING
    result: str = ""

    @property
    def arn(self) -> str:
        """The mapping's own ARN."""
        return f"arn:{PARTITION}:lambda:{self.region}:{self.account}:event-source-mapping:{self.uuid}"

    @property
    def key(self) -> tuple[str, str, str]:
        """Account, region and UUID."""
        return self.account, self.region, self.uuid


class Mappings(Protocol):
    """The store of event source mappings, beside the functions that they are for."""

    def put(self, mapping: EventSourceMapping, tags: Mapping[str, str] | None = None) -> None:
        """Keep `mapping` in place of the one of its UUID, whose tags stay where `tags` is None."""

    def find(self, account: str, region: str, uuid: str) -> EventSourceMapping | None:
        """The mapping `uuid`, or None."""

    def every(self, account: str, region: str) -> list[EventSourceMapping]:
        """All mappings there, in the order in which they were made."""

    def remove(self, mapping: EventSourceMapping) -> None:
        """Forget `mapping`; there may be none."""

    def under_way(self) -> list[EventSourceMapping]:
        """The mappings of all accounts."""

    def progress(self, mapping: EventSourceMapping, read: Mapping[str, str]) -> None:
        """Keep how far its stream was read: the last sequence number of each shard that was processed."""

    def read_before(self, mapping: EventSourceMapping) -> dict[str, str]:
        """What `progress` kept last."""
