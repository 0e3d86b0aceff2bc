"""Quotas: IAM User Guide, "IAM and AWS STS quotas". The default values; sizes are characters without whitespace."""

from __future__ import annotations

from typing import Final

USERS: Final = 5000
GROUPS: Final = 300
ROLES: Final = 1000
INSTANCE_PROFILES: Final = 1000
POLICIES: Final = 1500
"""The quotas per account."""

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
"""The last three are for all inline policies of one identity together."""

TAGS: Final = 50
"""Tags on one resource."""

MFA_DEVICES: Final = 5000
"""Per account: "Virtual MFA devices (assigned or unassigned) in an AWS account: Equal to the user quota". """

MFA_DEVICES_PER_USER: Final = 8
"""For the root user, too."""

PASSWORDS_REMEMBERED: Final = 24
"""Per user. The largest value of PasswordReusePrevention, IAM API Reference."""

SERVER_CERTIFICATES: Final = 20
SIGNING_CERTIFICATES_PER_USER: Final = 2
SSH_PUBLIC_KEYS_PER_USER: Final = 5
CREDENTIALS_PER_SERVICE_AND_USER: Final = 2
"""IAM User Guide, "Service-specific credentials for IAM users"."""

OIDC_PROVIDERS: Final = 100
CLIENT_IDS_PER_OIDC_PROVIDER: Final = 100
THUMBPRINTS_PER_OIDC_PROVIDER: Final = 5
SAML_PROVIDERS: Final = 100
SAML_PRIVATE_KEYS: Final = 2
"""Per provider. IAM User Guide, "Troubleshoot SAML federation with IAM"."""
