"""GetAccountSummary: the numbers of entities in the account, and the quotas."""

from __future__ import annotations

from typing import Final

from locum.services.iam import limits
from locum.services.iam.account import account_of
from locum.services.iam.kinds import GROUP, INSTANCE_PROFILE, POLICY, ROLE, USER, Bounded, Identity
from locum.services.verbs import Context, Operation, Outcome, Params, reads
from locum.state import LoginProfile, MfaDevice, OidcProvider, SamlProvider, ServerCertificate, SigningCertificate
from locum.state.indexes import CREDENTIALS_OF_USER, KEYS_OF_USER, MFA_OF_USER, scoped

_QUOTAS: Final = {
    "AccessKeysPerUserQuota": limits.ACCESS_KEYS_PER_USER,
    "AssumeRolePolicySizeQuota": limits.TRUST_POLICY_SIZE,
    "AttachedPoliciesPerGroupQuota": limits.ATTACHED_POLICIES,
    "AttachedPoliciesPerRoleQuota": limits.ATTACHED_POLICIES,
    "AttachedPoliciesPerUserQuota": limits.ATTACHED_POLICIES,
    "GroupPolicySizeQuota": limits.GROUP_POLICY_SIZE,
    "GroupsPerUserQuota": limits.GROUPS_PER_USER,
    "GroupsQuota": limits.GROUPS,
    "InstanceProfilesQuota": limits.INSTANCE_PROFILES,
    "PoliciesQuota": limits.POLICIES,
    "PolicySizeQuota": limits.MANAGED_POLICY_SIZE,
    "PolicyVersionsInUseQuota": limits.VERSIONS_IN_USE,
    "RolePolicySizeQuota": limits.ROLE_POLICY_SIZE,
    "RolesQuota": limits.ROLES,
    "ServerCertificatesQuota": limits.SERVER_CERTIFICATES,
    "SigningCertificatesPerUserQuota": limits.SIGNING_CERTIFICATES_PER_USER,
    "UserPolicySizeQuota": limits.USER_POLICY_SIZE,
    "UsersQuota": limits.USERS,
    "VersionsPerPolicyQuota": limits.VERSIONS_PER_POLICY,
}


def get_account_summary(context: Context, _params: Params) -> Outcome:
    """GetAccountSummary."""
    state, account = context.state, context.account
    devices = state.table(MfaDevice, account).values()
    counts = {
        "Users": USER.count(context),
        "Groups": GROUP.count(context),
        "Roles": ROLE.count(context),
        "InstanceProfiles": INSTANCE_PROFILE.count(context),
        "Policies": POLICY.count(context),
        "PolicyVersionsInUse": len(_policies_in_use(context)),
        "ServerCertificates": len(state.table(ServerCertificate, account)),
        "Providers": len(state.table(OidcProvider, account)) + len(state.table(SamlProvider, account)),
        "MFADevices": len(devices),
        "MFADevicesInUse": sum(1 for device in devices if device.enabled),
        "GlobalEndpointTokenVersion": account_of(context).token_version,
    }
    return Outcome({"SummaryMap": {**_QUOTAS, **counts, **_of_root(context)}})


def _policies_in_use(context: Context) -> set[str]:
    """The managed policies that are attached or used as a boundary; one version of each is in use."""
    bounded: list[Bounded] = [*USER.all(context), *ROLE.all(context)]
    identities: list[Identity] = [*bounded, *GROUP.all(context)]
    attached = {arn for identity in identities for arn in identity.attached}
    return attached | {entity.boundary for entity in bounded if entity.boundary}


def _of_root(context: Context) -> dict[str, int]:
    """The entries about the root user: each 1 or 0."""
    state, root = context.state, scoped(context.account, "")
    certificate = state.first(SigningCertificate, CREDENTIALS_OF_USER, root)
    return {
        "AccountAccessKeysPresent": min(state.count(KEYS_OF_USER, root), 1),
        "AccountMFAEnabled": min(state.count(MFA_OF_USER, root), 1),
        "AccountPasswordPresent": int(state.get(LoginProfile, context.account, "") is not None),
        "AccountSigningCertificatesPresent": int(certificate is not None),
    }


OPERATIONS: Final[dict[str, Operation]] = {
    "GetAccountSummary": reads(get_account_summary),
}
