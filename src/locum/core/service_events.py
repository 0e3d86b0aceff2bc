"""Events of AWS services: what they put on the default event bus of an account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from locum.core.actors import service_principal
from locum.core.calls import ServiceCall

EVENTS: Final = "events.amazonaws.com"
RESERVED: Final = "aws."
"""The prefix of the sources of AWS services' events, which nobody else may use. [U] In upper case neither."""


class ServiceEvent(NamedTuple):
    """An event of an AWS service about `resources` (ARNs, the first is the one that it is of).

    `source` is the service as EventBridge names it (`aws.ec2`), `detail_type` and `detail` are those of the event.
    EventBridge User Guide, "AWS service event metadata".
    """

    source: str
    detail_type: str
    account: str
    region: str
    resources: tuple[str, ...]
    detail: Mapping[str, Any]

    def call(self, now: float) -> ServiceCall:
        """The call that puts it on the bus. It is EventBridge's own doing: no bus policy is asked."""
        entry = {
            "Time": int(now),
            "Source": self.source,
            "Resources": list(self.resources),
            "DetailType": self.detail_type,
            "Detail": json.dumps(self.detail),
        }
        actor = service_principal(EVENTS, self.account, self.resources[0])
        return ServiceCall(actor, "events", "PutEvents", {"Entries": [entry]}, self.region)
