from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.iam_plane import ADMIN, EC2_TRUST, READ, Plane

Named = dict[str, Any]


def _user(plane: Plane) -> Named:
    plane.user("it")
    return {"UserName": "it"}


def _role(plane: Plane) -> Named:
    plane.role("it")
    return {"RoleName": "it"}


def _profile(plane: Plane) -> Named:
    plane.call("CreateInstanceProfile", InstanceProfileName="it")
    return {"InstanceProfileName": "it"}


def _policy(plane: Plane) -> Named:
    return {"PolicyArn": plane.policy("it")}


MAKERS: dict[str, Callable[[Plane], Named]] = {
    "User": _user,
    "Role": _role,
    "InstanceProfile": _profile,
    "Policy": _policy,
}
FOLDING = ("User", "Role")
CREATION: dict[str, Named] = {
    "User": {"UserName": "new"},
    "Role": {"RoleName": "new", "AssumeRolePolicyDocument": EC2_TRUST},
    "InstanceProfile": {"InstanceProfileName": "new"},
    "Policy": {"PolicyName": "new", "PolicyDocument": READ},
}


def tags(**pairs: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


@pytest.mark.parametrize("noun", MAKERS)
def test_tags_are_put_replaced_and_removed(plane: Plane, noun: str) -> None:
    it = MAKERS[noun](plane)
    assert plane.call(f"List{noun}Tags", **it) == {"Tags": [], "IsTruncated": False}
    plane.call(f"Tag{noun}", Tags=tags(b="1", a="2"), **it)
    plane.call(f"Tag{noun}", Tags=tags(b=""), **it)
    assert plane.call(f"List{noun}Tags", **it)["Tags"] == tags(a="2", b="")
    plane.call(f"Untag{noun}", TagKeys=["a", "never-there"], **it)
    assert plane.call(f"List{noun}Tags", **it)["Tags"] == tags(b="")
    plane.call(f"Untag{noun}", TagKeys=["a"], **it)
    assert plane.events == []


@pytest.mark.parametrize(
    ("noun", "order"),
    [("User", "a abc b z"), ("Role", "a abc b z"), ("InstanceProfile", "a b z abc"), ("Policy", "a b z abc")],
)
def test_tags_come_in_the_order_of_aws(plane: Plane, noun: str, order: str) -> None:
    it = MAKERS[noun](plane)
    plane.call(f"Tag{noun}", Tags=tags(abc="", b="", z="", a=""), **it)
    shown = plane.call(f"List{noun}Tags", **it)["Tags"]
    assert " ".join(tag["Key"] for tag in shown) == order
    assert plane.call(f"Get{noun}", **it)[noun]["Tags"] == shown


@pytest.mark.parametrize("noun", MAKERS)
def test_case_tells_tag_keys_apart_only_where_aws_says_so(plane: Plane, noun: str) -> None:
    it = MAKERS[noun](plane)
    plane.call(f"Tag{noun}", Tags=tags(team="1"), **it)
    plane.call(f"Tag{noun}", Tags=tags(Team="2"), **it)
    listed = plane.call(f"List{noun}Tags", **it)["Tags"]
    assert listed == (tags(Team="2") if noun in FOLDING else tags(Team="2", team="1"))
    plane.call(f"Untag{noun}", TagKeys=["TEAM", "Team"], **it)
    assert plane.call(f"List{noun}Tags", **it)["Tags"] == ([] if noun in FOLDING else tags(team="1"))


@pytest.mark.parametrize("noun", MAKERS)
def test_a_key_given_twice_is_refused(plane: Plane, noun: str) -> None:
    it = MAKERS[noun](plane)
    twice = tags(team="1") + tags(team="2")
    text = "Duplicate tag keys found."
    if noun in FOLDING:
        twice = tags(team="1", TEAM="2")
        text += " Please note that Tag keys are case insensitive."
    assert plane.fault(f"Tag{noun}", Tags=twice, **it) == ("InvalidInput", 400, text)
    assert plane.fault(f"Create{noun}", Tags=twice, **CREATION[noun]) == ("InvalidInput", 400, text)


@pytest.mark.parametrize("noun", MAKERS)
@pytest.mark.parametrize("key", ["aws:team", "AWS:team"])
def test_keys_of_aws_are_refused(plane: Plane, noun: str, key: str) -> None:
    it = MAKERS[noun](plane)
    reserved = [{"Key": key, "Value": "1"}]
    assert plane.fault(f"Tag{noun}", Tags=reserved, **it)[:2] == ("InvalidInput", 400)
    assert plane.fault(f"Create{noun}", Tags=reserved, **CREATION[noun])[:2] == ("InvalidInput", 400)


@pytest.mark.parametrize("noun", MAKERS)
def test_fifty_tags_at_most(plane: Plane, noun: str) -> None:
    it = MAKERS[noun](plane)
    plane.call(f"Tag{noun}", Tags=tags(**{f"k{n}": "" for n in range(50)}), **it)
    full = ("LimitExceeded", 409, "The number of tags has reached the maximum limit.")
    assert plane.fault(f"Tag{noun}", Tags=tags(one="more"), **it) == full
    plane.call(f"Tag{noun}", Tags=tags(k0="new"), **it)


@pytest.mark.parametrize("noun", ["User", "Role", "InstanceProfile"])
def test_tags_of_nothing(plane: Plane, noun: str) -> None:
    operations: list[tuple[str, Named]] = [
        (f"Tag{noun}", {"Tags": []}),
        (f"Untag{noun}", {"TagKeys": []}),
        (f"List{noun}Tags", {}),
    ]
    for operation, more in operations:
        code, status, text = plane.fault(operation, **{f"{noun}Name": "ghost"}, **more)
        assert (code, status) == ("NoSuchEntity", 404)
        assert text.endswith("ghost cannot be found.")


def test_tags_with_the_longest_keys_are_paged(plane: Plane) -> None:
    it = _role(plane)
    plane.call("TagRole", Tags=tags(**{"\U0001f511" * 127 + str(n): "" for n in range(5)}), **it)
    pages = plane.pages("ListRoleTags", "Tags", MaxItems=2, **it)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert all(len(marker) <= 320 for marker in [plane.call("ListRoleTags", MaxItems=2, **it)["Marker"]])


def seven(plane: Plane) -> None:
    """Seven of everything that there are lists of."""
    for n in range(7):
        plane.role(f"r{n}")
        plane.user(f"u{n}")
        plane.call("CreateGroup", GroupName=f"g{n}")
        plane.call("CreateInstanceProfile", InstanceProfileName=f"i{n}")
        plane.call("AddRoleToInstanceProfile", InstanceProfileName=f"i{n}", RoleName="r0")
        arn = plane.policy(f"p{n}")
        plane.call("AddUserToGroup", GroupName=f"g{n}", UserName="u0")
        if n:
            plane.call("AddUserToGroup", GroupName="g0", UserName=f"u{n}")
        for noun in ("User", "Role", "Group"):
            name = {f"{noun}Name": f"{noun[0].lower()}0"}
            plane.call(f"Attach{noun}Policy", PolicyArn=arn, **name)
            plane.call(
                f"Put{noun}Policy", PolicyName=f"p{n}", PolicyDocument=READ.replace("GetObject", f"Get{n}"), **name
            )


LISTS: list[tuple[str, str, Named]] = [
    ("ListRoles", "Roles", {}),
    ("ListUsers", "Users", {}),
    ("ListGroups", "Groups", {}),
    ("ListInstanceProfiles", "InstanceProfiles", {}),
    ("ListInstanceProfilesForRole", "InstanceProfiles", {"RoleName": "r0"}),
    ("ListPolicies", "Policies", {"Scope": "Local"}),
    ("ListGroupsForUser", "Groups", {"UserName": "u0"}),
    ("GetGroup", "Users", {"GroupName": "g0"}),
    ("ListUserPolicies", "PolicyNames", {"UserName": "u0"}),
    ("ListRolePolicies", "PolicyNames", {"RoleName": "r0"}),
    ("ListGroupPolicies", "PolicyNames", {"GroupName": "g0"}),
    ("ListAttachedUserPolicies", "AttachedPolicies", {"UserName": "u0"}),
    ("ListAttachedRolePolicies", "AttachedPolicies", {"RoleName": "r0"}),
    ("ListAttachedGroupPolicies", "AttachedPolicies", {"GroupName": "g0"}),
]


@pytest.mark.parametrize(("operation", "member", "params"), LISTS)
def test_every_list_comes_page_by_page(plane: Plane, operation: str, member: str, params: Named) -> None:
    seven(plane)
    whole = plane.call(operation, **params)[member]
    assert len(whole) == 7
    for size, shape in ((3, [3, 3, 1]), (7, [7]), (1, [1] * 7)):
        pages = plane.pages(operation, member, MaxItems=size, **params)
        assert [len(page) for page in pages] == shape
        assert [item for page in pages for item in page] == whole


def test_a_list_stops_at_a_hundred(plane: Plane) -> None:
    for n in range(101):
        plane.call("CreateGroup", GroupName=f"g{n:03}")
    pages = plane.pages("ListGroups", "Groups")
    assert [len(page) for page in pages] == [100, 1]


def test_a_marker_stays_good_when_the_list_changes(plane: Plane) -> None:
    for name in "acegi":
        plane.user(name)
    marker = plane.call("ListUsers", MaxItems=2)["Marker"]
    plane.call("DeleteUser", UserName="c")
    plane.user("b")
    plane.user("d")
    assert [user["UserName"] for user in plane.call("ListUsers", Marker=marker)["Users"]] == ["d", "e", "g", "i"]


@pytest.mark.parametrize("marker", ["x", "u2", "AAAA", "AQ", "not a marker", "\xe9\xe9\xe9\xe9", "Af8="])
def test_a_marker_that_was_never_given_out(plane: Plane, marker: str) -> None:
    assert plane.fault("ListRoles", Marker=marker) == ("ValidationError", 400, "Invalid Marker.")


def test_versions_and_keys_and_aliases_are_paged_too(plane: Plane) -> None:
    arn = plane.policy("p")
    plane.call("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=READ)
    versions = plane.pages("ListPolicyVersions", "Versions", PolicyArn=arn, MaxItems=1)
    assert [[v["VersionId"] for v in page] for page in versions] == [["v2"], ["v1"]]
    for _ in range(2):
        plane.call("CreateAccessKey")
    assert len(plane.pages("ListAccessKeys", "AccessKeyMetadata", MaxItems=1)) == 2
    assert plane.pages("ListAccountAliases", "AccountAliases", MaxItems=1) == [[]]


def test_entities_for_a_policy_are_paged_as_one_list(plane: Plane) -> None:
    for name in ("a", "b"):
        plane.user(name, PermissionsBoundary=ADMIN)
        plane.role(name, PermissionsBoundary=ADMIN)
    found: list[tuple[str, str]] = []
    params: Named = {"PolicyArn": ADMIN, "MaxItems": 3}
    for size in (3, 1):
        answer = plane.call("ListEntitiesForPolicy", **params)
        page = [("user", e["UserName"]) for e in answer["PolicyUsers"]]
        page += [("role", e["RoleName"]) for e in answer["PolicyRoles"]]
        assert len(page) == size
        found += page
        params["Marker"] = answer.get("Marker", "")
    assert sorted(found) == [("role", "a"), ("role", "b"), ("user", "a"), ("user", "b")]
