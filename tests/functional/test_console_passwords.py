"""A console password's life with a real client, and that it is written down nowhere."""

from __future__ import annotations

import csv
import io
import json

import pytest

from support.plane import ACCOUNT, Key, RunningPlane, allow, command_lines, fresh, refused, up

pytestmark = pytest.mark.xdist_group("passwords")

FIRST, SECOND, WRONG = "Initial-Secret-1", "Chosen-Secret-22", "Guessed-Secret-3"


def everything_written(plane: RunningPlane) -> bytes:
    """All that the plane has in its directory, and what it said."""
    files = [path for path in plane.data.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in [*files, plane.home / "errors.log"])


def test_users_get_a_password_and_change_it_themselves(plane: RunningPlane) -> None:
    name, key = plane.user()
    root, own = plane.client("iam"), plane.client("iam", key)
    made = root.create_login_profile(UserName=name, Password=FIRST, PasswordResetRequired=True)["LoginProfile"]
    assert (made["UserName"], made["PasswordResetRequired"]) == (name, True)
    change = {"OldPassword": FIRST, "NewPassword": SECOND}
    denied = refused(own.change_password, **change)
    assert (denied.code, denied.status) == ("AccessDenied", 403)
    assert f"iam:ChangePassword on resource: arn:aws:iam::{ACCOUNT}:user/{name}" in denied.message
    root.put_user_policy(
        UserName=name,
        PolicyName="own",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow("iam:ChangePassword")]}),
    )
    wrong = refused(own.change_password, OldPassword=WRONG, NewPassword=SECOND)
    assert (wrong.code, wrong.status, wrong.message) == ("AccessDenied", 403, "The old password was incorrect.")
    own.change_password(**change)
    assert root.get_login_profile(UserName=name)["LoginProfile"]["PasswordResetRequired"] is False
    conflict = refused(root.delete_login_profile, UserName=fresh("nobody"))
    assert conflict.code == "NoSuchEntity"
    root.delete_access_key(UserName=name, AccessKeyId=key.access_key_id)
    root.delete_user_policy(UserName=name, PolicyName="own")
    kept = refused(root.delete_user, UserName=name)
    assert kept.message == "Cannot delete entity, must delete login profile first."
    root.delete_login_profile(UserName=name)
    root.delete_user(UserName=name)


def test_a_refused_password_is_not_repeated_to_anybody(plane: RunningPlane) -> None:
    name, _ = plane.user()
    iam = plane.client("iam", parameter_validation=False)
    for password in ("abcdefg-Ā", "", "short-x", "x" * 129):
        told = refused(iam.create_login_profile, UserName=name, Password=password)
        assert told.code in ("ValidationError", "PasswordPolicyViolation")
        assert not password or password not in told.message


def test_no_password_is_in_records_logs_or_the_journal(tmp_path_factory: pytest.TempPathFactory) -> None:
    with up(tmp_path_factory.mktemp("secrets")) as plane:
        iam = plane.client("iam")
        iam.update_account_password_policy(AllowUsersToChangePassword=True, PasswordReusePrevention=5)
        name, key = plane.user()
        iam.create_login_profile(UserName=name, Password=FIRST)
        own = plane.client("iam", key)
        own.change_password(OldPassword=FIRST, NewPassword=SECOND)
        refused(own.change_password, OldPassword=WRONG, NewPassword=FIRST)
        refused(own.change_password, OldPassword=SECOND, NewPassword=FIRST)
        iam.update_login_profile(UserName=name, Password=WRONG)
        found = plane.client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ChangePassword"}]
        )["Events"]
        assert len(found) == 3
        told = [json.loads(event["CloudTrailEvent"])["requestParameters"] for event in found]
        hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"
        assert told == [{"oldPassword": hidden, "newPassword": hidden}] * 3
        plane.stop()
        written = everything_written(plane)
        assert b"argon2id" in written
        for password in (FIRST, SECOND, WRONG):
            assert password.encode() not in written
        plane.start()
        own = Key(*key)
        plane.client("iam", own).change_password(OldPassword=WRONG, NewPassword="After-Restart-4")


def test_the_credential_report_of_a_plane(tmp_path_factory: pytest.TempPathFactory) -> None:
    with up(tmp_path_factory.mktemp("report")) as plane:
        name, key = plane.user()
        iam = plane.client("iam")
        none = refused(iam.get_credential_report)
        assert (none.code, none.status, none.message) == ("ReportNotPresent", 410, "")
        iam.create_login_profile(UserName=name, Password=FIRST)
        started = iam.generate_credential_report()
        assert (started["State"], started["Description"]) == (
            "STARTED",
            "No report exists. Starting a new report generation task",
        )
        assert iam.generate_credential_report()["State"] == "COMPLETE"
        report = iam.get_credential_report()
        assert report["ReportFormat"] == "text/csv"
        root, user = csv.DictReader(io.StringIO(report["Content"].decode()))
        assert (root["user"], root["access_key_1_active"]) == ("<root_account>", "true")
        assert (user["user"], user["password_enabled"], user["access_key_1_active"]) == (name, "true", "true")
        assert key.access_key_id not in report["Content"].decode()


@command_lines
def test_the_command_line_reads_and_sets_the_account(plane: RunningPlane, version: str) -> None:
    properties = plane.aws(version, "iam", "get-account-summary")["SummaryMap"]
    assert len(properties) == 34
    plane.aws(version, "iam", "set-security-token-service-preferences", "--global-endpoint-token-version", "v2Token")
    assert plane.aws(version, "iam", "get-account-summary")["SummaryMap"]["GlobalEndpointTokenVersion"] == 2
    plane.aws(version, "iam", "set-security-token-service-preferences", "--global-endpoint-token-version", "v1Token")
