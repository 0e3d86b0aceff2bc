"""IAM's resource types, held against recordings of AWS's answers: what stacks make, and what is told of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import ACCOUNT, refused, trusting
from support.stacks import CAPABILITIES, Stacks, template

TRUST = json.loads(trusting(Service="lambda.amazonaws.com"))


def allows(*actions: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": [*actions], "Resource": "*"}]}


def iam_resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::IAM::{kind}", "Properties": properties}


def outputs(**functions: Any) -> dict[str, Any]:
    return {name: {"Value": function} for name, function in functions.items()}


@pytest.fixture(scope="module")
def iam(plane: InProcess) -> Any:
    return plane.client("iam")


# -- users, groups, keys --------------------------------------------------------------------------------------


def test_a_user_without_a_name_has_a_generated_one_and_no_tags(stacks: Stacks, iam: Any) -> None:
    body = template({"Unnamed": {"Type": "AWS::IAM::User"}}, Outputs=outputs(Name={"Ref": "Unnamed"}))
    assert stacks.create("unnamed", body) == "CREATE_COMPLETE"
    name = stacks.outputs("unnamed")["Name"]
    assert re.fullmatch(r"unnamed-Unnamed-[A-Za-z0-9]{12,13}", name)
    user = iam.get_user(UserName=name)["User"]
    assert set(user) == {"Arn", "CreateDate", "Path", "UserId", "UserName"}
    assert (user["Path"], user["Arn"]) == ("/", f"arn:aws:iam::{ACCOUNT}:user/{name}")


def test_a_user_is_told_by_its_name_and_its_arn(stacks: Stacks, iam: Any) -> None:
    body = template(
        {"Mine": iam_resource("User", UserName="told-user")},
        Outputs=outputs(Name={"Ref": "Mine"}, Arn={"Fn::GetAtt": ["Mine", "Arn"]}),
    )
    stacks.create("told", body)
    arn = f"arn:aws:iam::{ACCOUNT}:user/told-user"
    assert stacks.outputs("told") == {"Name": "told-user", "Arn": arn}
    told = stacks.client.describe_stack_resource(StackName="told", LogicalResourceId="Mine")["StackResourceDetail"]
    assert set(told) == {
        *("DriftInformation", "LastUpdatedTimestamp", "LogicalResourceId", "Metadata", "PhysicalResourceId"),
        *("ResourceStatus", "ResourceType", "StackId", "StackName"),
    }
    assert (told["PhysicalResourceId"], told["Metadata"]) == ("told-user", "{}")
    assert stacks.delete("told") == "DELETE_COMPLETE"
    assert refused(iam.get_user, UserName="told-user").code == "NoSuchEntity"


def test_another_name_takes_another_user(stacks: Stacks, iam: Any) -> None:
    stacks.create("renamed", template({"Mine": iam_resource("User", UserName="name-1")}))
    first = iam.get_user(UserName="name-1")["User"]["UserId"]
    assert stacks.update("renamed", template({"Mine": iam_resource("User", UserName="name-2")})) == "UPDATE_COMPLETE"
    assert iam.get_user(UserName="name-2")["User"]["UserId"] != first
    assert refused(iam.get_user, UserName="name-1").code == "NoSuchEntity"
    assert stacks.physical("renamed") == {"Mine": "name-2"}


def test_a_user_is_in_the_groups_that_a_list_names(stacks: Stacks, iam: Any) -> None:
    for group in ("listed-1", "listed-2"):
        iam.create_group(GroupName=group)
    body = template(
        {"Mine": iam_resource("User", UserName="grouped", Groups={"Ref": "Groups"})},
        Parameters={"Groups": {"Type": "CommaDelimitedList"}},
    )
    stacks.create("grouped", body, Parameters=[{"ParameterKey": "Groups", "ParameterValue": "listed-1,listed-2"}])
    groups = iam.list_groups_for_user(UserName="grouped")["Groups"]
    assert [it["GroupName"] for it in groups] == ["listed-1", "listed-2"]
    assert set(groups[0]) == {"Arn", "CreateDate", "GroupId", "GroupName", "Path"}
    assert stacks.delete("grouped") == "DELETE_COMPLETE"


def test_another_serial_takes_another_key(stacks: Stacks, iam: Any) -> None:
    body = template(
        {
            "User": iam_resource("User", UserName="keyed"),
            "Key": iam_resource(
                "AccessKey", UserName={"Ref": "User"}, Status={"Ref": "Status"}, Serial={"Ref": "Serial"}
            ),
        },
        Parameters={"Status": {"Type": "String", "Default": "Active"}, "Serial": {"Type": "Number", "Default": 1}},
        Outputs=outputs(Id={"Ref": "Key"}, Secret={"Fn::GetAtt": ["Key", "SecretAccessKey"]}),
    )
    stacks.create("keyed", body)
    before = stacks.outputs("keyed")
    (key,) = iam.list_access_keys(UserName="keyed")["AccessKeyMetadata"]
    assert (key["AccessKeyId"], key["Status"], set(key)) == (
        before["Id"],
        "Active",
        {"AccessKeyId", "CreateDate", "Status", "UserName"},
    )
    changed = [
        {"ParameterKey": "Status", "ParameterValue": "Inactive"},
        {"ParameterKey": "Serial", "ParameterValue": "2"},
    ]
    assert stacks.update("keyed", body, Parameters=changed) == "UPDATE_COMPLETE"
    after = stacks.outputs("keyed")
    assert after["Id"] != before["Id"]
    assert after["Secret"] != before["Secret"]
    keys = iam.list_access_keys(UserName="keyed")["AccessKeyMetadata"]
    assert [(it["AccessKeyId"], it["Status"]) for it in keys] == [(after["Id"], "Inactive")]


# -- roles and policies ---------------------------------------------------------------------------------------


def test_a_role_of_a_stack_has_an_empty_description(stacks: Stacks, iam: Any) -> None:
    """One that CreateRole was given none for has none."""
    body = template({"Made": iam_resource("Role", RoleName="described", AssumeRolePolicyDocument=TRUST)})
    stacks.create("described", body)
    role = iam.get_role(RoleName="described")["Role"]
    assert set(role) == {
        *("Arn", "AssumeRolePolicyDocument", "CreateDate", "Description", "MaxSessionDuration", "Path", "RoleId"),
        *("RoleLastUsed", "RoleName"),
    }
    assert (role["Description"], role["MaxSessionDuration"], role["RoleLastUsed"]) == ("", 3600, {})
    assert role["AssumeRolePolicyDocument"] == TRUST
    iam.create_role(RoleName="undescribed", AssumeRolePolicyDocument=json.dumps(TRUST))
    assert "Description" not in iam.get_role(RoleName="undescribed")["Role"]


def test_inline_policies_become_what_they_are_to_be(stacks: Stacks, iam: Any) -> None:
    def body(user_may: list[str], role_may: list[str]) -> str:
        return template(
            {
                "User": iam_resource("User", UserName="inline-user"),
                "Role": iam_resource("Role", RoleName="inline-role", AssumeRolePolicyDocument=TRUST),
                "OfUser": iam_resource(
                    "Policy", PolicyName="inline", PolicyDocument=allows(*user_may), Users=[{"Ref": "User"}]
                ),
                "OfRole": iam_resource(
                    "Policy", PolicyName="inline", PolicyDocument=allows(*role_may), Roles=[{"Ref": "Role"}]
                ),
            }
        )

    def told() -> list[Any]:
        return [
            iam.get_user_policy(UserName="inline-user", PolicyName="inline")["PolicyDocument"],
            iam.get_role_policy(RoleName="inline-role", PolicyName="inline")["PolicyDocument"],
        ]

    stacks.create("inline", body(["s3:PutObject", "s3:ListBucket"], ["s3:GetObject", "s3:ListBucket"]))
    assert told() == [allows("s3:PutObject", "s3:ListBucket"), allows("s3:GetObject", "s3:ListBucket")]
    made = stacks.physical("inline")
    assert stacks.update("inline", body(["s3:PutObject"], ["s3:ListBucket"])) == "UPDATE_COMPLETE"
    assert told() == [allows("s3:PutObject"), allows("s3:ListBucket")]
    assert stacks.physical("inline") == made


def test_a_managed_policy_is_told_by_its_arn(stacks: Stacks, iam: Any) -> None:
    body = template(
        {"Made": iam_resource("ManagedPolicy", ManagedPolicyName="managed", PolicyDocument=allows("s3:GetObject"))},
        Outputs=outputs(Arn={"Ref": "Made"}),
    )
    stacks.create("managed", body)
    arn = f"arn:aws:iam::{ACCOUNT}:policy/managed"
    assert stacks.outputs("managed") == {"Arn": arn}
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert policy | {"CreateDate": "", "UpdateDate": "", "PolicyId": ""} == {
        "Arn": arn,
        "AttachmentCount": 0,
        "CreateDate": "",
        "DefaultVersionId": "v1",
        "IsAttachable": True,
        "Path": "/",
        "PermissionsBoundaryUsageCount": 0,
        "PolicyId": "",
        "PolicyName": "managed",
        "Tags": [],
        "UpdateDate": "",
    }


def test_policies_are_attached_to_whom_they_name(stacks: Stacks, iam: Any) -> None:
    managed = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    own = [{"PolicyName": "own", "PolicyDocument": allows("s3:*")}]
    body = template(
        {
            "Role": iam_resource(
                "Role",
                RoleName="attached-role",
                AssumeRolePolicyDocument=TRUST,
                Policies=own,
                ManagedPolicyArns=[managed],
            ),
            "User": iam_resource("User", UserName="attached-user", ManagedPolicyArns=[managed]),
            "Group": iam_resource("Group", GroupName="attached-group", ManagedPolicyArns=[managed]),
            "Inline": iam_resource(
                "Policy",
                PolicyName="inline",
                PolicyDocument=allows("sqs:*"),
                Roles=[{"Ref": "Role"}],
                Users=[{"Ref": "User"}],
                Groups=[{"Ref": "Group"}],
            ),
            "Linked": iam_resource(
                "ServiceLinkedRole", AWSServiceName="elasticbeanstalk.amazonaws.com", Description="linked"
            ),
        }
    )
    assert stacks.create("attached", body) == "CREATE_COMPLETE"
    assert iam.list_role_policies(RoleName="attached-role")["PolicyNames"] == ["inline", "own"]
    assert iam.list_user_policies(UserName="attached-user")["PolicyNames"] == ["inline"]
    assert iam.list_group_policies(GroupName="attached-group")["PolicyNames"] == ["inline"]
    for noun in ("role", "user", "group"):
        call = getattr(iam, f"list_attached_{noun}_policies")
        assert len(call(**{f"{noun.title()}Name": f"attached-{noun}"})["AttachedPolicies"]) == 1
    (linked,) = iam.list_roles(PathPrefix="/aws-service-role/elasticbeanstalk.amazonaws.com/")["Roles"]
    assert linked["Description"] == "linked"
    assert linked["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {
        "Service": "elasticbeanstalk.amazonaws.com"
    }
    assert stacks.physical("attached")["Linked"] == linked["RoleName"]


def test_a_role_that_is_replaced_goes_with_its_policies(stacks: Stacks, iam: Any) -> None:
    def body(name: str) -> str:
        return template(
            {
                "Role": iam_resource(
                    "Role",
                    RoleName=name,
                    AssumeRolePolicyDocument=TRUST,
                    ManagedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
                )
            }
        )

    stacks.create("replaces", body("replaced-1"))
    assert stacks.update("replaces", body("replaced-2")) == "UPDATE_COMPLETE"
    assert refused(iam.list_attached_role_policies, RoleName="replaced-1").code == "NoSuchEntity"
    assert iam.list_attached_role_policies(RoleName="replaced-2")["AttachedPolicies"]


def test_a_policy_of_nobody_fails_and_blocks_its_stack_until_it_is_retained(stacks: Stacks) -> None:
    """It has a physical id before it fails, and fails to be deleted, too."""
    broken = iam_resource("Policy", PolicyName="of-nobody", PolicyDocument=allows("*"))
    stacks.client.create_stack(
        StackName="blocked", TemplateBody=template({"Broken": broken}), Capabilities=CAPABILITIES[:1]
    )
    assert stacks.settled("blocked") == "ROLLBACK_FAILED"
    told, reason = stacks.told("blocked"), "The following resource(s) failed to delete: [Broken]. "
    assert (told["StackStatusReason"], told["EnableTerminationProtection"]) == (reason, False)
    assert "DeletionTime" in told
    assert "LastUpdatedTime" not in told
    assert stacks.delete("blocked") == "DELETE_FAILED"
    assert stacks.told("blocked")["StackStatusReason"] == reason
    assert stacks.delete("blocked", RetainResources=["Broken"]) == "DELETE_COMPLETE"
    arn = told["StackId"]
    assert stacks.events(arn) == [
        ("blocked", "CREATE_IN_PROGRESS"),
        ("Broken", "CREATE_IN_PROGRESS"),
        ("Broken", "CREATE_IN_PROGRESS"),
        ("Broken", "CREATE_FAILED"),
        ("blocked", "ROLLBACK_IN_PROGRESS"),
        ("Broken", "DELETE_IN_PROGRESS"),
        ("Broken", "DELETE_FAILED"),
        ("blocked", "ROLLBACK_FAILED"),
        ("blocked", "DELETE_IN_PROGRESS"),
        ("Broken", "DELETE_IN_PROGRESS"),
        ("Broken", "DELETE_FAILED"),
        ("blocked", "DELETE_FAILED"),
        ("blocked", "DELETE_IN_PROGRESS"),
        ("Broken", "DELETE_SKIPPED"),
        ("blocked", "DELETE_COMPLETE"),
    ]
    found = stacks.client.describe_stack_events(StackName=arn)["StackEvents"]
    own = [it for it in reversed(found) if it["LogicalResourceId"] == "Broken"]
    assert [it["PhysicalResourceId"] == "" for it in own] == [True] + [False] * (len(own) - 1)
    assert {it["ResourceProperties"] for it in own} == {json.dumps(broken["Properties"], separators=(",", ":"))}


# -- what cannot be made, or deleted --------------------------------------------------------------------------

HANDLER = r'Resource handler returned message: "{}" \(RequestToken: [0-9a-f-]{{36}}, HandlerErrorCode: {}\)'
SERVICE = r"{} \(Service: Iam, Status Code: {}, Request ID: [0-9a-f-]{{36}}\) \(SDK Attempt Count: 1\)"


@pytest.fixture(scope="module")
def there(iam: Any) -> None:
    iam.create_role(RoleName="there", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.create_policy(PolicyName="there", PolicyDocument=json.dumps(allows("s3:*")))
    iam.create_user(UserName="there")


@pytest.mark.parametrize(
    ("resource", "message", "code"),
    [
        (
            iam_resource("Role", RoleName="there", AssumeRolePolicyDocument=TRUST),
            "Resource of type 'AWS::IAM::Role' with identifier 'there' already exists.",
            "AlreadyExists",
        ),
        (
            iam_resource("ManagedPolicy", ManagedPolicyName="there", PolicyDocument=allows("s3:*")),
            SERVICE.format("A policy called there already exists. Duplicate names are not allowed.", 409),
            "AlreadyExists",
        ),
        (
            iam_resource("Role", AssumeRolePolicyDocument=TRUST, ManagedPolicyArns=["arn:aws:iam::aws:policy/Nothing"]),
            SERVICE.format("Policy arn:aws:iam::aws:policy/Nothing does not exist or is not attachable.", 404),
            "NotFound",
        ),
        (
            iam_resource("Policy", PolicyName="p", PolicyDocument=allows("s3:*"), Roles=["nobody"]),
            SERVICE.format("The role with name nobody cannot be found.", 404),
            "NotFound",
        ),
        (
            iam_resource(
                "Role", AssumeRolePolicyDocument=json.loads(trusting(AWS=f"arn:aws:iam::{ACCOUNT}:role/nobody"))
            ),
            SERVICE.format(f'Invalid principal in policy: "AWS":"arn:aws:iam::{ACCOUNT}:role/nobody"', 400),
            "InvalidRequest",
        ),
    ],
    ids=["role", "policy", "attached", "inline", "principal"],
)
def test_what_cannot_be_made_is_told_as_the_handler_tells_it(
    stacks: Stacks, there: None, resource: dict[str, Any], message: str, code: str
) -> None:
    name = f"unmade-{code}-{len(message)}"
    stacks.create(name, template({"Made": resource}))
    reason = stacks.reason(name, "Made", "CREATE_FAILED")
    assert re.fullmatch(HANDLER.format(message, code), reason), reason


@pytest.mark.parametrize(
    ("kind", "operation", "more", "message"),
    [
        ("User", "create_login_profile", {"Password": "A-good-Passw0rd!"}, "must delete login profile first."),
        ("User", "create_access_key", {}, "must delete access keys first."),
        ("User", "add_user_to_group", {"GroupName": "others"}, "must remove users from group first."),
        (
            "Role",
            "attach_role_policy",
            {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
            "must detach all policies first.",
        ),
        (
            "Role",
            "put_role_policy",
            {"PolicyName": "p", "PolicyDocument": json.dumps(allows("s3:*"))},
            "must delete policies first.",
        ),
    ],
)
def test_what_was_given_something_else_is_not_deleted(
    stacks: Stacks, iam: Any, kind: str, operation: str, more: dict[str, str], message: str
) -> None:
    if operation == "add_user_to_group":
        iam.create_group(GroupName="others")
    name = f"given-{operation.replace('_', '-')}"
    properties = {f"{kind}Name": name} | ({"AssumeRolePolicyDocument": TRUST} if kind == "Role" else {})
    assert stacks.create(name, template({"Made": iam_resource(kind, **properties)})) == "CREATE_COMPLETE"
    getattr(iam, operation)(**{f"{kind}Name": name}, **more)
    stack = stacks.told(name)["StackId"]
    assert stacks.delete(name) == "DELETE_FAILED"
    reason = stacks.reason(stack, "Made", "DELETE_FAILED")
    told = SERVICE.format(f"Cannot delete entity, {message}", 409)
    code = "GeneralServiceException" if kind == "User" else "InvalidRequest"
    assert re.fullmatch(HANDLER.format(told, code), reason), reason
    assert stacks.reason(stack, name, "DELETE_FAILED") == "The following resource(s) failed to delete: [Made]. "
    stacks.client.delete_stack(StackName=name, DeletionMode="FORCE_DELETE_STACK")
    assert stacks.settled(stack) == "DELETE_COMPLETE"
    assert getattr(iam, f"get_{kind.lower()}")(**{f"{kind}Name": name})[kind]["Arn"]
