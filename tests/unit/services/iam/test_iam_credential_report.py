from __future__ import annotations

import csv
import io

import pytest

from locum.core.principal import Caller, Principal
from locum.state import AccessKey, LoginProfile, MfaDevice, SigningCertificate, change, put
from support.iam_plane import ACCOUNT, NOW, OTHER, Plane, arn

HEADER = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
    "access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,"
    "access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)
AT_NOW = "2023-11-14T22:13:20Z"
NO_KEY = ["false", "N/A", "N/A", "N/A", "N/A"]
NO_CERTIFICATE = ["false", "N/A"]
NOT_PRESENT = ("ReportNotPresent", 410, "")
IN_PROGRESS = ("ReportInProgress", 404, "")
EXPIRED = ("ReportExpired", 410, "")
STARTED = {"State": "STARTED", "Description": "No report exists. Starting a new report generation task"}
COMPLETE = {"State": "COMPLETE"}
HOURS = 3600


def content(plane: Plane) -> str:
    plane.call("GenerateCredentialReport")
    plane.call("GenerateCredentialReport")
    return bytes(plane.call("GetCredentialReport")["Content"]).decode()


def rows(plane: Plane) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(plane))))


def row(plane: Plane, user: str) -> list[str]:
    """The row of `user` without its name, ARN and creation time."""
    (found,) = (list(row.values()) for row in rows(plane) if row["user"] == user)
    return found[3:]


def given(plane: Plane, *entities: AccessKey | LoginProfile | MfaDevice | SigningCertificate) -> None:
    plane.state = change(plane.state, [put(entity) for entity in entities])


def key(key_id: str, user: str, created: int, *, active: bool = True) -> AccessKey:
    return AccessKey(account=ACCOUNT, id=key_id, user=user, secret=b"", active=active, created=created)


def certificate(name: str, user: str, uploaded: int, *, active: bool = True) -> SigningCertificate:
    return SigningCertificate(account=ACCOUNT, id=name, user=user, body="", digest="", active=active, uploaded=uploaded)


def test_the_report_is_aws_csv(plane: Plane) -> None:
    plane.user("bob")
    plane.user("Ann", Path="/team/")
    lines = content(plane).split("\n")
    assert lines[0] == HEADER
    assert [line.split(",")[0] for line in lines[1:]] == ["<root_account>", "Ann", "bob"]
    nothing = ["false", *NO_KEY, *NO_KEY, *NO_CERTIFICATE, *NO_CERTIFICATE]
    assert lines[1].split(",") == [
        "<root_account>",
        f"arn:aws:iam::{ACCOUNT}:root",
        "2023-11-14T22:11:40Z",
        *["false", "no_information", "N/A", "not_supported"],
        *nothing,
    ]
    assert lines[2].split(",") == ["Ann", arn("user/team", "Ann"), AT_NOW, *["false", "N/A", "N/A", "N/A"], *nothing]


def test_a_name_with_a_comma_stays_one_field(plane: Plane) -> None:
    plane.user("a,b=c")
    assert [row["user"] for row in rows(plane)] == ["<root_account>", "a,b=c"]


def test_a_report_goes_through_its_states(plane: Plane) -> None:
    assert plane.fault("GetCredentialReport") == NOT_PRESENT
    assert plane.call("GenerateCredentialReport") == STARTED
    assert plane.fault("GetCredentialReport") == IN_PROGRESS
    assert plane.call("GenerateCredentialReport") == COMPLETE
    report = plane.call("GetCredentialReport")
    assert (report["ReportFormat"], report["GeneratedTime"]) == ("text/csv", NOW)
    assert plane.call("GenerateCredentialReport") == COMPLETE
    assert plane.events == []


def test_a_report_is_ready_by_itself_within_a_second(plane: Plane) -> None:
    plane.call("GenerateCredentialReport")
    plane.now += 0.5
    assert plane.call("GetCredentialReport")["GeneratedTime"] == NOW + 1


