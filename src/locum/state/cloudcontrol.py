"""Entities of the Cloud Control API: requests to make, change and delete resources.

They are in an account and a region, so that their keys begin with the region. Times are epoch seconds. What a request
was given, and what is made of it, may hold a secret and is sealed under the key ring.
"""

from __future__ import annotations

from typing import Final

from locum.core.clock import DAY
from locum.core.principal import Caller
from locum.state.autoscaling import regional
from locum.state.entities import Entity

_KEPT: Final = 7 * DAY
"""API Reference, ListResourceRequests: "Resource operation requests expire after 7 days"."""
_UNDER_WAY: Final = ("IN_PROGRESS", "CANCEL_IN_PROGRESS")


def resource_key(region: str, kind: str, identifier: str) -> str:
    """A resource of type `kind` by its primary identifier; the URL of a queue is the same at each host."""
    return regional(region, kind, identifier.partition("://")[2].partition("/")[2] or identifier)


class ResourceRequest(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="resource-request"):
    """A request. `id` is its token, `at` when it came, `status` and `operation` are the API's.

    `caller` makes its calls, in `role` (ARN) where it has one. `seed` is random: names and client tokens are made of
    it, and stay the same when an operation that has `begun` is made again. `identifier` and `physical` are empty as
    long as they are not known. `given` is a digest of what came, `wanted` and `before` are the properties that the
    resource is to have and has, `attributes` those of it: all sealed. `error` is the HandlerErrorCode, `reason` its
    message. `cause` is the request id of the call that it came with.
    """

    region: str
    id: str
    type: str
    operation: str
    status: str
    at: float
    caller: Caller
    seed: str
    cause: str = ""
    identifier: str = ""
    physical: str = ""
    role: str = ""
    client_token: str = ""
    given: bytes = b""
    wanted: bytes = b""
    before: bytes = b""
    attributes: bytes = b""
    begun: bool = False
    error: str = ""
    reason: str = ""

    @property
    def key(self) -> str:
        return regional(self.region, self.id)

    @property
    def under_way(self) -> bool:
        """Whether there is something to be done for it."""
        return self.status in _UNDER_WAY

    @property
    def expires(self) -> float:
        """When it is forgotten, once it is done with (epoch seconds)."""
        return self.at + _KEPT

    @property
    def resource(self) -> str:
        """What it is about, as far as that is known: see `resource_key`."""
        return resource_key(self.region, self.type, self.identifier)
