from __future__ import annotations

import pytest

from locum.core.principal import Caller, Principal
from locum.state import AccessKey, User
from support.iam_plane import ACCOUNT, ADMIN, NOW, READ, Plane, arn


def test_a_user_as_created_and_as_read(plane: Plane) -> None:
    tags = [{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}]
    created = plane.user("Ann", Path="/team/", Tags=tags, PermissionsBoundary=ADMIN)
    read = plane.call("GetUser", UserName="ann")["User"]
    assert created["UserId"].startswith("AIDA")
    assert created["Arn"] == arn("user/team", "Ann")
    assert created["Tags"] == tags
    assert read["Tags"] == tags[::-1]
    assert created["PermissionsBoundary"] == read["PermissionsBoundary"]
    assert read["CreateDate"] == NOW


def test_list_users_leaves_out_tags_and_boundary(plane: Plane) -> None:
    plane.user("bob", Tags=[{"Key": "a", "Value": "1"}], PermissionsBoundary=ADMIN)
    plane.user("Ann", Path="/team/")
    listed = plane.call("ListUsers")["Users"]
    assert [user["UserName"] for user in listed] == ["Ann", "bob"]
    assert not {"Tags", "PermissionsBoundary"} & set(listed[1])
    assert plane.call("ListUsers", PathPrefix="/te")["Users"] == listed[:1]


def test_get_user_without_a_name_is_about_the_caller(plane: Plane) -> None:
    plane.user("ann")
    root = plane.call("GetUser")["User"]
    assert root == {"UserId": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root", "CreateDate": NOW - 100}
    plane.become("ann")
    assert plane.call("GetUser")["User"]["UserName"] == "ann"


NOT_A_USER = ("ValidationError", 400, "Must specify userName when calling with non-User credentials")


def test_a_session_must_say_which_user_it_means(plane: Plane) -> None:
    plane.role("app")
    plane.become_session("app")
    assert plane.fault("GetUser") == NOT_A_USER
    assert plane.fault("CreateAccessKey") == NOT_A_USER
    assert plane.fault("ListAccessKeys") == NOT_A_USER


def test_a_rename_takes_keys_groups_and_policies_along(plane: Plane) -> None:
    plane.user("ann")
    plane.call("CreateGroup", GroupName="dev")
    plane.call("AddUserToGroup", GroupName="dev", UserName="ann")
    key = plane.call("CreateAccessKey", UserName="ann")["AccessKey"]["AccessKeyId"]
    plane.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=READ)
    before = plane.call("GetUser", UserName="ann")["User"]
    plane.call("UpdateUser", UserName="ann", NewUserName="Anna", NewPath="/x/")
    after = plane.call("GetUser", UserName="anna")["User"]
    assert after == {**before, "UserName": "Anna", "Path": "/x/", "Arn": arn("user/x", "Anna")}
    assert plane.fault("GetUser", UserName="ann")[0] == "NoSuchEntity"
    listed = plane.call("ListAccessKeys", UserName="anna")["AccessKeyMetadata"]
    assert [(k["AccessKeyId"], k["UserName"]) for k in listed] == [(key, "Anna")]
    assert plane.call("GetGroup", GroupName="dev")["Users"] == [after]
    assert plane.call("ListUserPolicies", UserName="Anna")["PolicyNames"] == ["p"]


def test_a_rename_can_change_the_case_only(plane: Plane) -> None:
    plane.user("ann")
    plane.call("UpdateUser", UserName="ann", NewUserName="ANN")
    assert plane.call("GetUser", UserName="ann")["User"]["UserName"] == "ANN"


def test_a_rename_to_a_name_that_is_taken(plane: Plane) -> None:
    plane.user("ann")
    plane.user("bob")
    taken = ("EntityAlreadyExists", 409, "User with name Bob already exists.")
    assert plane.fault("UpdateUser", UserName="ann", NewUserName="Bob") == taken
    assert plane.fault("CreateUser", UserName="Bob") == taken


def test_a_user_that_something_depends_on_is_not_deleted(plane: Plane) -> None:
    plane.user("ann")
    plane.call("CreateGroup", GroupName="dev")
    plane.call("AddUserToGroup", GroupName="dev", UserName="ann")
    key = plane.call("CreateAccessKey", UserName="ann")["AccessKey"]["AccessKeyId"]
    plane.call("AttachUserPolicy", UserName="ann", PolicyArn=ADMIN)
    plane.call("PutUserPolicy", UserName="ann", PolicyName="p", PolicyDocument=READ)
    first = plane.fault("DeleteUser", UserName="ann")
    assert first == ("DeleteConflict", 409, "Cannot delete entity, must delete access keys first.")
    plane.call("DeleteAccessKey", UserName="ann", AccessKeyId=key)
    assert plane.fault("DeleteUser", UserName="ann")[2] == "Cannot delete entity, must remove users from group first."
    plane.call("RemoveUserFromGroup", GroupName="dev", UserName="ann")
    assert plane.fault("DeleteUser", UserName="ann")[2] == "Cannot delete entity, must detach all policies first."
    plane.call("DetachUserPolicy", UserName="ann", PolicyArn=ADMIN)
    assert plane.fault("DeleteUser", UserName="ann")[2] == "Cannot delete entity, must delete policies first."
    plane.call("DeleteUserPolicy", UserName="ann", PolicyName="p")
    plane.call("DeleteUser", UserName="ann")
    assert plane.fault("DeleteUser", UserName="ann")[2] == "The user with name ann cannot be found."