def test_for_four_hours_the_report_is_the_same_whatever_happens(plane: Plane) -> None:
    before = content(plane)
    plane.user("ann")
    plane.now = NOW + 4 * HOURS
    assert content(plane) == before
    plane.now += 1
    assert plane.fault("GetCredentialReport") == EXPIRED
    assert plane.call("GenerateCredentialReport") == STARTED
    assert [row["user"] for row in rows(plane)] == ["<root_account>", "ann"]


def test_each_account_has_a_report_of_its_own(plane: Plane) -> None:
    plane.user("ann")
    content(plane)
    plane.caller = Caller(Principal.root(OTHER))
    assert plane.fault("GetCredentialReport") == NOT_PRESENT
    assert [row["arn"] for row in rows(plane)] == [f"arn:aws:iam::{OTHER}:root"]


@pytest.mark.parametrize(
    ("max_age", "used", "columns"),
    [
        (0, 0, ["true", "no_information", AT_NOW, "N/A"]),
        (30, 0, ["true", "no_information", AT_NOW, "2023-12-14T22:13:20Z"]),
        (0, NOW + 60, ["true", "2023-11-14T22:14:20Z", AT_NOW, "N/A"]),
    ],
)
def test_passwords_are_in_it(plane: Plane, max_age: int, used: int, columns: list[str]) -> None:
    plane.user("ann")
    plane.call("UpdateAccountPasswordPolicy", **({"MaxPasswordAge": max_age} if max_age else {}))
    given(plane, LoginProfile(account=ACCOUNT, user="ann", created=NOW - 60, changed=NOW, used=used))
    assert row(plane, "ann")[:4] == columns


def test_the_root_users_password_is_in_it_and_never_has_to_be_changed(plane: Plane) -> None:
    plane.call("UpdateAccountPasswordPolicy", MaxPasswordAge=1)
    given(plane, LoginProfile(account=ACCOUNT, user="", created=NOW, changed=NOW))
    assert row(plane, "<root_account>")[:4] == ["true", "no_information", AT_NOW, "not_supported"]


def test_access_keys_are_in_it_as_they_were_created_inactive_ones_with_their_dates(plane: Plane) -> None:
    plane.user("ann")
    given(plane, key("AKIAB", "ann", NOW - 60), key("AKIAA", "ann", NOW, active=False), key("AKIAC", "", NOW))
    columns = ["true", "2023-11-14T22:12:20Z", "N/A", "N/A", "N/A", "false", AT_NOW, "N/A", "N/A", "N/A"]
    assert row(plane, "ann")[5:15] == columns
    assert row(plane, "<root_account>")[5:10] == ["true", AT_NOW, "N/A", "N/A", "N/A"]


def test_keys_of_one_second_are_in_it_as_they_were_created(plane: Plane) -> None:
    names = ("ann", "bob", "cid", "dot")
    for name in names:
        plane.user(name)
        first = plane.call("CreateAccessKey", UserName=name)["AccessKey"]["AccessKeyId"]
        plane.now += 0.002
        plane.call("CreateAccessKey", UserName=name)
        plane.call("UpdateAccessKey", UserName=name, AccessKeyId=first, Status="Inactive")
    told = [row(plane, name) for name in names]
    assert {(one[5], one[10]) for one in told} == {("false", "true")}


def test_signing_certificates_are_in_it_the_inactive_ones_first(plane: Plane) -> None:
    plane.user("ann")
    given(plane, certificate("A", "ann", NOW - 60), certificate("B", "ann", NOW, active=False))
    assert row(plane, "ann")[15:] == ["false", AT_NOW, "true", "2023-11-14T22:12:20Z"]
    given(plane, certificate("C", "", NOW))
    plane.now += 5 * HOURS
    assert row(plane, "<root_account>")[15:] == ["true", AT_NOW, "false", "N/A"]


def test_enabled_second_factors_are_in_it(plane: Plane) -> None:
    for name in ("ann", "bob"):
        plane.user(name)
    given(plane, MfaDevice(account=ACCOUNT, name="a", seed=b"", created=NOW, user="ann", enabled=NOW))
    given(plane, MfaDevice(account=ACCOUNT, name="b", seed=b"", created=NOW, user="bob"))
    assert [row["mfa_active"] for row in rows(plane)] == ["false", "true", "false"]
