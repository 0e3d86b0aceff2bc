"""What is to be decided: a call, and the permissions it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from locum.core.calls import Call

Value = str | tuple[str, ...]
"""Of a condition key: text, or a tuple where the key is multivalued."""

__all__ = ["PERMISSIONLESS", "Call", "Check", "Plan", "Value"]

_NOTHING: Mapping[str, Any] = {}


class Check(NamedTuple):
    """One permission that a call takes.

    `resource` is an ARN, or `*` where the action has no resource-level permissions or nothing is known of
    the resource. `kind` is the resource type of the Service Authorization Reference. `context` holds
    condition keys (lower-case) that are of this check alone.
    """

    action: str
    resource: str
    kind: str = ""
    context: Mapping[str, Value] = _NOTHING


class Plan(NamedTuple):
    """All the permissions that a call takes; every one is needed.

    `permissionless`: AWS never asks a policy about this call. `known` is False where the catalogue has no
    entry for the operation.
    """

    checks: tuple[Check, ...] = ()
    permissionless: bool = False
    known: bool = True

    @property
    def resources(self) -> tuple[str, ...]:
        """The ARNs of other services' resources, each once: what `decide` will ask for facts."""
        return tuple(
            dict.fromkeys(
                check.resource
                for check in self.checks
                if (service := service_of(check.resource)) and service not in OF_STATE
            )
        )


def service_of(arn: str) -> str:
    """The service in `arn`; empty where that is no ARN."""
    fields = arn.split(":", 3)
    return fields[2] if len(fields) == 4 and fields[0] == "arn" else ""


OF_STATE = frozenset({"iam", "organizations", "sts"})
"""The services (as ARNs have them) whose resources the state alone knows."""

PERMISSIONLESS = Plan(permissionless=True)
