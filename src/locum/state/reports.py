"""Entities of requested access reports. Their contents are computed from state and recorded calls on reading."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from locum.core.clock import DAY
from locum.state.entities import Entity

REPORT_SECONDS: Final = 7 * DAY
"""The time for which a report can be read."""


class AccessReport(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="access-report"):
    """A report of GenerateServiceLastAccessedDetails. `subject` is the ARN of a user, group, role or policy.

    `requester` is the unique id of the principal that requested it, the only one that may read it.
    """

    key_field: ClassVar[str] = "id"

    id: str
    subject: str
    granularity: Literal["SERVICE_LEVEL", "ACTION_LEVEL"] = "SERVICE_LEVEL"
    requester: str
    requested: int


class OrganizationAccessReport(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="organization-access-report"):
    """A report of GenerateOrganizationsAccessReport. `path` is an entity's path, `policy` the id of an SCP or empty."""

    key_field: ClassVar[str] = "id"

    id: str
    path: str
    policy: str = ""
    requested: int
