"""Instance profiles, each of which contains a role for EC2 instances."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.services.iam import deletion, shapes, tags
from locum.services.iam.faults import no_such_entity, quota_exceeded
from locum.services.iam.kinds import INSTANCE_PROFILE, ROLE, by_name
from locum.services.iam.limits import ROLES_PER_PROFILE
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import InstanceProfile, put, remove
from locum.state.indexes import PROFILES_OF_ROLE, scoped


def create_instance_profile(context: Context, params: Params) -> Outcome:
    """CreateInstanceProfile."""
    new_tags = tags.given(params, InstanceProfile)
    profile = InstanceProfile(
        account=context.account,
        name=INSTANCE_PROFILE.new_name(context, params["InstanceProfileName"]),
        path=params.get("Path", "/"),
        id=INSTANCE_PROFILE.new_id(context),
        created=int(context.now),
        tags=new_tags,
    )
    shown = {**shapes.profile(context, profile), **shapes.given_tags(new_tags)}
    return Outcome({"InstanceProfile": shown}, (put(profile),))


def get_instance_profile(context: Context, params: Params) -> Outcome:
    """GetInstanceProfile."""
    profile = INSTANCE_PROFILE.of(context, params)
    shown = {**shapes.profile(context, profile), "Tags": shapes.short_tags_first(profile.tags)}
    return Outcome({"InstanceProfile": shown})


def list_instance_profiles(context: Context, params: Params) -> Outcome:
    """ListInstanceProfiles."""
    found = page(params, INSTANCE_PROFILE.under(context, params), by_name)
    return found.outcome("InstanceProfiles", lambda profile: shapes.profile(context, profile))


def list_instance_profiles_for_role(context: Context, params: Params) -> Outcome:
    """ListInstanceProfilesForRole."""
    role = ROLE.of(context, params)
    holders = context.state.find(PROFILES_OF_ROLE, scoped(role.account, role.key))
    found = page(params, (p for p in holders if isinstance(p, InstanceProfile)), by_name)
    return found.outcome("InstanceProfiles", lambda profile: shapes.profile(context, profile))


def add_role_to_instance_profile(context: Context, params: Params) -> Outcome:
    """AddRoleToInstanceProfile. LimitExceeded where the profile has a role already, even the same one."""
    profile = INSTANCE_PROFILE.of(context, params)
    role = ROLE.to_change(context, params)
    if len(profile.roles) >= ROLES_PER_PROFILE:
        raise quota_exceeded("InstanceSessionsPerInstanceProfile", ROLES_PER_PROFILE)
    return Outcome({}, (put(replace(profile, roles=(role.key,))),))


def remove_role_from_instance_profile(context: Context, params: Params) -> Outcome:
    """RemoveRoleFromInstanceProfile. Instances with the profile lose their credentials at the next renewal."""
    profile = INSTANCE_PROFILE.of(context, params)
    role = ROLE.to_change(context, params)
    if role.key not in profile.roles:
        raise no_such_entity(f"Role {role.name} in Instance Profile {profile.name} cannot be found.")
    return Outcome({}, (put(replace(profile, roles=())),))


def delete_instance_profile(context: Context, params: Params) -> Outcome:
    """DeleteInstanceProfile. IAM does not check whether an instance has it."""
    profile = INSTANCE_PROFILE.of(context, params)
    deletion.check_profile(profile)
    return Outcome({}, (remove(profile),))


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateInstanceProfile": writes(create_instance_profile),
    "GetInstanceProfile": reads(get_instance_profile),
    "ListInstanceProfiles": reads(list_instance_profiles),
    "ListInstanceProfilesForRole": reads(list_instance_profiles_for_role),
    "AddRoleToInstanceProfile": writes(add_role_to_instance_profile),
    "RemoveRoleFromInstanceProfile": writes(remove_role_from_instance_profile),
    "DeleteInstanceProfile": writes(delete_instance_profile),
    **tags.operations("InstanceProfile", InstanceProfile, INSTANCE_PROFILE.of),
}
