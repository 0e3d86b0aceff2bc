"""Calls, and the permissions that they take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from locum.core.calls import Call
from locum.core.partial_arn import PartialArn

Value = str | tuple[str, ...]
"""The value of a condition key: a tuple where the key is multivalued."""

__all__ = ["PERMISSIONLESS", "Call", "Check", "Plan", "Value"]

_NOTHING: Mapping[str, Any] = {}


class Check(NamedTuple):
    """One permission that a call takes.

    `resource` is an ARN, a PartialArn where parts of it are not known, or `*` where the action has no resource-level
    permissions. `kind` is the resource type of the Service Authorization Reference. `context` has condition keys
    (lower-case) of this check alone. A check `again` is on the resource of the one before, by another of its ARNs: it
    is enough that either is allowed, and neither may be denied explicitly.
    """

    action: str
    resource: str
    kind: str = ""
    context: Mapping[str, Value] = _NOTHING
    again: bool = False


class Plan(NamedTuple):
    """The permissions that a call takes, all of which are needed.

    `permissionless`: AWS evaluates no policy for this call. `known` is False where the catalogue has no entry for the
    operation.
    """

    checks: tuple[Check, ...] = ()
    permissionless: bool = False
    known: bool = True

    @property
    def names_otherwise(self) -> bool:
        """Whether any resource has another name than its ARN, by which it has to be looked up."""
        for check in self.checks:  # noqa: SIM110 - a generator would cost more than the checks
            if isinstance(check.resource, PartialArn) and check.resource.name:
                return True
        return False

    @property
    def resources(self) -> tuple[str, ...]:
        """The ARNs, each once, whose facts `decide` looks up: those of resources that a backend can find."""
        found: dict[str, None] = {}
        for check in self.checks:
            service = service_of(check.resource)
            if service and service not in STATE_SERVICES:
                found[check.resource] = None
        return tuple(found)


def service_of(arn: str) -> str:
    """The service in `arn`; empty where it is not an ARN."""
    fields = arn.split(":", 3)
    return fields[2] if len(fields) == 4 and fields[0] == "arn" else ""


STATE_SERVICES = frozenset({"iam", "organizations", "sts"})
"""The services, as in ARNs, whose resources are in the state alone."""

PERMISSIONLESS = Plan(permissionless=True)
