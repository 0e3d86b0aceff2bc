"""AWS Identity and Access Management: one module a resource, one function a verb.

A resource's module has the verbs that only it has; what several resources share is written once
(`tags`, `inline`, `attachments`) and registered for each. `kinds` holds a row for each kind of resource.
"""

from __future__ import annotations

from typing import Final

from locum.services.iam import (
    access_keys,
    account,
    account_properties,
    account_summary,
    authorization_details,
    credential_report,
    delegation_requests,
    granting_policies,
    groups,
    instance_profiles,
    last_accessed,
    login_profiles,
    mfa_devices,
    oidc_providers,
    organization_access,
    organization_features,
    outbound_federation,
    password_policy,
    policies,
    policy_entities,
    policy_versions,
    role_templates,
    roles,
    saml_providers,
    server_certificates,
    service_credentials,
    service_linked_roles,
    signing_certificates,
    simulate,
    ssh_keys,
    users,
)
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
"""Every operation of IAM that there is here, by its name."""

__all__ = ["OPERATIONS"]
