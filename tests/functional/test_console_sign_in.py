"""Signing in to the console: passwords, codes, links and federation, and what CloudTrail has of it."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

import httpx
import pytest

from support.console import PASSWORD, Browser, key_of, mfa_device, user_with_password, words
from support.plane import RunningPlane, allow, fresh

WRONG = "Your authentication information is incorrect. Please try again."


@pytest.fixture
def browser(plane: RunningPlane) -> Browser:
    return Browser(plane)


def events(plane: RunningPlane, user: str) -> list[dict[str, Any]]:
    """The sign-in events of a user, oldest first."""
    found = plane.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": user}]
    )["Events"]
    told = (json.loads(event["CloudTrailEvent"]) for event in found)
    return [event for event in told if event["eventSource"] == "signin.amazonaws.com"][::-1]


def test_a_user_signs_in_with_a_password_and_is_recorded(plane: RunningPlane, browser: Browser) -> None:
    user = user_with_password(plane, allow("iam:ListRoles"))
    answer = browser.sign_in(user)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert user in browser.text("/console/")
    (event,) = events(plane, user)
    assert event["eventName"] == "ConsoleLogin"
    assert event["eventType"] == "AwsConsoleSignIn"
    assert event["responseElements"] == {"ConsoleLogin": "Success"}
    assert event["additionalEventData"]["MFAUsed"] == "No"
    assert event["userIdentity"]["userName"] == user
    assert "PasswordLastUsed" in plane.client("iam").get_user(UserName=user)["User"]


def test_calls_of_the_console_are_the_users_own_and_say_that_they_come_from_it(
    plane: RunningPlane, browser: Browser
) -> None:
    user = user_with_password(plane, allow("iam:ListRoles"))
    browser.sign_in(user)
    assert browser.get("/console/roles").status_code == 200
    found = plane.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": user}]
    )["Events"]
    listed = next(json.loads(it["CloudTrailEvent"]) for it in found if it["EventName"] == "ListRoles")
    assert listed["sessionCredentialFromConsole"] == "true"
    assert listed["userIdentity"]["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"


def test_a_user_without_permission_sees_awss_denial_and_no_empty_table(plane: RunningPlane, browser: Browser) -> None:
    browser.sign_in(user_with_password(plane))
    page = browser.get("/console/roles")
    assert page.status_code == 403
    assert "is not authorized to perform: iam:ListRoles" in words(page.text)
    assert "<table" not in page.text


def test_a_wrong_password_and_a_wrong_name_get_one_answer(plane: RunningPlane, browser: Browser) -> None:
    user = user_with_password(plane)
    answers = [browser.sign_in(user, "wrong-Password-1"), browser.sign_in(fresh("nobody"), "wrong-Password-1")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert all(WRONG in answer.text for answer in answers)
    assert not any("set-cookie" in answer.headers for answer in answers)
    (event,) = events(plane, user)
    assert event["responseElements"] == {"ConsoleLogin": "Failure"}
    assert event["errorMessage"] == "Failed authentication"
    hidden = events(plane, "HIDDEN_DUE_TO_SECURITY_REASONS")[-1]
    assert hidden["errorMessage"] == "No username found in supplied account"


def test_a_code_is_wanted_where_there_is_a_device_and_is_good_once(plane: RunningPlane, browser: Browser) -> None:
    user = user_with_password(plane)
    totp = mfa_device(plane, user)
    asked = browser.sign_in(user)
    assert "MFA code" in asked.text
    assert PASSWORD not in asked.text
    assert "set-cookie" not in asked.headers
    code = totp.now()
    assert browser.sign_in(user, "", pending=_pending(asked), code=code).status_code == 303
    assert events(plane, user)[-1]["additionalEventData"]["MFAUsed"] == "Yes"
    other = Browser(plane)
    again = other.sign_in(user, "", pending=_pending(other.sign_in(user)), code=code)
    assert again.status_code == 403


def test_attack_a_code_without_the_password_before_it(plane: RunningPlane, browser: Browser) -> None:
    user = user_with_password(plane)
    totp = mfa_device(plane, user)
    assert browser.sign_in(user, "", pending="0" * 64, code=totp.now()).status_code == 403


def test_attack_trying_passwords_is_throttled_and_then_even_the_right_one_is_refused(
    plane: RunningPlane, browser: Browser
) -> None:
    user = user_with_password(plane)
    for number in range(10):
        assert browser.sign_in(user, f"Wrong-password-{number}").status_code == 403
    assert "Too many attempts" in browser.sign_in(user).text
    assert Browser(plane).sign_in(user_with_password(plane)).status_code == 303


def test_a_password_that_has_to_be_changed_opens_nothing_else(plane: RunningPlane, browser: Browser) -> None:
    user = user_with_password(plane, allow("iam:*"), PasswordResetRequired=True)
    assert browser.sign_in(user).status_code == 303
    kept_out = browser.get("/console/roles")
    assert (kept_out.status_code, kept_out.headers["location"]) == (303, "/console/password")
    new = "Another-horse-8-staple"
    token = browser.get("/console/password").text.split('name="csrf" value="')[1].split('"')[0]
    wrong = browser.http.post(
        "/console/password", data={"csrf": token, "old": PASSWORD, "new": new, "again": new + "x"}
    )
    assert wrong.status_code == 400
    done = browser.http.post("/console/password", data={"csrf": token, "old": PASSWORD, "new": new, "again": new})
    assert done.status_code == 303
    assert browser.get("/console/roles").status_code == 200
    assert Browser(plane).sign_in(user, new).status_code == 303


def test_root_signs_in_by_a_link_sets_a_password_and_signs_in_with_it(plane: RunningPlane, browser: Browser) -> None:
    browser.enter()
    new = "Root-has-a-password-1"
    assert browser.post("/console/password", old="", new=new, again=new).status_code == 303
    assert Browser(plane).sign_in("", new, **{"as": "root"}).status_code == 303
    assert browser.post("/console/password", old="wrong", new=new + "2", again=new + "2").status_code == 400
    plane_key = plane.client("iam").get_account_summary()["SummaryMap"]
    assert plane_key["Roles"] >= 0


def test_attack_a_link_is_good_once(plane: RunningPlane, browser: Browser) -> None:
    link = plane.locum("console", "--url").stdout.strip().removeprefix(browser.url)
    assert browser.get(link).status_code == 200
    assert Browser(plane).get(link).status_code == 403


def test_switching_the_role_and_back(plane: RunningPlane, browser: Browser) -> None:
    user = user_with_password(plane, allow("sts:AssumeRole"))
    role = plane.role(json.dumps(_trusting("arn:aws:iam::000000000000:root")), allow("iam:ListRoles"))
    browser.sign_in(user)
    assert browser.get("/console/roles").status_code == 403
    assert browser.post("/console/switch-role", account="000000000000", role=role).status_code == 303
    assert browser.get("/console/roles").status_code == 200
    assert f"assumed-role/{role}/{user}" in browser.text("/console/")
    browser.post("/console/switch-back")
    assert browser.get("/console/roles").status_code == 403


def test_a_role_signs_in_by_federation(plane: RunningPlane, browser: Browser) -> None:
    key = plane.assume(plane.role(json.dumps(_trusting("arn:aws:iam::000000000000:root")), allow("iam:ListRoles")))
    told = {"sessionId": key.access_key_id, "sessionKey": key.secret_access_key, "sessionToken": key.session_token}
    query = urllib.parse.urlencode({"Action": "getSigninToken", "Session": json.dumps(told)})
    token = httpx.get(f"{browser.url}/federation?{query}", trust_env=False).json()["SigninToken"]
    login = {"Action": "login", "Destination": f"{browser.url}/console/roles", "SigninToken": token}
    answer = browser.get(f"/federation?{urllib.parse.urlencode(login)}")
    assert "url=/console/roles" in answer.text
    assert browser.get("/console/roles").status_code == 200


@pytest.mark.parametrize("destination", ["https://example.org/console/", "//example.org/", "/console/../evil", ""])
def test_attack_federation_leads_nowhere_else(plane: RunningPlane, browser: Browser, destination: str) -> None:
    key = plane.assume(plane.role(json.dumps(_trusting("arn:aws:iam::000000000000:root"))))
    told = {"sessionId": key.access_key_id, "sessionKey": key.secret_access_key, "sessionToken": key.session_token}
    query = urllib.parse.urlencode({"Action": "getSigninToken", "Session": json.dumps(told)})
    token = browser.get(f"/federation?{query}").json()["SigninToken"]
    login = {"Action": "login", "Destination": destination, "SigninToken": token}
    answer = browser.get(f"/federation?{urllib.parse.urlencode(login)}")
    assert "url=/console/" in answer.text
    assert "example.org" not in answer.text


def test_attack_federation_with_credentials_that_are_no_sessions(plane: RunningPlane, browser: Browser) -> None:
    _, user = plane.user()
    session = key_of(plane.client("sts", user).get_session_token())
    for key, secret in ((session, session.secret_access_key), (plane.root, "x"), (session, "forged")):
        told = {"sessionId": key.access_key_id, "sessionKey": secret, "sessionToken": key.session_token or ""}
        query = urllib.parse.urlencode({"Action": "getSigninToken", "Session": json.dumps(told)})
        assert browser.get(f"/federation?{query}").status_code == 400


def test_signing_out_ends_the_session(plane: RunningPlane, browser: Browser) -> None:
    browser.sign_in(user_with_password(plane))
    cookies = dict(browser.http.cookies)
    assert browser.post("/console/sign-out").status_code == 303
    again = httpx.get(f"{browser.url}/console/", cookies=cookies, trust_env=False)
    assert again.headers["location"].startswith("/console/sign-in")


def _trusting(arn: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _pending(asked: httpx.Response) -> str:
    """What the form for a code has in place of the password."""
    return asked.text.split('name="pending" value="')[1].split('"')[0]
