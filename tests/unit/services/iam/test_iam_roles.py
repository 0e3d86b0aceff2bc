from __future__ import annotations

import json
from typing import Any

import pytest

from locum.services.iam.kinds import ROLE
from locum.state import Role, change, put
from support.iam_plane import ACCOUNT, ADMIN, EC2_TRUST, NOW, READ, Plane, arn, document, long_policy, trusting

TAGS = [{"Key": "team", "Value": "blue"}, {"Key": "Env", "Value": ""}]


def test_a_new_role_is_answered_without_what_aws_leaves_out(plane: Plane) -> None:
    role = plane.role("App", Path="/svc/", Description="does things", MaxSessionDuration=7200, Tags=TAGS)
    assert document(role.pop("AssumeRolePolicyDocument")) == document_of(EC2_TRUST)
    assert role.pop("RoleId").startswith("AROA")
    assert role == {
        "Path": "/svc/",
        "RoleName": "App",
        "Arn": arn("role/svc", "App"),
        "CreateDate": NOW,
        "Tags": TAGS,
    }


def document_of(text: str) -> Any:
    return document("".join(f"%{b:02X}" for b in text.encode()))


def test_get_role_shows_everything_and_tags_by_key(plane: Plane) -> None:
    plane.role("App", Description="does things", MaxSessionDuration=7200, Tags=TAGS, PermissionsBoundary=ADMIN)
    role = plane.call("GetRole", RoleName="app")["Role"]
    assert role["RoleName"] == "App"
    assert role["Description"] == "does things"
    assert role["MaxSessionDuration"] == 7200
    assert role["RoleLastUsed"] == {}
    assert role["PermissionsBoundary"] == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": ADMIN}
    assert [tag["Key"] for tag in role["Tags"]] == ["Env", "team"]


def test_a_plain_role_has_no_members_for_what_it_has_not(plane: Plane) -> None:
    plane.role("app")
    role = plane.call("GetRole", RoleName="app")["Role"]
    assert not {"Description", "Tags", "PermissionsBoundary"} & set(role)
    assert role["MaxSessionDuration"] == 3600


def test_list_roles_leaves_out_tags_boundary_and_last_use(plane: Plane) -> None:
    plane.role("b", Tags=TAGS, PermissionsBoundary=ADMIN, Description="d")
    plane.role("A", Path="/x/")
    listed = plane.call("ListRoles")
    assert [role["RoleName"] for role in listed["Roles"]] == ["A", "b"]
    assert not {"Tags", "PermissionsBoundary", "RoleLastUsed"} & set(listed["Roles"][1])
    assert listed["Roles"][1]["Description"] == "d"
    assert listed["IsTruncated"] is False
    assert [r["RoleName"] for r in plane.call("ListRoles", PathPrefix="/x")["Roles"]] == ["A"]


def test_the_trust_policy_keeps_its_spelling(plane: Plane) -> None:
    plane.role("app")
    stored = plane.state.get(Role, ACCOUNT, "app")
    assert stored is not None
    assert stored.trust == EC2_TRUST


@pytest.mark.parametrize("name", ["App", "app", "APP"])
def test_names_that_differ_in_case_only_are_the_same_name(plane: Plane, name: str) -> None:
    plane.role("App")
    refused = plane.fault("CreateRole", RoleName=name, AssumeRolePolicyDocument=EC2_TRUST)
    assert refused == ("EntityAlreadyExists", 409, f"Role with name {name} already exists.")


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("GetRole", {}),
        ("DeleteRole", {}),
        ("UpdateRole", {}),
        ("UpdateRoleDescription", {"Description": ""}),
        ("UpdateAssumeRolePolicy", {"PolicyDocument": EC2_TRUST}),
        ("PutRolePermissionsBoundary", {"PermissionsBoundary": ADMIN}),
        ("DeleteRolePermissionsBoundary", {}),
        ("ListInstanceProfilesForRole", {}),
    ],
)
def test_a_role_that_is_not_there(plane: Plane, operation: str, params: dict[str, Any]) -> None:
    refused = plane.fault(operation, RoleName="ghost", **params)
    assert refused == ("NoSuchEntity", 404, "The role with name ghost cannot be found.")


