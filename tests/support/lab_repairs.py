"""Wrong repairs of labs: what a learner might do, and a part of what the check says to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from locum.labs import LABS, World, making
from locum.labs.documents import EC2, allow, document, trusting
from locum.labs.scenarios.limits import guardrail

Repair = Callable[[World], None]


def _solved_and(change: Repair) -> Repair:
    """The right repair, and too much of it."""

    def repair(world: World) -> None:
        LABS[world.lab].solve(world)
        change(world)

    return repair


def _profile_of_an_untrusting_role(world: World) -> None:
    making.hold(world, "app")
    making.attach(world, world.notes["instance"], "app")


def _another_role(world: World) -> None:
    making.profile(world, "mine", allow("*"))
    making.attach(world, world.notes["instance"], "mine")


def _stopped(world: World) -> None:
    ids = [world.notes["instance"]]
    world.do("ec2", "stop_instances", InstanceIds=ids)
    world.do("ec2", "start_instances", InstanceIds=ids)


def _weakened_admin(world: World) -> None:
    making.grant(world, "admin", allow("ec2:DescribeRegions"))


def _all_of_s3(world: World) -> None:
    making.grant(world, "app", allow("s3:*"))


def _no_bucket_policy(world: World) -> None:
    world.do("s3", "delete_bucket_policy", Bucket=world.notes["reports"])


def _key_left_in_use(world: World) -> None:
    for key in world.do("iam", "list_access_keys", UserName=world.name("app"))["AccessKeyMetadata"]:
        which = {"UserName": world.name("app"), "AccessKeyId": key["AccessKeyId"]}
        world.do("iam", "update_access_key", Status="Active", **which)


def _another_key_in_the_file(world: World) -> None:
    key = world.do("iam", "create_access_key", UserName=world.name("app"))["AccessKey"]
    text = f"colour = green\nkey = {key['AccessKeyId']}\n"
    world.do("s3", "put_object", Bucket=world.notes["config"], Key="app.ini", Body=text.encode())


def _all_of_dynamodb(world: World) -> None:
    making.grant(world, "app", allow("dynamodb:*"))


def _table_without_index(world: World) -> None:
    table = f"arn:aws:dynamodb:{world.region}:{world.account}:table/{world.name('orders')}"
    making.grant(world, "app", allow(["dynamodb:GetItem", "dynamodb:Query"], table))


def _all_of_sqs(world: World) -> None:
    making.grant(world, "worker", allow("sqs:*"))


def _no_queue_policy(world: World) -> None:
    world.do("sqs", "set_queue_attributes", QueueUrl=world.notes["queue"], Attributes={"Policy": ""})


def _pass_anything(world: World) -> None:
    text = document(allow("iam:PassRole"))
    world.do("iam", "put_user_policy", UserName=world.name("developer"), PolicyName="pass", PolicyDocument=text)


def _pass_to_anybody(world: World) -> None:
    text = document(allow("iam:PassRole", world.arn("role", "app")))
    world.do("iam", "put_user_policy", UserName=world.name("developer"), PolicyName="pass", PolicyDocument=text)


def _attached_by_hand(world: World) -> None:
    answer = world.do("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[world.name("web")])
    for each in answer["AutoScalingGroups"][0]["Instances"]:
        making.attach(world, each["InstanceId"], "web")


def _tokens(world: World, instance: str, tokens: str) -> None:
    world.do("ec2", "modify_instance_metadata_options", InstanceId=world.notes[instance], HttpTokens=tokens)


def _optional_everywhere(world: World) -> None:
    _tokens(world, "legacy", "optional")


def _required_everywhere(world: World) -> None:
    _tokens(world, "web", "required")


def _without_tokens(world: World) -> None:
    _tokens(world, "instance", "optional")


def _many_hops(world: World) -> None:
    world.do(
        "ec2", "modify_instance_metadata_options",
        InstanceId=world.notes["instance"], HttpPutResponseHopLimit=64,
    )  # fmt: skip


def _copy_deleted(world: World) -> None:
    world.do("ssm", "put_parameter", Name=world.name("other"), Type="String", Value="x")


def _all_denied(world: World) -> None:
    text = document({"Effect": "Deny", "Action": "*", "Resource": "*"})
    world.do("iam", "put_role_policy", RoleName=world.name("app"), PolicyName="stop", PolicyDocument=text)


def _whole_account_trusted(world: World) -> None:
    trust = trusting(AWS=f"arn:aws:iam::{world.account}:root")
    world.do("iam", "update_assume_role_policy", RoleName=world.name("vault"), PolicyDocument=trust)


def _vendor_without_id(world: World) -> None:
    trust = trusting(AWS=f"arn:aws:iam::{world.notes['account']}:root")
    world.do("iam", "update_assume_role_policy", RoleName=world.name("audit"), PolicyDocument=trust)


def _no_boundary(world: World) -> None:
    world.do("iam", "delete_role_permissions_boundary", RoleName=world.name("worker"))


def _boundary_without_end(world: World) -> None:
    text = document(allow("dynamodb:*"))
    arn = world.arn("policy", "boundary")
    world.do("iam", "create_policy_version", PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)


def _no_guardrail(world: World) -> None:
    which: dict[str, Any] = {"PolicyId": world.notes["region"], "TargetId": world.notes["account"]}
    world.do("organizations", "detach_policy", **which)


def _guardrail_for_ec2_gone(world: World) -> None:
    content = guardrail(NotAction=["iam:*", "ec2:*"])
    world.do("organizations", "update_policy", PolicyId=world.notes["region"], Content=content)


def _only_one_way_closed(world: World) -> None:
    policy = world.arn("policy", "intern")
    text = document(
        allow(["iam:List*", "iam:Get*", "s3:ListAllMyBuckets"]), allow("iam:SetDefaultPolicyVersion", policy)
    )
    world.do("iam", "create_policy_version", PolicyArn=policy, PolicyDocument=text, SetAsDefault=True)


def _everything_detached(world: World) -> None:
    arn = world.arn("policy", "intern")
    world.do("iam", "detach_user_policy", UserName=world.name("intern"), PolicyArn=arn)


def _one_too_many(world: World) -> None:
    name = world.name("billing")
    world.do("iam", "delete_role_policy", RoleName=name, PolicyName=making.INLINE)
    world.do("iam", "delete_role", RoleName=name)


def _locked(world: World) -> None:
    trust = trusting(Service=EC2)
    world.do("iam", "update_assume_role_policy", RoleName=world.name("backup"), PolicyDocument=trust)


def _all_keys_out_of_use(world: World) -> None:
    for name in ("alice", "bob", "carol", "dave"):
        user = world.name(name)
        for key in world.do("iam", "list_access_keys", UserName=user)["AccessKeyMetadata"]:
            which = {"UserName": user, "AccessKeyId": key["AccessKeyId"]}
            world.do("iam", "update_access_key", Status="Inactive", **which)


REPAIRS: Final[dict[str, dict[str, Repair]]] = {
    "role-without-profile": {
        "AssumeRoleUnauthorizedAccess": _profile_of_an_untrusting_role,
        "not as lab-role-without-profile-app": _another_role,
    },
    "replace-profile": {
        "was stopped for that": _solved_and(_stopped),
        "runs as lab-replace-profile-admin": _weakened_admin,
    },
    "three-faults": {"too much": _solved_and(_all_of_s3), "has to keep it out": _solved_and(_no_bucket_policy)},
    "hard-coded-keys": {
        "can still use it": _solved_and(_key_left_in_use),
        "still has an access key in it": _solved_and(_another_key_in_the_file),
    },
    "table-index": {"payroll": _all_of_dynamodb, "cannot query the index": _table_without_index},
    "function-queue": {"DeleteQueue": _solved_and(_all_of_sqs), "has to keep it out": _solved_and(_no_queue_policy)},
    "pass-role": {"lab-pass-role-admin as well": _pass_anything, "Lambda for one": _pass_to_anybody},
    "auto-scaling": {"The next one will not": _attached_by_hand},
    "old-client": {"answers without a token": _optional_everywhere, "is answered 401": _required_everywhere},
    "container-hops": {"Tokens are not required": _without_tokens, "more than the container needs": _many_hops},
    "cached-client": {"still works": _copy_deleted, "is locked out|keeps a session": _all_denied},
    "re-created-role": {"too much trust": _whole_account_trusted},
    "external-id": {"without an external id": _vendor_without_id},
    "boundary": {"lists users": _no_boundary, "whole table be deleted": _boundary_without_end},
    "region-guardrail": {
        "in us-east-1, too": _no_guardrail,
        "in us-west-2, too|in us-east-1, too": _guardrail_for_ec2_gone,
    },
    "self-promotion": {"SetDefaultPolicyVersion": _only_one_way_closed, "cannot work any more": _everything_detached},
    "unused-roles": {
        "lab-unused-roles-billing was in use": _solved_and(_one_too_many),
        "cannot be assumed any more": _solved_and(_locked),
    },
    "who-deleted": {"did not delete the bucket": _all_keys_out_of_use},
}
"""By lab: a pattern of the check's word, and the repair that it is said to."""
