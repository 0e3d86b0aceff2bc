"""What lint has to know of AWS's services, and who tells it.

The Service Authorization Reference: of each service its actions, resource types and condition keys. Lint is given
a `Catalogue` and asks it for the services that a document names.
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
    """A type of resource. `arn` has `${...}` where a resource's own values stand."""

    name: str
    arn: str


class Service(NamedTuple):
    """A service by its prefix: `actions` and `keys` by lower-case name."""

    prefix: str
    actions: Mapping[str, Action]
    keys: Mapping[str, ConditionKey]
    resources: tuple[ResourceType, ...]


class Catalogue(Protocol):
    """The services of AWS. What it answers never changes."""

    def prefixes(self) -> frozenset[str]:
        """The prefixes of all services, lower-case."""

    def service(self, prefix: str) -> Service | None:
        """The service of a lower-case prefix, or None."""

    def key(self, name: str) -> ConditionKey | None:
        """The condition key of a lower-case `prefix:name`, whichever service has it; None where there is no such."""

    def owns_keys(self, prefix: str) -> bool:
        """Whether any condition key begins with `prefix:` (lower-case)."""

    def resources(self, service: str) -> tuple[ResourceType, ...]:
        """The types of resources whose ARNs have `service` in their third field; empty where there are none."""

    def partitions(self) -> Mapping[str, frozenset[str]]:
        """The partitions, and of each its Regions."""

    def rcp_services(self) -> frozenset[str]:
        """The prefixes of the services that resource control policies apply to."""
