"""IAM's resource types: roles, instance profiles, policies."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from locum.core.errors import Fault
from support.inprocess import InProcess
from support.plane import ACCOUNT, TRUSTS_EC2
from support.providers import Making
from support.remade import code, remade

TRUST = json.loads(TRUSTS_EC2)


def allows(action: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Making:
    return Making(plane)


@pytest.fixture(scope="module")
def iam(plane: InProcess) -> Any:
    return plane.client("iam")


def test_a_role_has_its_policies_and_tags(making: Making, iam: Any) -> None:
    made = making.create(
        "AWS::IAM::Role",
        "Worker",
        AssumeRolePolicyDocument=TRUST,
        Path="/jobs/",
        Description="works",
        MaxSessionDuration="7200",
        PermissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess",
        Policies=[{"PolicyName": "own", "PolicyDocument": allows("s3:*")}],
        ManagedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        Tags=[{"Key": "cost", "Value": "7"}],
    )
    role = iam.get_role(RoleName=made.physical)["Role"]
    assert made.physical.startswith("shop-Worker-")
    assert made.attributes == {"Arn": role["Arn"], "RoleId": role["RoleId"]}
    assert (role["Path"], role["Description"], role["MaxSessionDuration"]) == ("/jobs/", "works", 7200)
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("PowerUserAccess")
    assert {tag["Key"]: tag["Value"] for tag in role["Tags"]} == {"team": "blue", "cost": "7"}
    assert iam.get_role_policy(RoleName=made.physical, PolicyName="own")["PolicyDocument"] == allows("s3:*")
    (attached,) = iam.list_attached_role_policies(RoleName=made.physical)["AttachedPolicies"]
    assert attached["PolicyName"] == "ReadOnlyAccess"


def test_a_role_becomes_what_it_is_to_be(making: Making, iam: Any) -> None:
    made = making.create(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument=TRUST,
        Description="works",
        MaxSessionDuration=7200,
        PermissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess",
        Policies=[{"PolicyName": name, "PolicyDocument": allows("s3:*")} for name in ("kept", "gone")],
        ManagedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        Tags=[{"Key": "cost", "Value": "7"}, {"Key": "owner", "Value": "me"}],
    )
    trust = {**TRUST, "Id": "other"}
    after = making.update(
        made,
        AssumeRolePolicyDocument=trust,
        Policies=[{"PolicyName": "kept", "PolicyDocument": allows("sqs:*")}],
        ManagedPolicyArns=["arn:aws:iam::aws:policy/SecurityAudit"],
        Tags=[{"Key": "cost", "Value": "8"}],
    )
    role = iam.get_role(RoleName=made.physical)["Role"]
    assert after.attributes == made.attributes
    assert (role["AssumeRolePolicyDocument"], role.get("Description", "")) == (trust, "")
    assert role["MaxSessionDuration"] == 3600
    assert "PermissionsBoundary" not in role
    assert {tag["Key"]: tag["Value"] for tag in role["Tags"]} == {"team": "blue", "cost": "8"}
    assert iam.list_role_policies(RoleName=made.physical)["PolicyNames"] == ["kept"]
    assert iam.get_role_policy(RoleName=made.physical, PolicyName="kept")["PolicyDocument"] == allows("sqs:*")
    (attached,) = iam.list_attached_role_policies(RoleName=made.physical)["AttachedPolicies"]
    assert attached["PolicyName"] == "SecurityAudit"


def test_a_role_is_deleted_with_what_it_has(making: Making, iam: Any) -> None:
    made = making.create(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument=TRUST,
        Policies=[{"PolicyName": "own", "PolicyDocument": allows("s3:*")}],
        ManagedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    )
    making.delete(made)
    assert code(iam.get_role, RoleName=made.physical) == "NoSuchEntity"
    making.delete(made)


def test_a_role_that_an_interrupted_creation_made_is_adopted(making: Making) -> None:
    made = making.create("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST, Tags=[{"Key": "cost", "Value": "7"}])
    again = remade(making, made)
    assert (again.physical, again.attributes) == (made.physical, made.attributes)


def test_a_role_of_somebody_else_is_not_adopted(making: Making, iam: Any) -> None:
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument=TRUSTS_EC2)
    with pytest.raises(Fault, match="EntityAlreadyExists"):
        making.create("AWS::IAM::Role", RoleName="theirs", AssumeRolePolicyDocument=TRUST)


def test_a_role_whose_creation_fails_half_way_is_not_left(making: Making, iam: Any) -> None:
    with pytest.raises(Fault, match="NoSuchEntity"):
        making.create(
            "AWS::IAM::Role",
            RoleName="halfway",
            AssumeRolePolicyDocument=TRUST,
            Policies=[{"PolicyName": "own", "PolicyDocument": allows("s3:*")}],
            ManagedPolicyArns=["arn:aws:iam::aws:policy/NoSuchPolicy"],
        )
    assert code(iam.get_role, RoleName="halfway") == "NoSuchEntity"


def test_a_property_that_no_role_has_is_refused(making: Making) -> None:
    with pytest.raises(Fault, match="Encountered unsupported property Colour"):
        making.create("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST, Colour="blue")


def test_an_instance_profile_has_one_role_after_another(making: Making, iam: Any) -> None:
    first, second = (making.create("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST).physical for _ in range(2))
    made = making.create("AWS::IAM::InstanceProfile", Roles=[first], Path="/p/")
    profile = iam.get_instance_profile(InstanceProfileName=made.physical)["InstanceProfile"]
    assert (made.attributes["Arn"], profile["Roles"][0]["RoleName"]) == (profile["Arn"], first)
    assert remade(making, made).physical == made.physical
    after = making.update(made, Roles=[second], Path="/p/")
    profile = iam.get_instance_profile(InstanceProfileName=made.physical)["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == [second]
    making.delete(after)
    assert code(iam.get_instance_profile, InstanceProfileName=made.physical) == "NoSuchEntity"


def test_a_managed_policy_is_attached_and_keeps_room_for_versions(making: Making, iam: Any) -> None:
    role = making.create("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST).physical
    other = making.create("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST).physical
    made = making.create("AWS::IAM::ManagedPolicy", PolicyDocument=allows("s3:*"), Roles=[role], Description="d")
    assert made.physical == made.attributes["PolicyArn"]
    assert made.physical.startswith(f"arn:aws:iam::{ACCOUNT}:policy/shop-Thing-")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made.attributes["CreateDate"])
    assert (made.attributes["AttachmentCount"], made.attributes["DefaultVersionId"]) == (1, "v1")
    assert remade(making, made).physical == made.physical
    after = made
    for number in range(7):
        after = making.update(after, PolicyDocument=allows(f"s3:Get{number}*"), Roles=[other], Description="d")
    assert after.attributes["DefaultVersionId"] == "v8"
    assert len(iam.list_policy_versions(PolicyArn=made.physical)["Versions"]) == 5
    holders = iam.list_entities_for_policy(PolicyArn=made.physical)["PolicyRoles"]
    assert [holder["RoleName"] for holder in holders] == [other]
    making.delete(after)
    assert code(iam.get_policy, PolicyArn=made.physical) == "NoSuchEntity"
    making.delete(after)


def test_a_policy_is_put_into_roles_users_and_groups(making: Making, iam: Any) -> None:
    role = making.create("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST).physical
    user = making.create("AWS::IAM::User").physical
    group = making.create("AWS::IAM::Group").physical
    held: dict[str, Any] = {"Roles": [role], "Users": [user], "Groups": [group]}
    made = making.create("AWS::IAM::Policy", PolicyName="p", PolicyDocument=allows("s3:*"), **held)
    assert made.attributes == {"Id": made.physical}
    assert iam.get_role_policy(RoleName=role, PolicyName="p")["PolicyDocument"] == allows("s3:*")
    assert iam.get_user_policy(UserName=user, PolicyName="p")["PolicyDocument"] == allows("s3:*")
    assert iam.get_group_policy(GroupName=group, PolicyName="p")["PolicyDocument"] == allows("s3:*")
    after = making.update(made, PolicyName="q", PolicyDocument=allows("sqs:*"), Roles=[role])
    assert after.physical == made.physical
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["q"]
    assert iam.list_user_policies(UserName=user)["PolicyNames"] == []
    making.delete(after)
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == []


def test_a_policy_of_nobody_is_refused(making: Making) -> None:
    with pytest.raises(Fault, match="must be non-empty"):
        making.create("AWS::IAM::Policy", PolicyName="p", PolicyDocument=allows("s3:*"))


@pytest.mark.parametrize("noun", ["Role", "User", "Group"])
def test_an_inline_policy_of_one_holder(making: Making, iam: Any, noun: str) -> None:
    trust: dict[str, Any] = {"AssumeRolePolicyDocument": TRUST} if noun == "Role" else {}
    holder = {f"{noun}Name": making.create(f"AWS::IAM::{noun}", **trust).physical}
    made = making.create(f"AWS::IAM::{noun}Policy", PolicyName="p", PolicyDocument=allows("s3:*"), **holder)
    assert made.physical == f"p|{holder[f'{noun}Name']}"
    get = getattr(iam, f"get_{noun.lower()}_policy")
    assert get(PolicyName="p", **holder)["PolicyDocument"] == allows("s3:*")
    making.update(made, PolicyName="p", PolicyDocument=allows("sqs:*"), **holder)
    assert get(PolicyName="p", **holder)["PolicyDocument"] == allows("sqs:*")
    making.delete(made)
    assert code(get, PolicyName="p", **holder) == "NoSuchEntity"
