"""Quotas: Organizations User Guide, "Quotas and service limits for AWS Organizations"."""

from __future__ import annotations

from typing import Final, NamedTuple

ACCOUNTS: Final = 10_000
"""Accounts per organization, including open invitations. AWS's default is 10; this is AWS's maximum."""

UNITS: Final = 1000
"""Units per organization."""

UNIT_DEPTH: Final = 5
"""Levels of units below the root."""

TAGS: Final = 50
"""Tags per resource."""


class PolicyQuota(NamedTuple):
    """The quotas of a type of policy: the number per organization and per target, and the size in characters."""

    number: int
    attached: int
    size: int


SERVICE_CONTROL: Final = PolicyQuota(2000, 5, 5120)
RESOURCE_CONTROL: Final = PolicyQuota(1000, 5, 5120)
AI_SERVICES: Final = PolicyQuota(1000, 5, 2500)
CHATBOT: Final = PolicyQuota(1000, 5, 10_000)
MANAGEMENT: Final = PolicyQuota(1000, 10, 10_000)
"""Tag policies, backup policies, and the other management policies."""

INVITATION_DAYS: Final = 15
ALL_FEATURES_DAYS: Final = 90
"""The lifetime of handshakes: User Guide, "Inviting an account", "Enabling all features"."""

HANDSHAKE_KEPT_DAYS: Final = 30
"""API, Handshake: "You can view canceled handshakes in API responses for 30 days before they are deleted"."""

CLOSING_DAYS: Final = 30


def closings(members: int) -> int:
    """The number of accounts that may be closed within CLOSING_DAYS.

    API, CloseAccount: "the higher of either 250 or 20% of the member accounts in your organization, up to a maximum of
    1,000".
    """
    return min(max(250, members // 5), 1000)
