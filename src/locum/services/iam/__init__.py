"""AWS Identity and Access Management: one module a resource, one function a verb.

A resource's module has the verbs that only it has; what several resources share is written once
(`tags`, `inline`, `attachments`) and registered for each. `kinds` holds a row for each kind of resource.
"""

from __future__ import annotations

from typing import Final

from locum.services.iam import (
    access_keys,
    account,
    authorization_details,
    groups,
    instance_profiles,
    policies,
    policy_entities,
    policy_versions,
    roles,
    simulate,
    users,
)
from locum.services.verbs import Operation

OPERATIONS: Final[dict[str, Operation]] = {
    **roles.OPERATIONS,
    **instance_profiles.OPERATIONS,
    **users.OPERATIONS,
    **groups.OPERATIONS,
    **access_keys.OPERATIONS,
    **policies.OPERATIONS,
    **policy_versions.OPERATIONS,
    **policy_entities.OPERATIONS,
    **authorization_details.OPERATIONS,
    **account.OPERATIONS,
    **simulate.OPERATIONS,
}
"""Every operation of IAM that there is here, by its name."""

__all__ = ["OPERATIONS"]
