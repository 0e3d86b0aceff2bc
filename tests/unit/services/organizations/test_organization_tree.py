from __future__ import annotations

import re
from typing import Any

import pytest

from locum.services.organizations import limits
from support.organizations_plane import MANAGEMENT, Organizations

NO_ROOT, NO_UNIT = "r-zzzz", "ou-zzzz-zzzzzzzz"


def test_a_unit_is_made_renamed_and_deleted(org: Organizations) -> None:
    made = org.call("CreateOrganizationalUnit", ParentId=org.root, Name="apps")["OrganizationalUnit"]
    suffix = org.root.removeprefix("r-")
    assert re.fullmatch(f"ou-{suffix}-[a-z0-9]{{8}}", made["Id"])
    assert made == {
        "Id": made["Id"],
        "Arn": f"arn:aws:organizations::{MANAGEMENT}:ou/{org.organization}/{made['Id']}",
        "Name": "apps",
        "Path": f"{org.organization}/{org.root}/{made['Id']}/",
    }
    named = {"OrganizationalUnitId": made["Id"]}
    assert org.call("DescribeOrganizationalUnit", **named)["OrganizationalUnit"] == made
    renamed = org.call("UpdateOrganizationalUnit", Name="tools", **named)["OrganizationalUnit"]
    assert renamed == {**made, "Name": "tools"}
    assert org.call("UpdateOrganizationalUnit", **named)["OrganizationalUnit"] == renamed
    assert org.call("ListOrganizationalUnitsForParent", ParentId=org.root)["OrganizationalUnits"] == [renamed]
    org.call("DeleteOrganizationalUnit", **named)
    assert org.refused("DescribeOrganizationalUnit", **named)[::2] == (
        "OrganizationalUnitNotFound",
        "You specified an organizational unit that doesn't exist.",
    )


def test_a_name_is_taken_among_siblings_only(org: Organizations) -> None:
    apps = org.unit("apps")
    org.unit("apps", apps)
    expected = ("DuplicateOrganizationalUnit", "An OU with the same name already exists.")
    assert org.refused("CreateOrganizationalUnit", ParentId=org.root, Name="apps")[::2] == expected
    assert org.refused("UpdateOrganizationalUnit", OrganizationalUnitId=apps, Name="apps")[::2] == expected


def test_a_unit_with_something_in_it_stays(org: Organizations) -> None:
    outer = org.unit("outer")
    inner = org.unit("inner", outer)
    account = org.member()
    org.call("MoveAccount", AccountId=account, SourceParentId=org.root, DestinationParentId=inner)
    for unit in (outer, inner):
        assert org.refused("DeleteOrganizationalUnit", OrganizationalUnitId=unit).code == "OrganizationalUnitNotEmpty"
    org.call("MoveAccount", AccountId=account, SourceParentId=inner, DestinationParentId=outer)
    org.call("DeleteOrganizationalUnit", OrganizationalUnitId=inner)
    shown = org.call("DescribeAccount", AccountId=account)["Account"]
    assert shown["Paths"] == [f"{org.organization}/{org.root}/{outer}/{account}/"]


def test_units_nest_five_deep(org: Organizations) -> None:
    parent = org.root
    for level in range(limits.UNIT_DEPTH):
        parent = org.unit(f"level-{level}", parent)
    assert org.refused("CreateOrganizationalUnit", ParentId=parent, Name="too-deep") == (
        "ConstraintViolation",
        "OU_DEPTH_LIMIT_EXCEEDED",
        "You cannot add an organizational unit to the specified parent because it would exceed the max depth allowed.",
    )


