"""Access reports that were asked for. Their contents follow from state and recorded calls when they are read."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from locum.core.clock import DAY
from locum.state.entities import Entity

REPORT_SECONDS: Final = 7 * DAY
"""How long a report can be read."""


class AccessReport(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="access-report"):
    """GenerateServiceLastAccessedDetails: `subject` is the ARN of a user, group, role or policy.

    `requester` is the unique id of the principal that asked for it, the only one that gets to read it.
    """

    key_field: ClassVar[str] = "id"

    id: str
    subject: str
    granularity: Literal["SERVICE_LEVEL", "ACTION_LEVEL"] = "SERVICE_LEVEL"
    requester: str
    requested: int


class OrganizationAccessReport(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organization-access-report"):
    """GenerateOrganizationsAccessReport: `path` is an organization entity's, `policy` the id of an SCP, or empty."""

    key_field: ClassVar[str] = "id"

    id: str
    path: str
    policy: str = ""
    requested: int
