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
                if check.resource[:4] == "arn:" and not check.resource.startswith(_OF_STATE)
            )
        )


_OF_STATE = ("arn:aws:iam:", "arn:aws:organizations:", "arn:aws:sts:")

PERMISSIONLESS = Plan(permissionless=True)
