from __future__ import annotations

from typing import Any

import pytest

from support.iam_plane import ACCOUNT, ADMIN, EC2_TRUST, NOW, OTHER, READ, WRITE, Plane, arn, document, long_policy


def test_a_policy_as_created_and_as_read(plane: Plane) -> None:
    tags = [{"Key": "a", "Value": "low"}, {"Key": "A", "Value": "high"}]
    created = plane.call(
        "CreatePolicy", PolicyName="Mine", Path="/x/", Description="d", PolicyDocument=READ, Tags=tags
    )["Policy"]
    policy_arn = arn("policy/x", "Mine")
    read = plane.call("GetPolicy", PolicyArn=policy_arn)["Policy"]
    assert created.pop("Tags") == tags
    assert read.pop("Tags") == tags[::-1]
    assert read.pop("Description") == "d"
    assert read == created
    assert created.pop("PolicyId").startswith("ANPA")
    assert created == {
        "PolicyName": "Mine",
        "Arn": policy_arn,
        "Path": "/x/",
        "DefaultVersionId": "v1",
        "AttachmentCount": 0,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": NOW,
        "UpdateDate": NOW,
    }


def test_a_name_is_taken_once_whatever_the_path(plane: Plane) -> None:
    plane.policy("Mine")
    refused = plane.fault("CreatePolicy", PolicyName="mine", Path="/x/", PolicyDocument=READ)
    text = "A policy called mine already exists. Duplicate names are not allowed."
    assert refused == ("EntityAlreadyExists", 409, text)


def test_documents_that_are_none_or_too_long(plane: Plane) -> None:
    mine = plane.policy("Mine", PolicyDocument=long_policy(6144))
    for operation, params in (
        ("CreatePolicy", {"PolicyName": "p"}),
        ("CreatePolicyVersion", {"PolicyArn": mine}),
    ):
        too_long = plane.fault(operation, PolicyDocument=long_policy(6145), **params)
        assert too_long == ("LimitExceeded", 409, "Cannot exceed quota for PolicySize: 6144")
        assert plane.fault(operation, PolicyDocument=EC2_TRUST, **params)[:2] == ("MalformedPolicyDocument", 400)


@pytest.mark.parametrize("version", ['"Version": "2008-10-17", ', ""])
def test_a_managed_policy_is_of_the_current_version(plane: Plane, version: str) -> None:
    text = f'{{{version}"Statement": {{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}}}'
    refused = ("MalformedPolicyDocument", 400, "Policy document must be version 2012-10-17 or greater.")
    assert plane.fault("CreatePolicy", PolicyName="Old", PolicyDocument=text) == refused
    assert plane.fault("CreatePolicyVersion", PolicyArn=plane.policy("Mine"), PolicyDocument=text) == refused


def test_versions_come_newest_first_and_numbers_do_not_come_back(plane: Plane) -> None:
    mine = plane.policy("Mine")
    plane.now += 60
    second = plane.call("CreatePolicyVersion", PolicyArn=mine, PolicyDocument=WRITE, SetAsDefault=True)
    assert second["PolicyVersion"] == {"VersionId": "v2", "IsDefaultVersion": True, "CreateDate": NOW + 60}
    policy = plane.call("GetPolicy", PolicyArn=mine)["Policy"]
    assert (policy["DefaultVersionId"], policy["CreateDate"], policy["UpdateDate"]) == ("v2", NOW, NOW + 60)
    third = plane.call("CreatePolicyVersion", PolicyArn=mine, PolicyDocument=READ)["PolicyVersion"]
    assert (third["VersionId"], third["IsDefaultVersion"]) == ("v3", False)
    plane.call("DeletePolicyVersion", PolicyArn=mine, VersionId="v3")
    assert plane.call("CreatePolicyVersion", PolicyArn=mine, PolicyDocument=READ)["PolicyVersion"]["VersionId"] == "v4"
    listed = plane.call("ListPolicyVersions", PolicyArn=mine)["Versions"]
    assert [v["VersionId"] for v in listed] == ["v4", "v2", "v1"]
    assert "Document" not in listed[0]
    got = plane.call("GetPolicyVersion", PolicyArn=mine, VersionId="v2")["PolicyVersion"]
    assert document(got["Document"])["Statement"][0]["Action"] == "s3:PutObject"


def test_the_default_moves_and_cannot_be_deleted(plane: Plane) -> None:
    mine = plane.policy("Mine")
    plane.call("CreatePolicyVersion", PolicyArn=mine, PolicyDocument=WRITE)
    plane.call("SetDefaultPolicyVersion", PolicyArn=mine, VersionId="v2")
    refused = plane.fault("DeletePolicyVersion", PolicyArn=mine, VersionId="v2")
    assert refused == ("DeleteConflict", 409, "Cannot delete the default version of a policy.")
    plane.call("DeletePolicyVersion", PolicyArn=mine, VersionId="v1")