def test_there_are_so_many_units(org: Organizations, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UNITS", 1)
    org.unit()
    refused = org.refused("CreateOrganizationalUnit", ParentId=org.root, Name="other")
    assert refused[:2] == ("ConstraintViolation", "OU_NUMBER_LIMIT_EXCEEDED")


def test_who_is_whose_parent_and_child(org: Organizations) -> None:
    unit, account = org.unit(), org.member()
    org.call("MoveAccount", AccountId=account, SourceParentId=org.root, DestinationParentId=unit)
    assert org.call("ListParents", ChildId=account)["Parents"] == [{"Id": unit, "Type": "ORGANIZATIONAL_UNIT"}]
    assert org.call("ListParents", ChildId=unit)["Parents"] == [{"Id": org.root, "Type": "ROOT"}]
    children = org.call("ListChildren", ParentId=unit, ChildType="ACCOUNT")["Children"]
    assert children == [{"Id": account, "Type": "ACCOUNT"}]
    assert org.call("ListChildren", ParentId=unit, ChildType="ORGANIZATIONAL_UNIT")["Children"] == []
    assert [one["Id"] for one in org.call("ListAccountsForParent", ParentId=unit)["Accounts"]] == [account]
    assert [one["Id"] for one in org.call("ListAccountsForParent", ParentId=org.root)["Accounts"]] == [MANAGEMENT]


MOVES: list[tuple[dict[str, str], str]] = [
    ({"AccountId": "999900001111"}, "AccountNotFound"),
    ({"SourceParentId": NO_ROOT}, "SourceParentNotFound"),
    ({"SourceParentId": "unit"}, "SourceParentNotFound"),
    ({"DestinationParentId": NO_UNIT}, "DestinationParentNotFound"),
    ({"DestinationParentId": "root"}, "DuplicateAccount"),
]


@pytest.mark.parametrize(("changed", "code"), MOVES)
def test_an_account_is_moved_from_where_it_is_to_where_it_is_not(
    org: Organizations, changed: dict[str, str], code: str
) -> None:
    unit, account = org.unit(), org.member()
    ids = {"unit": unit, "root": org.root}
    params = {"AccountId": account, "SourceParentId": org.root, "DestinationParentId": unit}
    params.update({name: ids.get(value, value) for name, value in changed.items()})
    assert org.refused("MoveAccount", **params).code == code


MISSING: list[tuple[str, dict[str, Any], str]] = [
    ("CreateOrganizationalUnit", {"ParentId": NO_ROOT, "Name": "n"}, "ParentNotFound"),
    ("UpdateOrganizationalUnit", {"OrganizationalUnitId": NO_UNIT, "Name": "n"}, "OrganizationalUnitNotFound"),
    ("DeleteOrganizationalUnit", {"OrganizationalUnitId": NO_UNIT}, "OrganizationalUnitNotFound"),
    ("ListOrganizationalUnitsForParent", {"ParentId": NO_UNIT}, "ParentNotFound"),
    ("ListAccountsForParent", {"ParentId": NO_ROOT}, "ParentNotFound"),
    ("ListChildren", {"ParentId": NO_ROOT, "ChildType": "ACCOUNT"}, "ParentNotFound"),
    ("ListParents", {"ChildId": NO_UNIT}, "ChildNotFound"),
]


@pytest.mark.parametrize(("operation", "params", "code"), MISSING)
def test_what_is_not_there_is_not_found(org: Organizations, operation: str, params: dict[str, Any], code: str) -> None:
    assert org.refused(operation, **params).code == code


# --- tags ---


@pytest.mark.parametrize("kind", ["root", "unit", "account", "policy", "resource-policy"])
def test_everything_taggable_is_tagged_and_untagged(org: Organizations, kind: str) -> None:
    makers: dict[str, Any] = {
        "root": lambda: org.root,
        "unit": org.unit,
        "account": org.member,
        "policy": org.policy,
        "resource-policy": lambda: _resource_policy(org),
    }
    resource = makers[kind]()
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    org.call("TagResource", ResourceId=resource, Tags=tags)
    org.call("TagResource", ResourceId=resource, Tags=[{"Key": "a", "Value": "2"}])
    shown = org.call("ListTagsForResource", ResourceId=resource)["Tags"]
    assert shown == [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}]
    org.call("UntagResource", ResourceId=resource, TagKeys=["a", "c"])
    assert org.call("ListTagsForResource", ResourceId=resource)["Tags"] == [{"Key": "b", "Value": ""}]


def _resource_policy(org: Organizations) -> str:
    content = (
        f'{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{MANAGEMENT}"}},'
        '"Action":"organizations:ListRoots","Resource":"*"}}'
    )
    made = org.call("PutResourcePolicy", Content=content)["ResourcePolicy"]
    return str(made["ResourcePolicySummary"]["Id"])


def test_what_is_made_with_tags_has_them(org: Organizations) -> None:
    tags = [{"Key": "k", "Value": "v"}]
    made = [
        org.call("CreateOrganizationalUnit", ParentId=org.root, Name="u", Tags=tags)["OrganizationalUnit"]["Id"],
        org.member(Tags=tags),
    ]
    for resource in made:
        assert org.call("ListTagsForResource", ResourceId=resource)["Tags"] == tags


def test_fifty_tags_come_in_one_page(org: Organizations) -> None:
    tags = [{"Key": f"{number:02}", "Value": ""} for number in range(limits.TAGS)]
    org.call("TagResource", ResourceId=org.root, Tags=tags)
    assert org.call("ListTagsForResource", ResourceId=org.root) == {"Tags": tags}


TAGGING: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
    ("TagResource", {"ResourceId": NO_UNIT, "Tags": [{"Key": "k", "Value": "v"}]}, ("TargetNotFound", "")),
    ("UntagResource", {"ResourceId": "999900001111", "TagKeys": ["k"]}, ("TargetNotFound", "")),
    ("ListTagsForResource", {"ResourceId": "rp-nothing"}, ("TargetNotFound", "")),
    (
        "TagResource",
        {"ResourceId": "root", "Tags": [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]},
        ("InvalidInput", "DUPLICATE_TAG_KEY"),
    ),
    (
        "TagResource",
        {"ResourceId": "root", "Tags": [{"Key": "AWS:k", "Value": "1"}]},
        ("InvalidInput", "INVALID_SYSTEM_TAGS_PARAMETER"),
    ),
    ("UntagResource", {"ResourceId": "root", "TagKeys": ["aws:k"]}, ("InvalidInput", "INVALID_SYSTEM_TAGS_PARAMETER")),
    (
        "TagResource",
        {"ResourceId": "root", "Tags": [{"Key": f"{n}", "Value": ""} for n in range(limits.TAGS + 1)]},
        ("ConstraintViolation", "MAX_TAG_LIMIT_EXCEEDED"),
    ),
    (
        "TagResource",
        {"ResourceId": "p-FullAWSAccess", "Tags": [{"Key": "k", "Value": "v"}]},
        ("InvalidInput", "IMMUTABLE_POLICY"),
    ),
]


@pytest.mark.parametrize(("operation", "params", "expected"), TAGGING)
def test_tags_that_cannot_be_are_refused(
    org: Organizations, operation: str, params: dict[str, Any], expected: tuple[str, str]
) -> None:
    given = {**params, "ResourceId": org.root if params["ResourceId"] == "root" else params["ResourceId"]}
    assert org.refused(operation, **given)[:2] == expected
