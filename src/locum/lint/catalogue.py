"""The interface to the service catalogue that lint uses.

The catalogue has the content of the Service Authorization Reference: the actions, resource types and condition keys of
each service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class ConditionKey(NamedTuple):
    """A condition key. `name` may have placeholders (`aws:ResourceTag/${TagKey}`).

    `type` is String, ARN, Bool, Numeric, Date, IPAddress or Binary; `multivalued`: a request may have several values.
    """

    name: str
    type: str
    multivalued: bool = False


class Action(NamedTuple):
    """An action. `keys` are the lower-case names of the condition keys that its requests may have."""

    name: str
    keys: frozenset[str]


class ResourceType(NamedTuple):
    """A resource type. `arn` has placeholders (`${...}`) for a resource's own values."""

    name: str
    arn: str


class Service(NamedTuple):
    """A service. `prefix` is its prefix in actions; `actions` and `keys` are by lower-case name."""

    prefix: str
    actions: Mapping[str, Action]
    keys: Mapping[str, ConditionKey]
    resources: tuple[ResourceType, ...]


class Catalogue(Protocol):
    """The catalogue of AWS's services. Immutable."""

    def prefixes(self) -> frozenset[str]:
        """The prefixes of all services, lower-case."""

    def service(self, prefix: str) -> Service | None:
        """The service of a lower-case prefix, or None."""

    def key(self, name: str) -> ConditionKey | None:
        """The condition key called `name` (lower-case `prefix:name`) of any service, or None."""

    def owns_keys(self, prefix: str) -> bool:
        """Whether any condition key begins with `prefix:` (lower-case)."""

    def resources(self, service: str) -> tuple[ResourceType, ...]:
        """The resource types whose ARNs have `service` in their third field."""

    def partitions(self) -> Mapping[str, frozenset[str]]:
        """The Regions by partition."""

    def rcp_services(self) -> frozenset[str]:
        """The prefixes of the services that resource control policies apply to."""
