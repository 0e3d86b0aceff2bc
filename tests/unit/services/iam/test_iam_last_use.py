"""When keys and roles were last used."""

from __future__ import annotations

from typing import Any

import pytest

from locum.state import AccessKey, change, put
from support.iam_plane import ACCOUNT, NOW, OTHER, Plane


def key_of(plane: Plane, user: str) -> str:
    return str(plane.call("CreateAccessKey", UserName=user)["AccessKey"]["AccessKeyId"])


def test_a_key_was_last_used_where_and_for_what_its_last_call_was(plane: Plane) -> None:
    ann = plane.user("ann")["UserId"]
    first, second = key_of(plane, "ann"), key_of(plane, "ann")
    plane.used(ann, "ec2:DescribeInstances", 20.9, "us-east-2", first)
    plane.used(ann, "s3:GetObject", 10.0, "eu-west-1", first)
    plane.used(ann, "sts:GetCallerIdentity", 30.0)
    assert plane.call("GetAccessKeyLastUsed", AccessKeyId=first) == {
        "UserName": "ann",
        "AccessKeyLastUsed": {"LastUsedDate": NOW + 20, "ServiceName": "ec2", "Region": "us-east-2"},
    }
    assert plane.call("GetAccessKeyLastUsed", AccessKeyId=second) == {
        "UserName": "ann",
        "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"},
    }


def test_the_root_user_s_key_has_no_user_name(plane: Plane) -> None:
    key = str(plane.call("CreateAccessKey")["AccessKey"]["AccessKeyId"])
    plane.used(ACCOUNT, "iam:ListUsers", 5.0, key=key)
    last = {"LastUsedDate": NOW + 5, "ServiceName": "iam", "Region": "us-east-1"}
    assert plane.call("GetAccessKeyLastUsed", AccessKeyId=key) == {"AccessKeyLastUsed": last}


def test_services_without_regions_were_used_in_us_east_1(plane: Plane) -> None:
    key = str(plane.call("CreateAccessKey")["AccessKey"]["AccessKeyId"])
    plane.used(ACCOUNT, "iam:ListUsers", 5.0, "eu-west-1", key)
    assert plane.call("GetAccessKeyLastUsed", AccessKeyId=key)["AccessKeyLastUsed"]["Region"] == "us-east-1"


def test_the_key_of_another_account_is_nobody_s_business(plane: Plane) -> None:
    key = AccessKey(account=OTHER, id="AKIAQAAAAAAAAAAAAAAA", secret=b"", created=NOW)
    plane.state = change(plane.state, [put(key)])
    assert plane.fault("GetAccessKeyLastUsed", AccessKeyId=key.id)[:2] == ("AccessDenied", 403)


ROLE_ANSWERS = (
    ("GetRole", {"RoleName": "app"}, lambda answer: answer["Role"]),
    ("GetAccountAuthorizationDetails", {"Filter": ["Role"]}, lambda answer: answer["RoleDetailList"][0]),
)


@pytest.mark.parametrize(("operation", "params", "role_of"), ROLE_ANSWERS)
def test_a_role_was_last_used_when_a_session_of_it_last_called(
    plane: Plane, operation: str, params: dict[str, Any], role_of: Any
) -> None:
    role = plane.role("app")
    assert role_of(plane.call(operation, **params))["RoleLastUsed"] == {}
    plane.used(role["RoleId"], "s3:GetObject", 9.5, "eu-west-1")
    plane.used(role["RoleId"], "s3:PutObject", 7.0)
    last = {"LastUsedDate": NOW + 9, "Region": "eu-west-1"}
    assert role_of(plane.call(operation, **params))["RoleLastUsed"] == last
    assert "RoleLastUsed" not in plane.call("ListRoles")["Roles"][0]


def test_a_role_made_again_under_the_same_name_was_never_used(plane: Plane) -> None:
    role = plane.role("app")
    plane.used(role["RoleId"], "s3:GetObject", 9.0)
    plane.call("DeleteRole", RoleName="app")
    plane.role("app")
    assert plane.call("GetRole", RoleName="app")["Role"]["RoleLastUsed"] == {}


def test_the_credential_report_tells_of_each_key_s_last_use(plane: Plane) -> None:
    ann = plane.user("ann")["UserId"]
    plane.used(ann, "s3:GetObject", 60.0, "eu-west-1", key_of(plane, "ann"))
    plane.call("GenerateCredentialReport")
    plane.now += 5
    header, _root, row = plane.call("GetCredentialReport")["Content"].decode().splitlines()
    told = dict(zip(header.split(","), row.split(","), strict=True))
    assert told["access_key_1_last_used_date"].startswith("2023-11-14T22:14:20")
    assert (told["access_key_1_last_used_region"], told["access_key_1_last_used_service"]) == ("eu-west-1", "s3")
    assert told["access_key_2_last_used_date"] == "N/A"
