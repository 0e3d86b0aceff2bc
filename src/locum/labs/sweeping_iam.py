"""The part of `sweeping` for IAM: instance profiles, roles, users, groups and policies."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from locum.labs.things import Thing
from locum.labs.world import World

_DETAILS: Final = {
    "role": ("Role", "RoleName", "role_policies", "attached_role_policies"),
    "user": ("User", "UserName", "user_policies", "attached_user_policies"),
    "group": ("Group", "GroupName", "group_policies", "attached_group_policies"),
}
_OF_USERS: Final = (
    ("list_access_keys", "AccessKeyMetadata", "AccessKeyId", "delete_access_key"),
    ("list_signing_certificates", "Certificates", "CertificateId", "delete_signing_certificate"),
    ("list_ssh_public_keys", "SSHPublicKeys", "SSHPublicKeyId", "delete_ssh_public_key"),
    ("list_mfa_devices", "MFADevices", "SerialNumber", "deactivate_mfa_device"),
)
"""What users have that goes before them: how it is listed, its id, how it is removed."""


def found(world: World) -> Iterator[Thing]:
    """What there is of a lab in IAM, policies last: they are attached to the others."""
    for name in _names(world, "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"):
        yield Thing(f"instance profile {name}", partial(_remove_profile, world, name))
    for kind, (noun, name_of, _, _) in _DETAILS.items():
        for name in _names(world, f"list_{kind}s", f"{noun}s", name_of):
            yield Thing(f"{kind} {name}", partial(_remove, world, kind, name))
    for policy in world.pages("iam", "list_policies", "Policies", Scope="Local"):
        if policy["PolicyName"].startswith(world.prefix):
            yield Thing(f"policy {policy['PolicyName']}", partial(_remove_policy, world, policy["Arn"]))


def remove_user(world: World, name: str) -> None:
    """Remove the user `name` with all that hangs on it, if there is such a user."""
    if name in _names(world, "list_users", "Users", "UserName"):
        _remove(world, "user", name)


def _names(world: World, operation: str, member: str, name: str) -> list[str]:
    found = (str(each[name]) for each in world.pages("iam", operation, member))
    return [each for each in found if each.startswith(world.prefix)]


def _remove_profile(world: World, name: str) -> None:
    held = world.do("iam", "get_instance_profile", InstanceProfileName=name)["InstanceProfile"]["Roles"]
    for role in held:
        world.do(
            "iam", "remove_role_from_instance_profile", InstanceProfileName=name, RoleName=role["RoleName"]
        )  # fmt: skip
    world.do("iam", "delete_instance_profile", InstanceProfileName=name)


def _remove(world: World, kind: str, name: str) -> None:
    """Remove a role, user or group with its policies and what else hangs on it."""
    noun, name_of, inline, attached = _DETAILS[kind]
    own: dict[str, Any] = {name_of: name}
    for policy in world.pages("iam", f"list_{attached}", "AttachedPolicies", **own):
        world.do("iam", f"detach_{kind}_policy", PolicyArn=policy["PolicyArn"], **own)
    for policy in world.pages("iam", f"list_{inline}", "PolicyNames", **own):
        world.do("iam", f"delete_{kind}_policy", PolicyName=policy, **own)
    {"role": _empty_role, "user": _empty_user, "group": _empty_group}[kind](world, name)
    world.do("iam", f"delete_{noun.lower()}", **own)


def _empty_role(world: World, name: str) -> None:
    """Take a role out of the instance profiles that the learner put it in."""
    for profile in world.pages("iam", "list_instance_profiles_for_role", "InstanceProfiles", RoleName=name):
        world.do(
            "iam", "remove_role_from_instance_profile",
            InstanceProfileName=profile["InstanceProfileName"], RoleName=name,
        )  # fmt: skip


def _empty_user(world: World, name: str) -> None:
    for listing, member, identifier, deletion in _OF_USERS:
        for each in world.pages("iam", listing, member, UserName=name):
            world.do("iam", deletion, UserName=name, **{identifier: each[identifier]})
    for each in world.do("iam", "list_service_specific_credentials", UserName=name)["ServiceSpecificCredentials"]:
        which = {"ServiceSpecificCredentialId": each["ServiceSpecificCredentialId"]}
        world.do("iam", "delete_service_specific_credential", UserName=name, **which)
    for group in world.pages("iam", "list_groups_for_user", "Groups", UserName=name):
        world.do("iam", "remove_user_from_group", UserName=name, GroupName=group["GroupName"])
    try:
        world.do("iam", "delete_login_profile", UserName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise


def _empty_group(world: World, name: str) -> None:
    for user in world.pages("iam", "get_group", "Users", GroupName=name):
        world.do("iam", "remove_user_from_group", GroupName=name, UserName=user["UserName"])


def _remove_policy(world: World, arn: str) -> None:
    """Remove a policy with its versions, from wherever the learner attached it."""
    for kind, (noun, name_of, _, _) in _DETAILS.items():
        for each in world.pages("iam", "list_entities_for_policy", f"Policy{noun}s", PolicyArn=arn):
            own = {name_of: each[name_of]}
            if {"PolicyArn": arn} in _attached(world, kind, own):
                world.do("iam", f"detach_{kind}_policy", PolicyArn=arn, **own)
            else:
                world.do("iam", f"delete_{kind}_permissions_boundary", **own)
    for version in world.pages("iam", "list_policy_versions", "Versions", PolicyArn=arn):
        if not version["IsDefaultVersion"]:
            world.do("iam", "delete_policy_version", PolicyArn=arn, VersionId=version["VersionId"])
    world.do("iam", "delete_policy", PolicyArn=arn)


def _attached(world: World, kind: str, own: dict[str, Any]) -> list[dict[str, str]]:
    listing = f"list_{_DETAILS[kind][3]}"
    return [{"PolicyArn": each["PolicyArn"]} for each in world.pages("iam", listing, "AttachedPolicies", **own)]
