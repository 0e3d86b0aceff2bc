"""The account itself: its alias, and what is in it."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.services.iam import limits
from locum.services.iam.faults import already_exists, no_such_entity
from locum.services.iam.kinds import GROUP, INSTANCE_PROFILE, POLICY, ROLE, USER
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Account, put
from locum.state.indexes import KEYS_OF_USER, scoped


def account_of(context: Context) -> Account:
    """The caller's account."""
    found = context.state.get(Account, context.account, context.account)
    return found or Account(account=context.account, created=int(context.now))


def create_account_alias(context: Context, params: Params) -> Outcome:
    """CreateAccountAlias: it replaces the alias that the account had. No other account may have it."""
    alias = params["AccountAlias"]
    if any(account.alias == alias for account in context.state.every(Account)):
        raise already_exists(f"The account alias {alias} already exists.")
    return Outcome({}, (put(replace(account_of(context), alias=alias)),))


def delete_account_alias(context: Context, params: Params) -> Outcome:
    """DeleteAccountAlias."""
    account = account_of(context)
    if account.alias != params["AccountAlias"]:
        raise no_such_entity(f"The account alias {params['AccountAlias']} cannot be found.")
    return Outcome({}, (put(replace(account, alias="")),))


def list_account_aliases(context: Context, params: Params) -> Outcome:
    """ListAccountAliases: one, or none."""
    alias = account_of(context).alias
    return page(params, [alias] if alias else [], str).outcome("AccountAliases", str)


_QUOTAS: Final = {
    "AccessKeysPerUserQuota": limits.ACCESS_KEYS_PER_USER,
    "AssumeRolePolicySizeQuota": limits.TRUST_POLICY_SIZE,
    "AttachedPoliciesPerGroupQuota": limits.ATTACHED_POLICIES,
    "AttachedPoliciesPerRoleQuota": limits.ATTACHED_POLICIES,
    "AttachedPoliciesPerUserQuota": limits.ATTACHED_POLICIES,
    "GlobalEndpointTokenVersion": 1,
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

_NOT_KEPT_HERE: Final = dict.fromkeys(
    (
        "AccountMFAEnabled",
        "AccountPasswordPresent",
        "AccountSigningCertificatesPresent",
        "MFADevices",
        "MFADevicesInUse",
        "Providers",
        "ServerCertificates",
    ),
    0,
)
"""What the state has no entities for: there are none of them."""


def get_account_summary(context: Context, _params: Params) -> Outcome:
    """GetAccountSummary."""
    counts = {
        "Users": USER.count(context),
        "Groups": GROUP.count(context),
        "Roles": ROLE.count(context),
        "InstanceProfiles": INSTANCE_PROFILE.count(context),
        "Policies": POLICY.count(context),
    }
    versions = sum(len(policy.versions) for policy in POLICY.all(context))
    root_keys = context.state.count(KEYS_OF_USER, scoped(context.account, ""))
    present = {"PolicyVersionsInUse": versions, "AccountAccessKeysPresent": min(root_keys, 1)}
    return Outcome({"SummaryMap": {**_QUOTAS, **_NOT_KEPT_HERE, **counts, **present}})


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateAccountAlias": writes(create_account_alias),
    "DeleteAccountAlias": writes(delete_account_alias),
    "ListAccountAliases": reads(list_account_aliases),
    "GetAccountSummary": reads(get_account_summary),
}
