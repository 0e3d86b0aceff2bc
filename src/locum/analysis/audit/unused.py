"""Checks of what nobody uses: by the last uses, which the record of calls has.

IAM User Guide, "Refine permissions in AWS using last accessed information". What was made less than so long ago is not
unused yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from locum.analysis.audit.evidence import Evidence
from locum.analysis.audit.finding import Finding, Fix, finding
from locum.analysis.unused import active_keys, is_stale, is_unused_role, unused_keys, unused_password
from locum.state import AccessKey, InstanceProfile, LoginProfile, ProfileAssociation, Role, User
from locum.state.indexes import ASSOCIATIONS_OF_PROFILE, PROFILES_OF_ROLE, scoped


def unused_roles(evidence: Evidence) -> Iterator[Finding]:
    """Roles that were not used."""
    for role in evidence.state.every(Role):
        at = evidence.last_use(role.id)
        if is_unused_role(role, at, evidence.since):
            what = f"The role {role.name} was not used {evidence.told(at)}."
            yield finding("unused-role", role.account, role.arn, what, fixes=_deletion(evidence, role))


def _deletion(evidence: Evidence, role: Role) -> tuple[Fix, ...]:
    """The calls that delete a role: IAM User Guide, "Deleting roles or instance profiles"."""
    who = {"RoleName": role.name}
    profiles = evidence.state.find(PROFILES_OF_ROLE, scoped(role.account, role.key))
    named = sorted(one.name for one in profiles if isinstance(one, InstanceProfile))
    return (
        *(Fix("iam", "RemoveRoleFromInstanceProfile", {"InstanceProfileName": name, **who}) for name in named),
        *(Fix("iam", "DetachRolePolicy", {**who, "PolicyArn": arn}) for arn in role.attached),
        *(Fix("iam", "DeleteRolePolicy", {**who, "PolicyName": name}) for name in role.inline),
        Fix("iam", "DeleteRole", who),
    )


def unused_users(evidence: Evidence) -> Iterator[Finding]:
    """Users that were not used, and keys and passwords of those that were."""
    for user in evidence.state.every(User):
        profile = evidence.state.get(LoginProfile, user.account, user.key)
        signed_in = 0 if profile is None else profile.used
        at = max(evidence.last_use(user.id), signed_in)
        keys = active_keys(evidence.state, user)
        if is_stale(at, user.created, evidence.since):
            what = f"The user {user.name} was not used {evidence.told(at)}."
            fixes = (*map(deactivation, keys), *(_password(user) if profile is not None else ()))
            yield finding("unused-user", user.account, user.arn, what, fixes=fixes)
            continue
        for key, used in unused_keys(evidence.state, user, evidence.by_principal.get(user.id, ()), evidence.since):
            what = f"The access key {key.id} of {user.name} was not used {evidence.told(used)}."
            yield finding("unused-access-key", user.account, user.arn, what, key=key.id, fixes=(deactivation(key),))
        if unused_password(evidence.state, user, evidence.since) is not None:
            what = f"The password of {user.name} was not used {evidence.told(signed_in)}."
            yield finding("unused-password", user.account, user.arn, what, fixes=_password(user))


def unused_profiles(evidence: Evidence) -> Iterator[Finding]:
    """Instance profiles that no instance wears, and those without a role."""
    for profile in evidence.state.every(InstanceProfile):
        found = evidence.state.find(ASSOCIATIONS_OF_PROFILE, scoped(profile.account, profile.key))
        worn = any(isinstance(one, ProfileAssociation) and one.state == "associated" for one in found)
        who = {"InstanceProfileName": profile.name}
        deletion = () if worn else (Fix("iam", "DeleteInstanceProfile", who),)
        if not profile.roles:
            what = f"The instance profile {profile.name} has no role."
            yield finding("profile-without-role", profile.account, profile.arn, what, fixes=deletion)
        elif not worn and profile.created < evidence.since:
            taken = tuple(
                Fix("iam", "RemoveRoleFromInstanceProfile", {**who, "RoleName": role.name})
                for key in profile.roles
                if (role := evidence.state.get(Role, profile.account, key)) is not None
            )
            what = f"No instance wears the instance profile {profile.name}."
            yield finding("unused-profile", profile.account, profile.arn, what, fixes=(*taken, *deletion))


def deactivation(key: AccessKey, user: str = "") -> Fix:
    """The call that deactivates a key, of `user` where its name is not the key of its user."""
    name = user or key.user
    who = {"UserName": name} if name else {}
    return Fix("iam", "UpdateAccessKey", {**who, "AccessKeyId": key.id, "Status": "Inactive"})


def _password(user: User) -> tuple[Fix, ...]:
    return (Fix("iam", "DeleteLoginProfile", {"UserName": user.name}),)


CHECKS: Final = (unused_roles, unused_users, unused_profiles)