def test_groups_come_and_go(plane: Plane) -> None:
    group = plane.call("CreateGroup", GroupName="Dev", Path="/x/")["Group"]
    assert group["GroupId"].startswith("AGPA")
    assert group["Arn"] == arn("group/x", "Dev")
    assert plane.call("GetGroup", GroupName="dev") == {"Group": group, "Users": [], "IsTruncated": False}
    assert plane.call("ListGroups", PathPrefix="/x/")["Groups"] == [group]
    assert plane.fault("CreateGroup", GroupName="DEV")[2] == "Group with name DEV already exists."
    plane.call("DeleteGroup", GroupName="dev")
    gone = ("NoSuchEntity", 404, "The group with name dev cannot be found.")
    for operation in ("GetGroup", "UpdateGroup", "DeleteGroup"):
        assert plane.fault(operation, GroupName="dev") == gone


def test_members_stay_in_a_group_that_is_renamed(plane: Plane) -> None:
    for name in ("dev", "ops"):
        plane.call("CreateGroup", GroupName=name)
    for name in ("ann", "bob"):
        plane.user(name)
        plane.call("AddUserToGroup", GroupName="dev", UserName=name)
    assert plane.fault("UpdateGroup", GroupName="dev", NewGroupName="OPS")[2] == "Group with name OPS already exists."
    plane.call("UpdateGroup", GroupName="dev", NewGroupName="Developers", NewPath="/x/")
    members = plane.call("GetGroup", GroupName="developers")["Users"]
    assert [user["UserName"] for user in members] == ["ann", "bob"]
    groups = plane.call("ListGroupsForUser", UserName="ann")["Groups"]
    assert [group["Arn"] for group in groups] == [arn("group/x", "Developers")]


def test_a_group_that_something_depends_on_is_not_deleted(plane: Plane) -> None:
    plane.call("CreateGroup", GroupName="dev")
    plane.user("ann")
    plane.call("AddUserToGroup", GroupName="dev", UserName="ann")
    plane.call("AttachGroupPolicy", GroupName="dev", PolicyArn=ADMIN)
    plane.call("PutGroupPolicy", GroupName="dev", PolicyName="p", PolicyDocument=READ)
    first = plane.fault("DeleteGroup", GroupName="dev")
    assert first == ("DeleteConflict", 409, "Cannot delete entity, must remove users from group first.")
    plane.call("RemoveUserFromGroup", GroupName="dev", UserName="ann")
    assert plane.fault("DeleteGroup", GroupName="dev")[2] == "Cannot delete entity, must detach all policies first."
    plane.call("DetachGroupPolicy", GroupName="dev", PolicyArn=ADMIN)
    assert plane.fault("DeleteGroup", GroupName="dev")[2] == "Cannot delete entity, must delete policies first."
    plane.call("DeleteGroupPolicy", GroupName="dev", PolicyName="p")
    plane.call("DeleteGroup", GroupName="dev")


def test_joining_twice_and_leaving_twice_are_no_errors(plane: Plane) -> None:
    plane.user("ann")
    plane.call("CreateGroup", GroupName="dev")
    for _ in range(2):
        plane.call("AddUserToGroup", GroupName="dev", UserName="ann")
    assert plane.events == []
    for _ in range(2):
        plane.call("RemoveUserFromGroup", GroupName="dev", UserName="ann")
    assert plane.events == []


@pytest.mark.parametrize("operation", ["AddUserToGroup", "RemoveUserFromGroup"])
def test_membership_needs_both(plane: Plane, operation: str) -> None:
    plane.user("ann")
    plane.call("CreateGroup", GroupName="dev")
    assert plane.fault(operation, GroupName="ghost", UserName="ann")[2] == "The group with name ghost cannot be found."
    assert plane.fault(operation, GroupName="dev", UserName="ghost")[2] == "The user with name ghost cannot be found."
    assert plane.fault(operation, GroupName="ghost", UserName="me")[2] == "The user with name me cannot be found."