def test_update_role_changes_what_is_given_and_nothing_else(plane: Plane) -> None:
    plane.role("app", Description="old", MaxSessionDuration=7200)
    assert plane.call("UpdateRole", RoleName="app", Description="new") == {}
    assert plane.call("GetRole", RoleName="app")["Role"]["MaxSessionDuration"] == 7200
    plane.call("UpdateRole", RoleName="app", MaxSessionDuration=3600)
    assert plane.call("GetRole", RoleName="app")["Role"]["Description"] == "new"
    role = plane.call("UpdateRoleDescription", RoleName="app", Description="newer")["Role"]
    assert role["Description"] == "newer"
    assert "MaxSessionDuration" not in role


def test_a_role_is_deleted(plane: Plane) -> None:
    plane.role("app", PermissionsBoundary=ADMIN)
    assert plane.call("DeleteRole", RoleName="APP") == {}
    assert plane.fault("GetRole", RoleName="app")[0] == "NoSuchEntity"


def test_a_role_that_something_depends_on_is_not_deleted(plane: Plane) -> None:
    plane.role("app")
    plane.call("CreateInstanceProfile", InstanceProfileName="web")
    plane.call("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="app")
    plane.call("AttachRolePolicy", RoleName="app", PolicyArn=ADMIN)
    plane.call("PutRolePolicy", RoleName="app", PolicyName="p", PolicyDocument=READ)
    conflict = "Cannot delete entity, must remove roles from instance profile first."
    assert plane.fault("DeleteRole", RoleName="app") == ("DeleteConflict", 409, conflict)
    plane.call("RemoveRoleFromInstanceProfile", InstanceProfileName="web", RoleName="app")
    assert plane.fault("DeleteRole", RoleName="app")[2] == "Cannot delete entity, must detach all policies first."
    plane.call("DetachRolePolicy", RoleName="app", PolicyArn=ADMIN)
    assert plane.fault("DeleteRole", RoleName="app")[2] == "Cannot delete entity, must delete policies first."
    plane.call("DeleteRolePolicy", RoleName="app", PolicyName="p")
    plane.call("DeleteRole", RoleName="app")


def test_the_quota_of_roles_holds(plane: Plane) -> None:
    plane.role("app")
    role = plane.state.get(Role, ACCOUNT, "app")
    assert role is not None
    others = [Role(account=ACCOUNT, name=f"r{i}", id=f"AROA{i}", created=0, trust=EC2_TRUST) for i in range(999)]
    plane.state = change(plane.state, map(put, others))
    assert ROLE.limit == 1000
    refused = plane.fault("CreateRole", RoleName="more", AssumeRolePolicyDocument=EC2_TRUST)
    assert refused == ("LimitExceeded", 409, "Cannot exceed quota for RolesPerAccount: 1000")


@pytest.mark.parametrize("path", ["/aws-service-role/ec2.amazonaws.com/", "/aws-reserved/sso.amazonaws.com/"])
def test_nobody_makes_a_role_where_only_aws_does(plane: Plane, path: str) -> None:
    assert plane.fault("CreateRole", RoleName="r", Path=path, AssumeRolePolicyDocument=EC2_TRUST)[0] == "InvalidInput"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("DeleteRole", {}),
        ("UpdateRole", {}),
        ("UpdateAssumeRolePolicy", {"PolicyDocument": EC2_TRUST}),
        ("AttachRolePolicy", {"PolicyArn": ADMIN}),
        ("DetachRolePolicy", {"PolicyArn": ADMIN}),
        ("PutRolePolicy", {"PolicyName": "p", "PolicyDocument": READ}),
        ("DeleteRolePolicy", {"PolicyName": "p"}),
        ("PutRolePermissionsBoundary", {"PermissionsBoundary": ADMIN}),
    ],
)
def test_a_service_linked_role_is_changed_by_its_service_only(
    plane: Plane, operation: str, params: dict[str, Any]
) -> None:
    path = "/aws-service-role/autoscaling.amazonaws.com/"
    name = "AWSServiceRoleForAutoScaling"
    linked = Role(account=ACCOUNT, name=name, path=path, id="AROALINKED", created=NOW, trust=EC2_TRUST)
    plane.state = change(plane.state, [put(linked)])
    message = f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    assert plane.fault(operation, RoleName=name, **params) == ("UnmodifiableEntity", 400, message)
    assert plane.call("GetRole", RoleName=name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "This policy contains invalid Json"),
        (EC2_TRUST.replace("sts:AssumeRole", "s3:GetObject"), "may only specify STS AssumeRole actions"),
        (READ, "Has prohibited field Resource"),
    ],
)
def test_a_trust_policy_that_is_none(plane: Plane, text: str, message: str) -> None:
    plane.role("app")
    for operation, params in (
        ("CreateRole", {"RoleName": "new", "AssumeRolePolicyDocument": text}),
        ("UpdateAssumeRolePolicy", {"RoleName": "app", "PolicyDocument": text}),
    ):
        code, status, said = plane.fault(operation, **params)
        assert (code, status) == ("MalformedPolicyDocument", 400)
        assert message in said