def test_five_versions_at_most(plane: Plane) -> None:
    mine = plane.policy("Mine")
    for _ in range(4):
        plane.call("CreatePolicyVersion", PolicyArn=mine, PolicyDocument=WRITE)
    text = (
        "A managed policy can have up to 5 versions."
        " Before you create a new version, you must delete an existing version."
    )
    assert plane.fault("CreatePolicyVersion", PolicyArn=mine, PolicyDocument=READ) == ("LimitExceeded", 409, text)


@pytest.mark.parametrize("operation", ["GetPolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion"])
def test_versions_that_are_not_there(plane: Plane, operation: str) -> None:
    for policy, version in ((plane.policy("Mine"), "v9"), (arn("policy", "ghost"), "v1")):
        text = f"Policy {policy} version {version} does not exist or is not attachable."
        assert plane.fault(operation, PolicyArn=policy, VersionId=version) == ("NoSuchEntity", 404, text)


POLICY_OPERATIONS: list[tuple[str, dict[str, Any]]] = [
    ("GetPolicy", {}),
    ("DeletePolicy", {}),
    ("CreatePolicyVersion", {"PolicyDocument": READ}),
    ("ListPolicyVersions", {}),
    ("TagPolicy", {"Tags": []}),
    ("UntagPolicy", {"TagKeys": []}),
    ("ListPolicyTags", {}),
]


def test_entities_of_a_policy_that_is_not_there(plane: Plane) -> None:
    ghost, role = arn("policy", "ghost"), arn("role", "app")
    text = f"Policy {ghost} does not exist or is not attachable."
    assert plane.fault("ListEntitiesForPolicy", PolicyArn=ghost) == ("NoSuchEntity", 404, text)
    assert plane.fault("ListEntitiesForPolicy", PolicyArn=role) == ("InvalidInput", 400, f"ARN {role} is not valid.")


@pytest.mark.parametrize(("operation", "params"), POLICY_OPERATIONS)
def test_policies_that_are_not_there_or_no_policies(plane: Plane, operation: str, params: dict[str, Any]) -> None:
    ghost = arn("policy", "ghost")
    gone = ("NoSuchEntity", 404, f"Policy {ghost} was not found.")
    assert plane.fault(operation, PolicyArn=ghost, **params) == gone
    role = arn("role", "app")
    assert plane.fault(operation, PolicyArn=role, **params) == ("InvalidInput", 400, f"ARN {role} is not valid.")


CHANGES = {
    "CreatePolicyVersion": "Cannot create versions for policies outside your own account.",
    "DeletePolicy": "Cannot delete policies outside your own account.",
    "DeletePolicyVersion": "Cannot delete policy versions for policies outside your own account.",
    "SetDefaultPolicyVersion": "Cannot update policies outside your own account.",
}


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("DeletePolicy", {}),
        ("CreatePolicyVersion", {"PolicyDocument": READ}),
        ("SetDefaultPolicyVersion", {"VersionId": "v1"}),
        ("DeletePolicyVersion", {"VersionId": "v1"}),
        ("TagPolicy", {"Tags": []}),
        ("UntagPolicy", {"TagKeys": []}),
    ],
)
def test_nobody_changes_a_policy_of_aws(plane: Plane, operation: str, params: dict[str, Any]) -> None:
    tagging = (
        f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: iam:{operation} on resource: policy {ADMIN}"
    )
    denied = CHANGES.get(operation, tagging)
    assert plane.fault(operation, PolicyArn=ADMIN, **params) == ("AccessDenied", 403, denied)


@pytest.mark.parametrize("operation", ["DeletePolicy", "CreatePolicyVersion"])
def test_nobody_changes_a_policy_of_another_account(plane: Plane, operation: str) -> None:
    params = {"PolicyDocument": READ} if operation == "CreatePolicyVersion" else {}
    foreign = arn("policy", "theirs", OTHER)
    assert plane.fault(operation, PolicyArn=foreign, **params) == ("AccessDenied", 403, CHANGES[operation])


def test_policies_of_aws_are_described_as_far_as_it_is_known(plane: Plane) -> None:
    described = plane.call("GetPolicy", PolicyArn="arn:aws:iam::aws:policy/IAMUserChangePassword")["Policy"]
    assert described["Description"] == "Provides the ability for an IAM user to change their own password."
    lex = plane.call("GetPolicy", PolicyArn="arn:aws:iam::aws:policy/aws-service-role/AmazonLexBotPolicy")["Policy"]
    assert lex["DefaultVersionId"] == "v2"


