"""Labs about what limits permissions: boundaries, service control policies, iam:PassRole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.identifiers import OWN_IMAGE
from locum.labs import making, organizations
from locum.labs.documents import allow, document, trusting
from locum.labs.lab import ORGANIZATION, written
from locum.labs.world import Broken, Credentials, World

# -- a boundary that caps --------------------------------------------------------------------------------

_READING: Final = ("dynamodb:GetItem", "dynamodb:Query")


def _build_boundary(world: World) -> None:
    table = making.table(world, "orders")
    boundary = making.policy(world, "boundary", allow([*_READING], table))
    trust = trusting(AWS=f"arn:aws:iam::{world.account}:root")
    making.role(world, "worker", trust, allow("*"), PermissionsBoundary=boundary)


def _check_boundary(world: World) -> None:
    item, guard = {"id": {"S": "check"}}, {"ConditionExpression": "attribute_exists(id) AND attribute_not_exists(id)"}
    with world.role("worker") as key:
        word = f"{world.name('worker')} cannot write into the table, though its policy lets it do everything"
        world.may(word, "dynamodb", "put_item", key, TableName=world.name("orders"), Item=item, **guard)
        word = f"{world.name('worker')} cannot read the table any more"
        world.may(word, "dynamodb", "get_item", key, TableName=world.name("orders"), Key=item)
        word = "The table can be written. But nothing limits the role any more: it lists users"
        world.must_not(word, "iam", "list_users", key)
    role, table = world.arn("role", "worker"), f"arn:aws:dynamodb:{world.region}:{world.account}:table"
    if world.could(role, "dynamodb:DeleteTable", f"{table}/{world.name('orders')}"):
        raise Broken("The table can be written. But the boundary lets its whole table be deleted, too")


def _solve_boundary(world: World) -> None:
    table = f"arn:aws:dynamodb:{world.region}:{world.account}:table/{world.name('orders')}"
    text = document(allow([*_READING, "dynamodb:PutItem"], table))
    world.do(
        "iam", "create_policy_version",
        PolicyArn=world.arn("policy", "boundary"), PolicyDocument=text, SetAsDefault=True,
    )  # fmt: skip


BOUNDARY: Final = written("boundary", _build_boundary, _check_boundary, _solve_boundary, services=("dynamodb",))

# -- a service control policy ----------------------------------------------------------------------------

_REGION: Final = "eu-central-1"
_OTHERS: Final = ("us-east-1", "us-west-2")


def guardrail(**actions: Any) -> str:
    """A service control policy that denies `actions` (Action or NotAction) outside of the Region."""
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": _REGION}}
    statement: Mapping[str, Any] = {"Effect": "Deny", **actions, "Resource": "*", "Condition": elsewhere}
    return document(statement)


def _build_guardrail(world: World) -> None:
    account = organizations.member(world)
    organizations.guard(world, "region", account, guardrail(Action="*"))


def _check_guardrail(world: World) -> None:
    with world.administrator(world.notes["account"]) as key:
        word = f"The administrator of {world.notes['account']} cannot list its roles"
        world.may(word, "iam", "list_roles", key)
        world.may(f"EC2 cannot be used in {_REGION}", "ec2", "describe_instances", key, _REGION)
        for region in _OTHERS:
            word = f"IAM works. But EC2 can be used in {region}, too: the guardrail does not hold any more"
            world.must_not(word, "ec2", "describe_instances", key, region)


def _solve_guardrail(world: World) -> None:
    content = guardrail(NotAction=["iam:*", "sts:*", "organizations:*", "support:*"])
    world.do("organizations", "update_policy", PolicyId=world.notes["region"], Content=content)


REGION_GUARDRAIL: Final = written(
    "region-guardrail", _build_guardrail, _check_guardrail, _solve_guardrail, requires=(ORGANIZATION,)
)

# -- iam:PassRole ----------------------------------------------------------------------------------------


def _build_pass(world: World) -> None:
    making.profile(world, "app", allow("ec2:DescribeRegions"))
    making.profile(world, "admin", allow("*"))
    making.user(world, "developer", allow(["ec2:RunInstances", "ec2:CreateTags", "ec2:Describe*"]))


def _check_pass(world: World) -> None:
    with world.user(world.name("developer")) as key:
        _try(world, key, "app")
        word = f"The developer can launch as {world.name('admin')} as well, and so do everything"
        world.must_not(word, "ec2", "run_instances", key, **_launch(world, "admin"))
        world.must_not("The developer may do far too much: list users", "iam", "list_users", key)
    source, role = world.arn("user", "developer"), world.arn("role", "app")
    if world.could(source, "iam:PassRole", role, iam__PassedToService="lambda.amazonaws.com"):
        raise Broken("The developer can launch. But the role can be passed to other services than EC2, Lambda for one")


def _try(world: World, key: Credentials, suffix: str) -> None:
    word = f"The developer cannot launch an instance as {world.name(suffix)}"
    world.must(word, "ec2", "run_instances", key, **_launch(world, suffix))


def _launch(world: World, suffix: str) -> dict[str, Any]:
    profile = {"Name": world.name(suffix)}
    return {"ImageId": OWN_IMAGE, "MinCount": 1, "MaxCount": 1, "DryRun": True, "IamInstanceProfile": profile}


def _solve_pass(world: World) -> None:
    to_ec2 = {"iam:PassedToService": "ec2.amazonaws.com"}
    text = document(allow("iam:PassRole", world.arn("role", "app"), StringEquals=to_ec2))
    name = world.name("developer")
    world.do("iam", "put_user_policy", UserName=name, PolicyName="pass", PolicyDocument=text)


PASS_ROLE: Final = written("pass-role", _build_pass, _check_pass, _solve_pass, services=("ec2",))
