from __future__ import annotations

from typing import Any

from locum.core.principal import Caller, Principal
from support.iam_plane import ADMIN, EC2_TRUST, OTHER, READ, Plane, arn, document


def test_an_alias_is_set_replaced_and_removed(plane: Plane) -> None:
    assert plane.call("ListAccountAliases") == {"AccountAliases": [], "IsTruncated": False}
    plane.call("CreateAccountAlias", AccountAlias="first")
    plane.call("CreateAccountAlias", AccountAlias="second")
    assert plane.call("ListAccountAliases")["AccountAliases"] == ["second"]
    assert plane.fault("DeleteAccountAlias", AccountAlias="first")[:2] == ("NoSuchEntity", 404)
    plane.call("DeleteAccountAlias", AccountAlias="second")
    assert plane.call("ListAccountAliases")["AccountAliases"] == []


def test_an_alias_belongs_to_one_account(plane: Plane) -> None:
    plane.call("CreateAccountAlias", AccountAlias="prod")
    taken = ("EntityAlreadyExists", 409, "The account alias prod already exists.")
    assert plane.fault("CreateAccountAlias", AccountAlias="prod") == taken
    plane.caller = Caller(Principal.root(OTHER))
    assert plane.fault("CreateAccountAlias", AccountAlias="prod") == taken
    assert plane.call("ListAccountAliases")["AccountAliases"] == []


def test_the_summary_counts_what_there_is(plane: Plane) -> None:
    before = plane.call("GetAccountSummary")["SummaryMap"]
    assert len(before) == 34
    assert (before["UsersQuota"], before["RolesQuota"], before["VersionsPerPolicyQuota"]) == (5000, 1000, 5)
    plane.user("ann")
    plane.role("app")
    plane.call("CreateGroup", GroupName="dev")
    plane.call("CreateInstanceProfile", InstanceProfileName="web")
    mine = plane.policy("Mine")
    plane.call("CreatePolicyVersion", PolicyArn=mine, PolicyDocument=READ)
    for _ in range(2):
        plane.call("CreateAccessKey")
    after = plane.call("GetAccountSummary")["SummaryMap"]
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "Users": 1,
        "Roles": 1,
        "Groups": 1,
        "InstanceProfiles": 1,
        "Policies": 1,
        "AccountAccessKeysPresent": 1,
    }


