"""Checks for dependencies before a deletion: IAM deletes nothing that something else depends on."""

from __future__ import annotations

from locum.services.iam.faults import delete_conflict
from locum.services.iam.kinds import Identity
from locum.services.verbs import Context
from locum.state import Group, InstanceProfile, LoginProfile, Role, SigningCertificate, User
from locum.state.indexes import (
    CREDENTIALS_OF_USER,
    KEYS_OF_USER,
    MEMBERS_OF_GROUP,
    MFA_OF_USER,
    PROFILES_OF_ROLE,
    scoped,
)


def check_role(context: Context, role: Role) -> None:
    """Raise DeleteConflict where an instance profile contains `role`, or it has policies."""
    if context.state.count(PROFILES_OF_ROLE, scoped(role.account, role.key)):
        raise delete_conflict("Cannot delete entity, must remove roles from instance profile first.")
    _check_policies(role)


def check_user(context: Context, user: User) -> None:
    """Raise DeleteConflict where `user` has credentials of any kind, is in a group, or has policies."""
    key = scoped(user.account, user.key)
    if context.state.get(LoginProfile, user.account, user.key) is not None:
        raise delete_conflict("Cannot delete entity, must delete login profile first.")
    if context.state.count(KEYS_OF_USER, key):
        raise delete_conflict("Cannot delete entity, must delete access keys first.")
    if context.state.count(MFA_OF_USER, key):
        raise delete_conflict("Cannot delete entity, must delete MFA device first.")
    if context.state.first(SigningCertificate, CREDENTIALS_OF_USER, key) is not None:
        raise delete_conflict("Cannot delete entity, must delete certificates first.")
    if context.state.count(CREDENTIALS_OF_USER, key):  # SSH public keys, service-specific credentials
        raise delete_conflict("Cannot delete entity, must remove referenced objects first.")
    if user.groups:
        raise delete_conflict("Cannot delete entity, must remove users from group first.")
    _check_policies(user)


def check_group(context: Context, group: Group) -> None:
    """Raise DeleteConflict where `group` has members or policies."""
    if context.state.count(MEMBERS_OF_GROUP, scoped(group.account, group.key)):
        raise delete_conflict("Cannot delete entity, must remove users from group first.")
    _check_policies(group)


def check_profile(profile: InstanceProfile) -> None:
    """Raise DeleteConflict where `profile` contains a role."""
    if profile.roles:
        raise delete_conflict("Cannot delete entity, must remove roles from instance profile first.")


def _check_policies(entity: Identity) -> None:
    if entity.attached:
        raise delete_conflict("Cannot delete entity, must detach all policies first.")
    if entity.inline:
        raise delete_conflict("Cannot delete entity, must delete policies first.")