def test_a_user_is_in_ten_groups_at_most(plane: Plane) -> None:
    plane.user("ann")
    for number in range(11):
        plane.call("CreateGroup", GroupName=f"g{number}")
    for number in range(10):
        plane.call("AddUserToGroup", GroupName=f"g{number}", UserName="ann")
    refused = plane.fault("AddUserToGroup", GroupName="g10", UserName="ann")
    assert refused == ("LimitExceeded", 409, "Cannot exceed quota for GroupsPerUser: 10")


def test_the_secret_is_shown_once_and_kept_sealed(plane: Plane) -> None:
    plane.user("ann")
    made = plane.call("CreateAccessKey", UserName="ANN")["AccessKey"]
    assert made["UserName"] == "ann"
    assert made["Status"] == "Active"
    secret = made.pop("SecretAccessKey")
    assert plane.call("ListAccessKeys", UserName="ann")["AccessKeyMetadata"] == [made]
    stored = plane.state.get(AccessKey, ACCOUNT, made["AccessKeyId"])
    assert stored is not None
    assert secret.encode() not in stored.secret


def test_two_keys_at_most_also_for_root(plane: Plane) -> None:
    plane.user("ann")
    full = ("LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: 2")
    for _ in range(2):
        plane.call("CreateAccessKey", UserName="ann")
        plane.call("CreateAccessKey")
    assert plane.fault("CreateAccessKey", UserName="ann") == full
    assert plane.fault("CreateAccessKey") == full


def test_root_manages_its_own_keys_without_a_name(plane: Plane) -> None:
    plane.user("ann")
    of_ann = plane.call("CreateAccessKey", UserName="ann")["AccessKey"]["AccessKeyId"]
    key = plane.call("CreateAccessKey")["AccessKey"]["AccessKeyId"]
    listed = plane.call("ListAccessKeys")["AccessKeyMetadata"]
    assert listed == [{"AccessKeyId": key, "Status": "Active", "CreateDate": NOW}]
    plane.call("UpdateAccessKey", AccessKeyId=key, Status="Inactive")
    assert plane.call("ListAccessKeys")["AccessKeyMetadata"][0]["Status"] == "Inactive"
    not_roots = ("NoSuchEntity", 404, f"The Access Key with id {of_ann} cannot be found.")
    assert plane.fault("DeleteAccessKey", AccessKeyId=of_ann) == not_roots
    plane.call("DeleteAccessKey", AccessKeyId=key)
    assert plane.call("ListAccessKeys")["AccessKeyMetadata"] == []


def test_a_user_manages_its_own_keys_without_a_name(plane: Plane) -> None:
    plane.user("ann")
    plane.user("bob")
    of_bob = plane.call("CreateAccessKey", UserName="bob")["AccessKey"]["AccessKeyId"]
    plane.become("ann")
    key = plane.call("CreateAccessKey")["AccessKey"]
    assert key["UserName"] == "ann"
    plane.call("UpdateAccessKey", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    plane.call("UpdateAccessKey", AccessKeyId=key["AccessKeyId"], Status="Active")
    stored = plane.state.get(AccessKey, ACCOUNT, key["AccessKeyId"])
    assert stored is not None
    assert stored.active
    assert plane.fault("UpdateAccessKey", AccessKeyId=of_bob, Status="Inactive")[0] == "NoSuchEntity"
    assert plane.fault("UpdateAccessKey", AccessKeyId=key["AccessKeyId"], Status="Expired")[0] == "InvalidInput"
    plane.call("DeleteAccessKey", AccessKeyId=key["AccessKeyId"])


def test_the_last_use_of_a_key(plane: Plane) -> None:
    plane.user("ann")
    key = plane.call("CreateAccessKey", UserName="ann")["AccessKey"]["AccessKeyId"]
    never = {"AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
    assert plane.call("GetAccessKeyLastUsed", AccessKeyId=key) == {"UserName": "ann", **never}
    roots = plane.call("CreateAccessKey")["AccessKey"]["AccessKeyId"]
    assert plane.call("GetAccessKeyLastUsed", AccessKeyId=roots) == never


def test_the_last_use_of_a_strange_key_is_denied_not_missing(plane: Plane) -> None:
    key = plane.call("CreateAccessKey")["AccessKey"]["AccessKeyId"]
    plane.caller = Caller(Principal.root("444455556666"))
    for strange in (key, "AKIAIOSFODNN7EXAMPLE"):
        assert plane.fault("GetAccessKeyLastUsed", AccessKeyId=strange) == (
            "AccessDenied",
            403,
            (
                "User: arn:aws:iam::444455556666:root is not authorized to perform iam:GetAccessKeyLastUsed"
                f" on resource: access key {strange}"
            ),
        )


def test_accounts_do_not_see_one_another(plane: Plane) -> None:
    plane.user("ann")
    plane.caller = Caller(Principal.root("444455556666"))
    assert plane.call("ListUsers")["Users"] == []
    plane.user("ann")
    assert len(list(plane.state.every(User))) == 2
