"""Labs about finding and closing what is wrong: a finding, roles that nobody uses, a deed in the trail."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from locum.core.clock import system_entropy
from locum.labs import making
from locum.labs.documents import allow, document, trusting
from locum.labs.lab import written
from locum.labs.world import Broken, Credentials, World

# -- a finding: somebody can make himself an administrator ------------------------------------------------

_LOOKING: Final = allow(["iam:List*", "iam:Get*", "s3:ListAllMyBuckets"])


def _build_promotion(world: World) -> None:
    user, policy = making.user(world, "intern"), making.policy(world, "intern", allow("*"))
    changing = allow(["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"], policy)
    text = document(_LOOKING, changing)
    world.do("iam", "create_policy_version", PolicyArn=policy, PolicyDocument=text, SetAsDefault=True)
    world.do("iam", "attach_user_policy", UserName=user, PolicyArn=policy)


def _check_promotion(world: World) -> None:
    user, policy = world.arn("user", "intern"), world.arn("policy", "intern")
    ways = {
        "iam:CreatePolicyVersion": policy, "iam:SetDefaultPolicyVersion": policy, "iam:AttachUserPolicy": user,
        "iam:PutUserPolicy": user, "iam:DetachUserPolicy": user, "iam:DeleteUserPermissionsBoundary": user,
        "iam:DeleteUserPolicy": user, "iam:PutUserPermissionsBoundary": user, "iam:AddUserToGroup": "*",
        "iam:PassRole": "*", "iam:UpdateAssumeRolePolicy": "*", "iam:CreateUser": "*",
    }  # fmt: skip
    for action, resource in ways.items():
        if world.could(user, action, resource):
            raise Broken(f"The intern can still rise: {action} is allowed on {resource}")
    with world.user(world.name("intern")) as key:
        word = "The intern cannot work any more: to look at IAM and list the buckets is what is needed"
        world.may(word, "iam", "list_roles", key)
    if not world.could(user, "s3:ListAllMyBuckets"):
        raise Broken(word)


def _solve_promotion(world: World) -> None:
    policy = world.arn("policy", "intern")
    text = document(_LOOKING)
    world.do("iam", "create_policy_version", PolicyArn=policy, PolicyDocument=text, SetAsDefault=True)


SELF_PROMOTION: Final = written("self-promotion", _build_promotion, _check_promotion, _solve_promotion)

# -- roles that nobody uses ------------------------------------------------------------------------------

_USED: Final = ("backup", "billing")
_UNUSED: Final = ("import", "legacy")


def _build_unused(world: World) -> None:
    trust = trusting(AWS=f"arn:aws:iam::{world.account}:root")
    for name in (*_USED, *_UNUSED):
        making.role(world, name, trust, allow("s3:ListAllMyBuckets"))
    making.hold(world, "legacy")
    with world.probe() as key:
        for name in _USED:
            world.do("sts", "get_caller_identity", world.session(world.arn("role", name), key))


def _check_unused(world: World) -> None:
    there = {each["RoleName"] for each in world.pages("iam", "list_roles", "Roles")}
    for name in map(world.name, _USED):
        if name not in there:
            raise Broken(f"{name} was in use, and is gone: `locum lab reset {world.lab}` begins anew")
    for name in map(world.name, _UNUSED):
        if name in there:
            raise Broken(f"{name} was never used, and is still there")
    with world.probe() as key:
        for name in _USED:
            world.session(world.arn("role", name), key, f"{world.name(name)} is there, and cannot be assumed any more")


def _solve_unused(world: World) -> None:
    for name in map(world.name, _UNUSED):
        for profile in world.pages("iam", "list_instance_profiles_for_role", "InstanceProfiles", RoleName=name):
            held = profile["InstanceProfileName"]
            world.do("iam", "remove_role_from_instance_profile", InstanceProfileName=held, RoleName=name)
        world.do("iam", "delete_role_policy", RoleName=name, PolicyName=making.INLINE)
        world.do("iam", "delete_role", RoleName=name)


UNUSED_ROLES: Final = written("unused-roles", _build_unused, _check_unused, _solve_unused)

# -- who deleted the bucket ------------------------------------------------------------------------------

_PEOPLE: Final = ("alice", "bob", "carol", "dave")


def _build_deed(world: World) -> None:
    bucket = making.bucket(world, "ledger")
    culprit = _PEOPLE[system_entropy(1)[0] % len(_PEOPLE)]
    for name in _PEOPLE:
        key = world.do("iam", "create_access_key", UserName=making.user(world, name, allow("s3:*")))["AccessKey"]
        who = Credentials.of(key)
        world.do("s3", "list_buckets", who)
        if name == culprit:
            world.do("s3", "delete_bucket", who, Bucket=bucket)


def _culprit(world: World) -> dict[str, Any]:
    """The event with which the bucket was deleted last."""
    named = [{"AttributeKey": "EventName", "AttributeValue": "DeleteBucket"}]
    for event in world.pages("cloudtrail", "lookup_events", "Events", LookupAttributes=named):
        resources = {each.get("ResourceName") for each in event.get("Resources", ())}
        if world.notes["ledger"] in resources and event.get("Username", "").startswith(world.prefix):
            found: dict[str, Any] = event
            return found
    raise Broken("The event history does not have the deletion any more: begin anew with `locum lab reset`")


def _active(world: World, name: str) -> bool:
    keys = world.do("iam", "list_access_keys", UserName=name)["AccessKeyMetadata"]
    return any(key["Status"] == "Active" for key in keys)


def _check_deed(world: World) -> None:
    culprit = _culprit(world)["Username"]
    for name in map(world.name, _PEOPLE):
        if name != culprit and not _active(world, name):
            raise Broken(f"{name} did not delete the bucket, and has no active key any more")
    if _active(world, culprit):
        raise Broken("Whoever deleted the bucket still has an active key")
    try:
        world.do("iam", "get_user", UserName=culprit)
    except ClientError as error:
        raise Broken(f"{culprit} was to lose the key, not the user") from error


def _solve_deed(world: World) -> None:
    event = _culprit(world)
    which = {"UserName": event["Username"], "AccessKeyId": event["AccessKeyId"]}
    world.do("iam", "update_access_key", Status="Inactive", **which)


WHO_DELETED: Final = written("who-deleted", _build_deed, _check_deed, _solve_deed, services=("s3",))