def test_a_trust_policy_too_long(plane: Plane) -> None:
    plane.role("app")
    assert plane.fault("UpdateAssumeRolePolicy", RoleName="app", PolicyDocument=long_policy(2049)) == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for ACLSizePerRole: 2048",
    )


def test_trust_in_a_user_is_stored_as_its_id_and_shown_as_its_arn(plane: Plane) -> None:
    user = plane.user("ann", Path="/team/")
    plane.role("app", AssumeRolePolicyDocument=trusting(user["Arn"], ACCOUNT))
    stored = plane.state.get(Role, ACCOUNT, "app")
    assert stored is not None
    assert user["UserId"] in stored.trust
    assert user["Arn"] not in stored.trust
    assert principals(plane, "app") == [user["Arn"], ACCOUNT]


def principals(plane: Plane, role: str) -> list[str]:
    shown = document(plane.call("GetRole", RoleName=role)["Role"]["AssumeRolePolicyDocument"])
    found: list[str] = shown["Statement"][0]["Principal"]["AWS"]
    return found


def test_trust_follows_a_rename_and_does_not_pass_to_a_namesake(plane: Plane) -> None:
    user = plane.user("ann")
    plane.role("app", AssumeRolePolicyDocument=trusting(user["Arn"]))
    plane.call("UpdateUser", UserName="ann", NewUserName="anne", NewPath="/x/")
    assert principals(plane, "app") == [arn("user/x", "anne")]
    plane.call("DeleteUser", UserName="anne")
    plane.user("anne", Path="/x/")
    assert principals(plane, "app") == [user["UserId"]]


def test_a_trust_policy_that_shows_a_stale_id_is_not_taken_back(plane: Plane) -> None:
    peer = plane.role("peer")
    plane.role("app", AssumeRolePolicyDocument=trusting(peer["Arn"]))
    plane.call("DeleteRole", RoleName="peer")
    stale = trusting(*principals(plane, "app"))
    assert plane.fault("UpdateAssumeRolePolicy", RoleName="app", PolicyDocument=stale) == (
        "MalformedPolicyDocument",
        400,
        f'Invalid principal in policy: "AWS":"{peer["RoleId"]}"',
    )


def served_by(*services: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    "ghost",
    ["tagging.amazonaws.com", "amazonaws.com", "nosuch.eu-west-1.amazonaws.com", "LAMBDA.amazonaws.com", "lambda"],
)
def test_a_service_that_does_not_exist_cannot_be_trusted(plane: Plane, ghost: str) -> None:
    refusal = ("MalformedPolicyDocument", 400, f'Invalid principal in policy: "SERVICE":"{ghost}"')
    trust = served_by("ec2.amazonaws.com", ghost)
    assert plane.fault("CreateRole", RoleName="app", AssumeRolePolicyDocument=trust) == refusal
    plane.role("app")
    assert plane.fault("UpdateAssumeRolePolicy", RoleName="app", PolicyDocument=trust) == refusal


def test_every_form_of_a_service_principal_can_be_trusted(plane: Plane) -> None:
    services = (
        "lambda ec2 edgelambda delivery.logs logs.us-east-1 logs.eu-central-2 ops.apigateway ecs-tasks states.eu-west-1"
        " vpc-flow-logs cognito-idp replicator.lambda monitoring.rds events codedeploy.us-gov-west-1 osis-pipelines"
        " batchoperations.s3 pods.eks eks-fargate-pods streams.metrics.cloudwatch credentials.iot export.rds"
        " lambda.alarms.cloudwatch build.apprunner tasks.apprunner scheduler pipes airflow-env resources.cloudformation"
        " member.org.stacksets.cloudformation ecs.application-autoscaling rolesanywhere sso elasticmapreduce"
    )
    names = [f"{name}.amazonaws.com" for name in services.split()]
    names += ["ec2.amazonaws.com.cn", "vpc-flow-logs.aws.internal", "alexa-appkit.amazon.com"]
    plane.role("app", AssumeRolePolicyDocument=served_by(*names))


