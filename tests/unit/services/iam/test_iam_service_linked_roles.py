"""Service-linked roles: as recorded from AWS where a test says so."""

from __future__ import annotations

from typing import Any

import pytest

from locum.state import Role, RoleDeletion, change, put
from support.iam_plane import ACCOUNT, ADMIN, EC2_TRUST, NOW, READ, Plane, document

POLICY = "arn:aws:iam::aws:policy/aws-service-role/"


def create(plane: Plane, service: str, **params: Any) -> dict[str, Any]:
    made: dict[str, Any] = plane.call("CreateServiceLinkedRole", AWSServiceName=service, **params)["Role"]
    return made


def test_the_answer_of_creating_has_lists_in_the_document_and_no_description(plane: Plane) -> None:
    made = create(plane, "lex.amazonaws.com", Description="My service-linked role to support Lex")
    assert set(made) == {"Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"}
    path = "/aws-service-role/lex.amazonaws.com/"
    assert made["Path"] == path
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role{path}AWSServiceRoleForLexBots"
    (statement,) = document(made["AssumeRolePolicyDocument"])["Statement"]
    expected = {"Service": ["lex.amazonaws.com"]}
    assert statement == {"Effect": "Allow", "Principal": expected, "Action": ["sts:AssumeRole"]}


def test_a_later_answer_has_the_values_themselves(plane: Plane) -> None:
    create(plane, "batch.amazonaws.com", Description="For batches")
    role = plane.call("GetRole", RoleName="AWSServiceRoleForBatch")["Role"]
    (statement,) = document(role["AssumeRolePolicyDocument"])["Statement"]
    expected = {"Service": "batch.amazonaws.com"}
    assert statement == {"Effect": "Allow", "Principal": expected, "Action": "sts:AssumeRole"}
    assert (role["Description"], role["MaxSessionDuration"], role["RoleLastUsed"]) == ("For batches", 3600, {})
    assert plane.call("ListRolePolicies", RoleName="AWSServiceRoleForBatch")["PolicyNames"] == []
    (attached,) = plane.call("ListAttachedRolePolicies", RoleName="AWSServiceRoleForBatch")["AttachedPolicies"]
    assert attached["PolicyArn"] == f"{POLICY}BatchServiceRolePolicy"


NAMES = [
    ("ecs.amazonaws.com", "", "AWSServiceRoleForECS"),
    ("autoscaling.amazonaws.com", "", "AWSServiceRoleForAutoScaling"),
    ("autoscaling.amazonaws.com", "suf", "AWSServiceRoleForAutoScaling_suf"),
    ("connect.amazonaws.com", "x", "AWSServiceRoleForAmazonConnect_x"),
    ("spot.amazonaws.com", "", "AWSServiceRoleForEC2Spot"),
    (
        "custom-resource.application-autoscaling.amazonaws.com",
        "",
        "AWSServiceRoleForApplicationAutoScaling_CustomResource",
    ),
    ("other.amazonaws.com", "", "AWSServiceRoleForOther"),
    ("some-thing.new-service.amazonaws.com", "", "AWSServiceRoleForNewService_SomeThing"),
]


@pytest.mark.parametrize(("service", "suffix", "name"), NAMES)
def test_the_role_is_called_what_the_service_calls_it(plane: Plane, service: str, suffix: str, name: str) -> None:
    made = create(plane, service, **({"CustomSuffix": suffix} if suffix else {}))
    assert (made["RoleName"], made["Path"]) == (name, f"/aws-service-role/{service}/")


TAKEN = "Service role name AWSServiceRoleForBatch has been taken in this account, please try a different suffix."
LONG = "AWSServiceRoleForAutoScaling_" + "x" * 40
SHORTER = "Member must have length less than or equal to 64"
REFUSED = [
    ({"AWSServiceName": "batch.amazonaws.com"}, ("InvalidInput", 400, TAKEN)),
    (
        {"AWSServiceName": "ecs.amazonaws.com", "CustomSuffix": "two"},
        ("InvalidInput", 400, "Custom suffix is not allowed for ecs.amazonaws.com"),
    ),
    (
        {"AWSServiceName": "ecs"},
        ("InvalidInput", 400, "ecs is not a valid service principal."),
    ),
    (
        {"AWSServiceName": "autoscaling.amazonaws.com", "CustomSuffix": "x" * 40},
        (
            "ValidationError",
            400,
            f"1 validation error detected: Value '{LONG}' at 'roleName' failed to satisfy constraint: {SHORTER}",
        ),
    ),
]


@pytest.mark.parametrize(("params", "refusal"), REFUSED)
def test_a_role_that_cannot_be(plane: Plane, params: dict[str, str], refusal: tuple[str, int, str]) -> None:
    create(plane, "batch.amazonaws.com")
    assert plane.fault("CreateServiceLinkedRole", **params) == refusal


