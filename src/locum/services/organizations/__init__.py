"""AWS Organizations: one module per resource, one function per operation.

`access` decides which accounts may make a call; `documents` validates the content of each type of policy.
"""

from __future__ import annotations

from typing import Final

from locum.services.organizations import (
    accounts,
    attachments,
    creation,
    effective,
    handshakes,
    organization,
    policies,
    resource_policy,
    tags,
    tree,
    trusted,
    units,
)
from locum.services.verbs import Operation

OPERATIONS: Final[dict[str, Operation]] = {
    **organization.OPERATIONS,
    **creation.OPERATIONS,
    **accounts.OPERATIONS,
    **tree.OPERATIONS,
    **units.OPERATIONS,
    **handshakes.OPERATIONS,
    **policies.OPERATIONS,
    **attachments.OPERATIONS,
    **effective.OPERATIONS,
    **trusted.OPERATIONS,
    **resource_policy.OPERATIONS,
    **tags.OPERATIONS,
}
"""All implemented operations of Organizations, by name."""

__all__ = ["OPERATIONS"]