def populated(plane: Plane) -> str:
    mine = plane.policy("Mine", Tags=[{"Key": "k", "Value": "v"}], Description="d")
    plane.call("CreatePolicyVersion", PolicyArn=mine, PolicyDocument=READ, SetAsDefault=True)
    plane.user("ann", PermissionsBoundary=mine, Tags=[{"Key": "k", "Value": "v"}])
    plane.user("bob")
    plane.role("app", Description="d")
    plane.call("CreateGroup", GroupName="Dev")
    plane.call("AddUserToGroup", GroupName="dev", UserName="ann")
    plane.call("CreateInstanceProfile", InstanceProfileName="web")
    plane.call("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="app")
    plane.call("AttachRolePolicy", RoleName="app", PolicyArn=ADMIN)
    plane.call("PutUserPolicy", UserName="ann", PolicyName="read", PolicyDocument=READ)
    plane.call("PutGroupPolicy", GroupName="dev", PolicyName="read", PolicyDocument=READ)
    return mine


def test_the_details_show_all_that_decides(plane: Plane) -> None:
    mine = populated(plane)
    details = plane.call("GetAccountAuthorizationDetails")
    ann, bob = details["UserDetailList"]
    assert ann["GroupList"] == ["Dev"]
    assert ann["PermissionsBoundary"]["PermissionsBoundaryArn"] == mine
    assert document(ann["UserPolicyList"][0]["PolicyDocument"])["Statement"][0]["Action"] == "s3:GetObject"
    assert "UserPolicyList" not in bob
    assert bob["Tags"] == bob["GroupList"] == bob["AttachedManagedPolicies"] == []
    (role,) = details["RoleDetailList"]
    assert document(role["AssumeRolePolicyDocument"])["Statement"]
    assert role["AttachedManagedPolicies"] == [{"PolicyName": "AdministratorAccess", "PolicyArn": ADMIN}]
    assert [p["InstanceProfileName"] for p in role["InstanceProfileList"]] == ["web"]
    assert (role["RolePolicyList"], role["RoleLastUsed"], role["Tags"]) == ([], {}, [])
    assert not {"Description", "MaxSessionDuration"} & set(role)
    (group,) = details["GroupDetailList"]
    assert group["GroupPolicyList"][0]["PolicyName"] == "read"
    used, own = sorted(details["Policies"], key=lambda policy: str(policy["PolicyName"]))
    assert (used["Arn"], used["AttachmentCount"]) == (ADMIN, 1)
    assert [v["VersionId"] for v in own["PolicyVersionList"]] == ["v2", "v1"]
    assert document(own["PolicyVersionList"][0]["Document"])
    assert own["PermissionsBoundaryUsageCount"] == 1


def test_the_details_can_be_narrowed(plane: Plane) -> None:
    mine = populated(plane)
    only_roles = plane.call("GetAccountAuthorizationDetails", Filter=["Role", "Role"])
    assert len(only_roles.pop("RoleDetailList")) == 1
    assert only_roles == {"UserDetailList": [], "GroupDetailList": [], "Policies": [], "IsTruncated": False}
    local = plane.call("GetAccountAuthorizationDetails", Filter=["LocalManagedPolicy"])["Policies"]
    assert [policy["Arn"] for policy in local] == [mine]
    aws = plane.call("GetAccountAuthorizationDetails", Filter=["AWSManagedPolicy"])["Policies"]
    assert [policy["Arn"] for policy in aws] == [ADMIN]


def test_the_details_are_paged_as_one_list(plane: Plane) -> None:
    populated(plane)
    whole = plane.call("GetAccountAuthorizationDetails")
    collected: dict[str, list[Any]] = {}
    params: dict[str, Any] = {"MaxItems": 1}
    rounds = 0
    while True:
        answer = plane.call("GetAccountAuthorizationDetails", **params)
        for member, value in answer.items():
            if isinstance(value, list):
                collected.setdefault(member, []).extend(value)
        rounds += 1
        if not answer["IsTruncated"]:
            break
        params["Marker"] = answer["Marker"]
    assert rounds == 6
    assert collected == {member: value for member, value in whole.items() if isinstance(value, list)}


def test_the_pages_go_through_users_roles_groups_and_policies(plane: Plane) -> None:
    populated(plane)
    lists = ["UserDetailList", "UserDetailList", "RoleDetailList", "GroupDetailList", "Policies", "Policies"]
    params: dict[str, Any] = {"MaxItems": 1}
    for member in lists:
        answer = plane.call("GetAccountAuthorizationDetails", **params)
        assert len(answer[member]) == 1
        params["Marker"] = answer.get("Marker", "")


def test_a_marker_goes_with_its_filter(plane: Plane) -> None:
    populated(plane)
    told = ("ValidationError", 400, "Marker and Filter do not match")
    marker = plane.call("GetAccountAuthorizationDetails", Filter=["User", "Role"], MaxItems=1)["Marker"]
    assert plane.fault("GetAccountAuthorizationDetails", Filter=["User"], Marker=marker) == told
    assert plane.fault("GetAccountAuthorizationDetails", Filter=["User"], Marker="not-a-marker") == told
    rest = plane.call("GetAccountAuthorizationDetails", Filter=["Role", "User"], Marker=marker)
    assert (len(rest["UserDetailList"]), len(rest["RoleDetailList"])) == (1, 1)


def test_root_of_another_account_can_be_trusted_but_its_users_must_exist(plane: Plane) -> None:
    plane.caller = Caller(Principal.root(OTHER))
    plane.user("eve")
    plane.caller = Caller(Principal.root("111122223333"))
    trust = EC2_TRUST.replace('"Service": "ec2.amazonaws.com"', f'"AWS": "{arn("user", "eve", OTHER)}"')
    plane.role("app", AssumeRolePolicyDocument=trust)
    shown = document(plane.call("GetRole", RoleName="app")["Role"]["AssumeRolePolicyDocument"])
    assert shown["Statement"][0]["Principal"]["AWS"] == arn("user", "eve", OTHER)
