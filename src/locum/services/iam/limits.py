"""Quotas: IAM User Guide, "IAM and AWS STS quotas". The default values; sizes are characters without whitespace."""

from __future__ import annotations

from typing import Final

USERS: Final = 5000
GROUPS: Final = 300
ROLES: Final = 1000
INSTANCE_PROFILES: Final = 1000
POLICIES: Final = 1500
"""Each of the above: in an account."""

ATTACHED_POLICIES: Final = 10
"""Managed policies attached to one user, group or role."""

GROUPS_PER_USER: Final = 10
ACCESS_KEYS_PER_USER: Final = 2
"""For the root user, too."""

ROLES_PER_PROFILE: Final = 1
"""IAM User Guide, "Using instance profiles": "This limit of one role per instance profile cannot be increased." """

VERSIONS_PER_POLICY: Final = 5
VERSIONS_IN_USE: Final = 10000
MANAGED_POLICY_SIZE: Final = 6144
TRUST_POLICY_SIZE: Final = 2048
USER_POLICY_SIZE: Final = 2048
GROUP_POLICY_SIZE: Final = 5120
ROLE_POLICY_SIZE: Final = 10240
"""The last three: all inline policies of one identity together."""

TAGS: Final = 50
"""On one resource."""

SERVER_CERTIFICATES: Final = 20
SIGNING_CERTIFICATES_PER_USER: Final = 2
