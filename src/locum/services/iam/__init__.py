"""AWS Identity and Access Management: one module per resource, one function per operation.

Operations that several resources have are implemented once (`tags`, `inline`, `attachments`) and registered for each.
`kinds` has the properties of each kind of resource.

This package has users, groups, roles, instance profiles, policies and the account. Credentials of users are in
`sign_in`, identity providers in `federation`, reports on accounts in `reports`, the policy simulator in `simulator`,
and IAM's temporary delegation in `delegation`.
"""

from __future__ import annotations

from typing import Final

from locum.services.iam import (
    account,
    account_properties,
    groups,
    instance_profiles,
    organization_features,
    policies,
    policy_entities,
    policy_versions,
    roles,
    service_linked_roles,
    users,
)
from locum.services.iam.delegation import requests as delegation_requests
from locum.services.iam.delegation import role_templates
from locum.services.iam.federation import oidc_providers, outbound_federation, saml_providers
from locum.services.iam.reports import (
    account_summary,
    authorization_details,
    credential_report,
    granting_policies,
    last_accessed,
    organization_access,
)
from locum.services.iam.sign_in import (
    access_keys,
    login_profiles,
    mfa_devices,
    password_policy,
    server_certificates,
    service_credentials,
    signing_certificates,
    ssh_keys,
)
from locum.services.iam.simulator import operations as simulate
from locum.services.verbs import Operation

OPERATIONS: Final[dict[str, Operation]] = {
    **roles.OPERATIONS,
    **instance_profiles.OPERATIONS,
    **users.OPERATIONS,
    **groups.OPERATIONS,
    **access_keys.OPERATIONS,
    **mfa_devices.OPERATIONS,
    **ssh_keys.OPERATIONS,
    **signing_certificates.OPERATIONS,
    **service_credentials.OPERATIONS,
    **server_certificates.OPERATIONS,
    **policies.OPERATIONS,
    **policy_versions.OPERATIONS,
    **policy_entities.OPERATIONS,
    **authorization_details.OPERATIONS,
    **account.OPERATIONS,
    **account_summary.OPERATIONS,
    **account_properties.OPERATIONS,
    **login_profiles.OPERATIONS,
    **password_policy.OPERATIONS,
    **credential_report.OPERATIONS,
    **oidc_providers.OPERATIONS,
    **outbound_federation.OPERATIONS,
    **saml_providers.OPERATIONS,
    **organization_features.OPERATIONS,
    **service_linked_roles.OPERATIONS,
    **last_accessed.OPERATIONS,
    **granting_policies.OPERATIONS,
    **organization_access.OPERATIONS,
    **delegation_requests.OPERATIONS,
    **role_templates.OPERATIONS,
    **simulate.OPERATIONS,
}
"""All implemented operations of IAM, by name."""

__all__ = ["OPERATIONS"]