def test_policies_are_listed_as_they_were_created_the_account_s_own_first(plane: Plane) -> None:
    for name in ("zoe", "abe"):
        plane.policy(name)
        plane.now += 1
    names = [policy["PolicyName"] for policy in plane.call("ListPolicies", MaxItems=7)["Policies"]]
    of_aws = ["AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "AWSCloudFormationReadOnlyAccess"]
    assert names == ["zoe", "abe", *of_aws, "CloudFrontFullAccess"]


def test_a_policy_of_aws_is_read_like_any_other(plane: Plane) -> None:
    policy = plane.call("GetPolicy", PolicyArn=ADMIN)["Policy"]
    assert policy["PolicyName"] == "AdministratorAccess"
    assert policy["Tags"] == []
    version = policy["DefaultVersionId"]
    got = plane.call("GetPolicyVersion", PolicyArn=ADMIN, VersionId=version)["PolicyVersion"]
    assert document(got["Document"])["Statement"] == [{"Action": "*", "Effect": "Allow", "Resource": "*"}]
    assert [v["VersionId"] for v in plane.call("ListPolicyVersions", PolicyArn=ADMIN)["Versions"]] == [version]
    assert plane.call("ListPolicyTags", PolicyArn=ADMIN)["Tags"] == []


def test_a_policy_in_use_or_with_versions_is_not_deleted(plane: Plane) -> None:
    mine = plane.policy("Mine")
    plane.user("ann", PermissionsBoundary=mine)
    in_use = ("DeleteConflict", 409, "Cannot delete a policy attached to entities.")
    assert plane.fault("DeletePolicy", PolicyArn=mine) == in_use
    plane.call("DeleteUserPermissionsBoundary", UserName="ann")
    plane.call("AttachUserPolicy", UserName="ann", PolicyArn=mine)
    assert plane.fault("DeletePolicy", PolicyArn=mine) == in_use
    plane.call("DetachUserPolicy", UserName="ann", PolicyArn=mine)
    plane.call("CreatePolicyVersion", PolicyArn=mine, PolicyDocument=READ, SetAsDefault=True)
    assert plane.fault("DeletePolicy", PolicyArn=mine)[2].startswith("This policy has more than one version.")
    plane.call("DeletePolicyVersion", PolicyArn=mine, VersionId="v1")
    plane.call("DeletePolicy", PolicyArn=mine)
    assert plane.fault("GetPolicy", PolicyArn=mine)[0] == "NoSuchEntity"


def test_list_policies_by_scope_path_and_use(plane: Plane) -> None:
    plane.policy("free")
    attached = plane.policy("attached", Path="/x/")
    bounding = plane.policy("bounding")
    plane.user("ann", PermissionsBoundary=bounding)
    plane.call("AttachUserPolicy", UserName="ann", PolicyArn=attached)
    plane.call("AttachUserPolicy", UserName="ann", PolicyArn=ADMIN)

    def names(**params: Any) -> list[str]:
        return [policy["PolicyName"] for policy in plane.call("ListPolicies", **params)["Policies"]]

    assert names(Scope="Local") == ["attached", "bounding", "free"]
    assert names(Scope="Local", PathPrefix="/x/") == ["attached"]
    assert names(Scope="AWS", OnlyAttached=True) == ["AdministratorAccess"]
    assert names(OnlyAttached=True) == ["attached", "bounding", "AdministratorAccess"]
    assert names(OnlyAttached=True, PolicyUsageFilter="PermissionsPolicy") == ["attached", "AdministratorAccess"]
    assert names(PolicyUsageFilter="PermissionsBoundary") == ["bounding"]
    listed = plane.call("ListPolicies", Scope="Local")["Policies"]
    assert not {"Tags", "Description"} & set(listed[0])


def test_every_policy_of_aws_is_listed_once(plane: Plane) -> None:
    plane.policy("AdministratorAccess")
    pages = plane.pages("ListPolicies", "Policies", MaxItems=1000)
    arns = [policy["Arn"] for page in pages for policy in page]
    assert len(pages) == 2
    assert len(arns) == len(set(arns)) > 1500
    assert {ADMIN, arn("policy", "AdministratorAccess")} <= set(arns)


def test_who_has_a_policy(plane: Plane) -> None:
    mine = plane.policy("Mine")
    plane.user("ann", Path="/x/")
    plane.user("bob", PermissionsBoundary=mine)
    plane.role("app", PermissionsBoundary=mine)
    plane.call("CreateGroup", GroupName="dev")
    plane.call("AttachUserPolicy", UserName="ann", PolicyArn=mine)
    plane.call("AttachGroupPolicy", GroupName="dev", PolicyArn=mine)
    plane.call("AttachRolePolicy", RoleName="app", PolicyArn=mine)

    def found(**params: Any) -> tuple[list[str], ...]:
        answer = plane.call("ListEntitiesForPolicy", PolicyArn=mine, **params)
        kinds = (("PolicyGroups", "GroupName"), ("PolicyUsers", "UserName"), ("PolicyRoles", "RoleName"))
        return tuple([entity[name] for entity in answer[member]] for member, name in kinds)

    assert found() == (["dev"], ["ann", "bob"], ["app"])
    assert found(EntityFilter="User") == ([], ["ann", "bob"], [])
    assert found(PathPrefix="/x/") == ([], ["ann"], [])
    assert found(PolicyUsageFilter="PermissionsPolicy") == (["dev"], ["ann"], ["app"])
    assert found(PolicyUsageFilter="PermissionsBoundary") == ([], ["bob"], ["app"])
    assert found(MaxItems=2) == (["dev"], [], ["app"])