def test_the_quota_of_roles_holds_for_them(plane: Plane) -> None:
    others = [Role(account=ACCOUNT, name=f"r{i}", id=f"AROA{i}", created=0, trust=EC2_TRUST) for i in range(1000)]
    plane.state = change(plane.state, map(put, others))
    refused = plane.fault("CreateServiceLinkedRole", AWSServiceName="ecs.amazonaws.com")
    assert refused == ("LimitExceeded", 409, "Cannot exceed quota for RolesPerAccount: 1000")


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("DeleteRole", {}),
    ("UpdateRole", {"MaxSessionDuration": 7200}),
    ("UpdateRole", {"MaxSessionDuration": 7200, "Description": "longer"}),
    ("UpdateAssumeRolePolicy", {"PolicyDocument": EC2_TRUST}),
    ("AttachRolePolicy", {"PolicyArn": ADMIN}),
    ("DetachRolePolicy", {"PolicyArn": f"{POLICY}AmazonECSServiceRolePolicy"}),
    ("PutRolePolicy", {"PolicyName": "p", "PolicyDocument": READ}),
    ("DeleteRolePolicy", {"PolicyName": "p"}),
    ("PutRolePermissionsBoundary", {"PermissionsBoundary": ADMIN}),
    ("DeleteRolePermissionsBoundary", {}),
    ("AddRoleToInstanceProfile", {"InstanceProfileName": "profile"}),
]


@pytest.mark.parametrize(("operation", "params"), CHANGES)
def test_only_its_service_changes_it(plane: Plane, operation: str, params: dict[str, Any]) -> None:
    name = create(plane, "ecs.amazonaws.com")["RoleName"]
    plane.call("CreateInstanceProfile", InstanceProfileName="profile")
    message = f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    assert plane.fault(operation, RoleName=name, **params) == ("UnmodifiableEntity", 400, message)


def test_its_description_and_its_tags_are_the_account_s(plane: Plane) -> None:
    name = create(plane, "ecs.amazonaws.com")["RoleName"]
    plane.call("UpdateRole", RoleName=name, Description="first")
    assert plane.call("GetRole", RoleName=name)["Role"]["Description"] == "first"
    answer = plane.call("UpdateRoleDescription", RoleName=name, Description="second")
    assert answer["Role"]["Description"] == "second"
    plane.call("TagRole", RoleName=name, Tags=[{"Key": "team", "Value": "a"}])
    assert plane.call("ListRoleTags", RoleName=name)["Tags"] == [{"Key": "team", "Value": "a"}]


def test_a_deletion_is_a_task_that_is_over_at_once(plane: Plane) -> None:
    name = create(plane, "batch.amazonaws.com")["RoleName"]
    task = plane.call("DeleteServiceLinkedRole", RoleName=name)["DeletionTaskId"]
    front, _, uuid = task.rpartition("/")
    assert front == "task/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
    assert len(uuid) == 36
    assert plane.call("GetServiceLinkedRoleDeletionStatus", DeletionTaskId=task) == {"Status": "SUCCEEDED"}
    missing = (("NoSuchEntity"), 404, f"The role with name {name} cannot be found.")
    assert plane.fault("GetRole", RoleName=name) == missing
    assert plane.fault("DeleteServiceLinkedRole", RoleName=name) == missing
    create(plane, "batch.amazonaws.com")


def test_another_role_is_none_that_can_be_deleted_so(plane: Plane) -> None:
    plane.role("app")
    assert plane.fault("DeleteServiceLinkedRole", RoleName="app")[:2] == ("NoSuchEntity", 404)


def test_nobody_knows_a_task_that_never_was_or_was_long_ago(plane: Plane) -> None:
    never = "task/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch/00000000-0000-4000-8000-000000000000"
    refused = plane.fault("GetServiceLinkedRoleDeletionStatus", DeletionTaskId=never)
    assert refused == ("NoSuchEntity", 404, f"The deletion task with id {never} cannot be found.")
    name = create(plane, "batch.amazonaws.com")["RoleName"]
    task = plane.call("DeleteServiceLinkedRole", RoleName=name)["DeletionTaskId"]
    plane.now += 86_400
    assert plane.fault("GetServiceLinkedRoleDeletionStatus", DeletionTaskId=task)[0] == "NoSuchEntity"
    create(plane, "batch.amazonaws.com")
    later = plane.call("DeleteServiceLinkedRole", RoleName=name)["DeletionTaskId"]
    assert [kept.id for kept in plane.state.every(RoleDeletion)] == [later]
    assert plane.now > NOW
