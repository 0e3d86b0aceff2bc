"""The console's pages of users, groups, policies, profiles and one's own credentials."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pyotp
import pytest

from locum.console.navigation import navigation
from support.console import PASSWORD, Browser, user_with_password, words
from support.plane import RunningPlane, allow, document, fresh

LINKS = [path for _, links in navigation() for _, path in links]
LOADED = {"/console/escalations": "/console/escalations/paths", "/console/audit": "/console/audit/findings"}
"""What pages load when they are there."""


@pytest.fixture(scope="module")
def browser(plane: RunningPlane) -> Browser:
    return Browser(plane).enter()


@pytest.fixture(scope="module")
def stranger(plane: RunningPlane) -> Browser:
    stranger = Browser(plane)
    stranger.sign_in(user_with_password(plane))
    return stranger


@pytest.mark.parametrize("path", LINKS)
def test_every_page_of_the_navigation_answers_and_marks_itself(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200
    assert f'href="{path}" aria-current="page"' in answer.text


@pytest.mark.parametrize("path", [path for path in LINKS if path not in ("/console/who-can", "/console/what-can")])
def test_who_may_nothing_is_told_so_on_every_page(stranger: Browser, path: str) -> None:
    text = stranger.text(LOADED.get(path, path))
    silent = path in ("/console/simulator", "/console/quiz")
    assert silent or "is not authorized to perform" in text


def test_a_user_gets_a_group_a_password_and_a_key(plane: RunningPlane, browser: Browser) -> None:
    user, group = fresh("ann"), fresh("readers")
    assert browser.post("/console/users", name=user).headers["location"] == f"/console/users/{user}"
    assert browser.post("/console/groups", name=group).status_code == 303
    browser.post(f"/console/users/{user}/groups", group=group)
    browser.post(f"/console/groups/{group}/inline", policy="read", document=document(allow("iam:ListRoles")))
    browser.post(f"/console/users/{user}/password", password=PASSWORD)
    key = browser.post(f"/console/users/{user}/keys")
    found = re.search(r"Secret access key</dt><dd class=\"mono\">([^<]+)<", key.text)
    assert found is not None
    page = browser.get(f"/console/users/{user}")
    assert found[1] not in page.text
    assert group in page.text
    other = Browser(plane)
    assert other.sign_in(user).status_code == 303
    assert other.get("/console/roles").status_code == 200
    assert browser.post(f"/console/groups/{group}/delete").headers["location"] == "/console/groups"
    assert browser.post(f"/console/users/{user}/delete").headers["location"] == "/console/users"
    browser.get("/console/users")  # which tells what was done, once
    assert user not in browser.text("/console/users")


def test_passwords_are_not_in_the_command_that_is_told(plane: RunningPlane, browser: Browser) -> None:
    user, _ = plane.user()
    browser.post(f"/console/users/{user}/password", password=PASSWORD)
    page = browser.get(f"/console/users/{user}").text
    assert "aws iam create-login-profile" in page
    assert PASSWORD not in page


def test_a_policy_gets_a_version_which_is_compared_and_put_back(plane: RunningPlane, browser: Browser) -> None:
    name = fresh("policy")
    made = browser.post("/console/policies/new", name=name, document=document(allow("s3:GetObject")))
    page = made.headers["location"]
    arn = f"arn:aws:iam::000000000000:policy/{name}"
    browser.post("/console/policy-versions", arn=arn, document=document(allow("s3:PutObject")))
    differs = browser.get(f"{page}?version=v2&against=v1").text
    assert "<del>" in differs
    assert "s3:PutObject" in differs.split("<ins>")[1]
    browser.post("/console/policy-versions/default", arn=arn, version="v1")
    policy = plane.client("iam").get_policy(PolicyArn=arn)["Policy"]
    assert policy["DefaultVersionId"] == "v1"
    assert browser.post("/console/policies/delete", arn=arn).headers["location"] == "/console/policies"


def test_a_refused_policy_is_still_in_the_editor(browser: Browser, plane: RunningPlane) -> None:
    role = plane.role(document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
                                "Action": "sts:AssumeRole"}))  # fmt: skip
    typed = '{"Version": "2012-10-17", "Statement": [{"Effect": "Perhaps"}]}'
    answer = browser.post(f"/console/roles/{role}/inline", policy="x", document=typed)
    assert answer.status_code == 400
    assert "MalformedPolicyDocument" in answer.text
    assert "Perhaps" in answer.text


def test_a_role_for_ec2_brings_its_profile_and_takes_it_along(plane: RunningPlane, browser: Browser) -> None:
    name, iam = fresh("web"), plane.client("iam")
    fields = {"name": name, "trusted": "service", "service": "ec2.amazonaws.com"}
    assert browser.post("/console/roles/new", **fields).status_code == 303
    profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == [name]
    page = browser.get(f"/console/roles/{name}").text
    assert "aws iam add-role-to-instance-profile" in page
    assert browser.post(f"/console/roles/{name}/delete").headers["location"] == "/console/roles"
    assert name not in [it["InstanceProfileName"] for it in iam.list_instance_profiles()["InstanceProfiles"]]


def test_revoking_sessions_denies_those_that_there_are(plane: RunningPlane, browser: Browser) -> None:
    trust = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
         "Principal": {"AWS": "arn:aws:iam::000000000000:root"}}]}
    )  # fmt: skip
    role = plane.role(trust, allow("iam:ListRoles"))
    key = plane.assume(role)
    plane.client("iam", key).list_roles()
    browser.post(f"/console/roles/{role}/revoke")
    with pytest.raises(Exception, match="explicit deny"):
        plane.client("iam", key).list_roles()


def test_somebody_adds_an_mfa_device_and_signs_in_with_it(plane: RunningPlane) -> None:
    user = user_with_password(plane, allow("iam:*"))
    own = Browser(plane)
    own.sign_in(user)
    page = own.post("/console/security/devices", name=user)
    seed = re.search(r'id="seed">([A-Z2-7=]+)<', page.text)
    serial = re.search(r'name="serial" value="([^"]+)"', page.text)
    assert seed is not None
    assert serial is not None
    totp = pyotp.TOTP(seed[1])
    wrong = own.post("/console/security/devices/enable", serial=serial[1], code1="000000", code2="000001")
    assert wrong.status_code == 400
    now = totp.timecode(datetime.now(UTC))
    codes = [totp.generate_otp(now + step) for step in (-2, -1)]
    done = own.post("/console/security/devices/enable", serial=serial[1], code1=codes[0], code2=codes[1])
    assert done.status_code == 303
    assert "MFA code" in Browser(plane).sign_in(user).text


def test_attack_a_page_of_another_account_is_no_page_here(browser: Browser) -> None:
    arn = "arn:aws:iam::999999999999:policy/x"
    answer = browser.get(f"/console/policies/{arn.replace('/', '%2F')}")
    assert answer.status_code in (403, 404)
    assert "x" in words(answer.text)


def test_a_role_whose_policy_is_refused_is_told_to_be_there(plane: RunningPlane, browser: Browser) -> None:
    name = fresh("half")
    fields = {"name": name, "trusted": "service", "service": "ec2.amazonaws.com", "document": '{"Version": "x"}'}
    answer = browser.post("/console/roles/new", **fields)
    assert answer.headers["location"] == f"/console/roles/{name}"
    told = browser.text(f"/console/roles/{name}")
    assert "Before the error, this was done." in told
    assert "aws iam add-role-to-instance-profile" in told
    assert plane.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]


def test_a_filter_takes_a_service_by_its_short_name(browser: Browser) -> None:
    assert "iam:CreateRole" in browser.text("/console/trail?source=iam&event=CreateRole")
    assert "No call is like that yet." in browser.text("/console/trail?source=iam&event=NoSuch")
