from __future__ import annotations

from typing import Any

import pytest

from locum.state import InstanceProfile
from support.iam_plane import ACCOUNT, NOW, Plane, arn


@pytest.fixture
def web(plane: Plane) -> Plane:
    """A plane with the profile web and the role app."""
    plane.call("CreateInstanceProfile", InstanceProfileName="web")
    plane.role("app")
    return plane


def test_a_new_profile_holds_nothing(plane: Plane) -> None:
    tags = [{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}]
    profile = plane.call("CreateInstanceProfile", InstanceProfileName="Web", Path="/x/", Tags=tags)["InstanceProfile"]
    assert profile.pop("InstanceProfileId").startswith("AIPA")
    assert profile == {
        "Path": "/x/",
        "InstanceProfileName": "Web",
        "Arn": arn("instance-profile/x", "Web"),
        "CreateDate": NOW,
        "Roles": [],
        "Tags": tags,
    }


def test_get_shows_the_role_and_always_the_tags(web: Plane) -> None:
    web.call("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="APP")
    profile = web.call("GetInstanceProfile", InstanceProfileName="WEB")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["app"]
    assert not {"MaxSessionDuration", "RoleLastUsed"} & set(profile["Roles"][0])
    assert profile["Tags"] == []


def test_a_profile_holds_one_role(web: Plane) -> None:
    web.role("other")
    web.call("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="app")
    full = ("LimitExceeded", 409, "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
    assert web.fault("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="other") == full
    assert web.fault("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="app") == full


def test_a_role_is_swapped(web: Plane) -> None:
    web.role("other")
    web.call("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="app")
    web.call("RemoveRoleFromInstanceProfile", InstanceProfileName="web", RoleName="app")
    web.call("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="other")
    profile = web.state.get(InstanceProfile, ACCOUNT, "web")
    assert profile is not None
    assert profile.roles == ("other",)


def test_a_role_that_is_not_in_it_cannot_be_removed(web: Plane) -> None:
    refused = web.fault("RemoveRoleFromInstanceProfile", InstanceProfileName="web", RoleName="app")
    assert refused == ("NoSuchEntity", 404, "Role app in Instance Profile web cannot be found.")


@pytest.mark.parametrize("operation", ["AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile"])
def test_both_the_profile_and_the_role_must_be_there(web: Plane, operation: str) -> None:
    no_profile = web.fault(operation, InstanceProfileName="ghost", RoleName="app")
    assert no_profile == ("NoSuchEntity", 404, "Instance Profile ghost cannot be found.")
    no_role = web.fault(operation, InstanceProfileName="web", RoleName="ghost")
    assert no_role == ("NoSuchEntity", 404, "The role with name ghost cannot be found.")


def test_a_profile_that_holds_a_role_is_not_deleted(web: Plane) -> None:
    web.call("AddRoleToInstanceProfile", InstanceProfileName="web", RoleName="app")
    conflict = "Cannot delete entity, must remove roles from instance profile first."
    assert web.fault("DeleteInstanceProfile", InstanceProfileName="web") == ("DeleteConflict", 409, conflict)
    web.call("RemoveRoleFromInstanceProfile", InstanceProfileName="web", RoleName="app")
    web.call("DeleteInstanceProfile", InstanceProfileName="web")
    gone = ("NoSuchEntity", 404, "Instance Profile web cannot be found.")
    assert web.fault("GetInstanceProfile", InstanceProfileName="web") == gone
    assert web.fault("DeleteInstanceProfile", InstanceProfileName="web") == gone


def test_a_profile_made_again_is_another_one(web: Plane) -> None:
    before: Any = web.call("GetInstanceProfile", InstanceProfileName="web")
    web.call("DeleteInstanceProfile", InstanceProfileName="web")
    after: Any = web.call("CreateInstanceProfile", InstanceProfileName="web")
    assert before["InstanceProfile"]["InstanceProfileId"] != after["InstanceProfile"]["InstanceProfileId"]


def test_a_name_is_taken_once(web: Plane) -> None:
    refused = web.fault("CreateInstanceProfile", InstanceProfileName="WEB")
    assert refused == ("EntityAlreadyExists", 409, "Instance Profile WEB already exists.")


def test_lists_by_path_and_by_role(web: Plane) -> None:
    web.call("CreateInstanceProfile", InstanceProfileName="batch", Path="/x/")
    web.call("AddRoleToInstanceProfile", InstanceProfileName="batch", RoleName="app")
    listed = web.call("ListInstanceProfiles")["InstanceProfiles"]
    assert [profile["InstanceProfileName"] for profile in listed] == ["batch", "web"]
    assert "Tags" not in listed[0]
    by_path = web.call("ListInstanceProfiles", PathPrefix="/x/")["InstanceProfiles"]
    by_role = web.call("ListInstanceProfilesForRole", RoleName="app")["InstanceProfiles"]
    assert by_path == by_role == listed[:1]
