"""AWS Organizations: one module a resource, one function a verb.

`access` says which accounts may make which call; `documents` what a policy of each type may say.
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
"""Every operation of Organizations that there is here, by its name."""

__all__ = ["OPERATIONS"]