@pytest.mark.parametrize(
    "ghost",
    [
        arn("user", "ghost"),
        arn("role", "ghost"),
        arn("role", "app"),
        arn("role/wrong", "peer"),
        arn("role", "PEER"),
        arn("user", "peer"),
        arn("role", "peer", "444455556666"),
    ],
)
def test_a_principal_that_does_not_exist_cannot_be_trusted(plane: Plane, ghost: str) -> None:
    plane.role("peer")
    assert plane.fault("CreateRole", RoleName="app", AssumeRolePolicyDocument=trusting(ghost)) == (
        "MalformedPolicyDocument",
        400,
        f'Invalid principal in policy: "AWS":"{ghost}"',
    )


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        ACCOUNT,
        "999999999999",
        "arn:aws:iam::444455556666:root",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/app/session",
        f"arn:aws:sts::{ACCOUNT}:federated-user/bob",
    ],
)
def test_accounts_sessions_and_everyone_are_stored_as_written(plane: Plane, principal: str) -> None:
    text = trusting(principal)
    plane.role("app", AssumeRolePolicyDocument=text)
    stored = plane.state.get(Role, ACCOUNT, "app")
    assert stored is not None
    assert stored.trust == text


def test_an_arn_in_a_condition_is_left_alone(plane: Plane) -> None:
    user = plane.user("ann")
    text = trusting(user["Arn"]).replace(
        '"Action"', f'"Condition": {{"ArnEquals": {{"aws:PrincipalArn": "{user["Arn"]}"}}}}, "Action"'
    )
    plane.role("app", AssumeRolePolicyDocument=text)
    stored = plane.state.get(Role, ACCOUNT, "app")
    assert stored is not None
    assert stored.trust.count(user["Arn"]) == 1
    plane.call("DeleteUser", UserName="ann")
    shown = document(plane.call("GetRole", RoleName="app")["Role"]["AssumeRolePolicyDocument"])
    assert shown["Statement"][0]["Condition"] == {"ArnEquals": {"aws:PrincipalArn": user["Arn"]}}


def test_a_boundary_is_put_and_taken_away(plane: Plane) -> None:
    plane.role("app")
    plane.call("PutRolePermissionsBoundary", RoleName="app", PermissionsBoundary=ADMIN)
    assert plane.call("GetRole", RoleName="app")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == ADMIN
    plane.call("DeleteRolePermissionsBoundary", RoleName="app")
    assert "PermissionsBoundary" not in plane.call("GetRole", RoleName="app")["Role"]
    plane.call("DeleteRolePermissionsBoundary", RoleName="app")
    assert plane.events == []


BAD_BOUNDARIES = [
    (arn("policy", "ghost"), "NoSuchEntity", 404, "Scope ARN: {} does not exist or is not attachable."),
    (arn("not_a_policy", "x"), "InvalidInput", 400, "ARN {} is not valid."),
    ("this-is-not-an-arn-at-all", "ValidationError", 400, "ARN {} is not valid."),
]


@pytest.mark.parametrize(("boundary", "code", "status", "message"), BAD_BOUNDARIES)
def test_a_boundary_that_is_no_policy(plane: Plane, boundary: str, code: str, status: int, message: str) -> None:
    plane.role("app")
    plane.user("ann")
    expected = (code, status, message.format(boundary))
    new = {"PermissionsBoundary": boundary}
    assert plane.fault("PutRolePermissionsBoundary", RoleName="app", **new) == expected
    assert plane.fault("PutUserPermissionsBoundary", UserName="ann", **new) == expected
    assert plane.fault("CreateRole", RoleName="b", AssumeRolePolicyDocument=EC2_TRUST, **new) == expected
    assert plane.fault("CreateUser", UserName="b", **new) == expected
