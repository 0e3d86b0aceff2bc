"""Labs and the quiz in the console."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.console import Browser, user_with_password, words
from support.plane import RunningPlane, allow, up

LAB = "/console/labs/external-id"


@pytest.fixture(scope="module")
def browser(plane: RunningPlane) -> Browser:
    return Browser(plane).enter()


def done(browser: Browser, what: str) -> str:
    """What the page of the lab tells after a button."""
    assert browser.http.post(f"{LAB}/{what}", data={"csrf": browser.token()}).status_code == 303
    return browser.text(LAB)


def test_a_lab_is_broken_hinted_at_solved_and_taken_away(browser: Browser) -> None:
    assert "Start" in browser.text(LAB)
    try:
        assert "built, and broken" in done(browser, "start")
        assert "Not yet." in done(browser, "check")
        assert "Hint 1:" in done(browser, "hint")
        assert "aws iam" in done(browser, "solve")
        assert "Solved." in done(browser, "check")
        assert "solved by" in browser.text("/console/labs")
    finally:
        assert "Nothing of the lab is left." in done(browser, "reset")
    assert "is not started" in done(browser, "check")


def test_labs_are_built_with_what_the_one_who_is_signed_in_may_do(plane: RunningPlane) -> None:
    own = Browser(plane)
    own.sign_in(user_with_password(plane, allow(["iam:Get*", "locum:*LabProgress"])))
    assert "is not authorized to perform: organizations:DescribeOrganization" in done(own, "start")
    assert "is not started" in done(own, "check")


def test_attack_a_lab_of_the_account_seen_and_changed_by_somebody_who_may_not(plane: RunningPlane) -> None:
    own, may_see = Browser(plane), Browser(plane)
    own.sign_in(user_with_password(plane, allow("iam:*")))
    page = own.get(LAB)
    assert page.status_code == 403
    assert "is not authorized to perform: locum:GetLabProgress" in words(page.text)
    may_see.sign_in(user_with_password(plane, allow(["locum:GetLabProgress", "iam:*", "organizations:*"])))
    assert "is not authorized to perform: locum:PutLabProgress" in done(may_see, "start")


def test_attack_a_lab_seen_and_taken_away_by_another_account(tmp_path: Path) -> None:
    """Nothing of it is in that account, so that taking all of it away would succeed."""
    with up(tmp_path) as plane:
        organizations = plane.client("organizations")
        organizations.create_organization()
        made = organizations.create_account(AccountName="other", Email="o@example.com")["CreateAccountStatus"]
        told = organizations.describe_create_account_status(CreateAccountRequestId=made["Id"])["CreateAccountStatus"]
        own, other = Browser(plane).enter(), Browser(plane).enter(account=told["AccountId"])
        assert "built, and broken" in done(own, "start")
        assert "Reset" not in other.text(LAB)
        assert "is not started" in done(other, "reset")
        assert "Hint 1:" in done(own, "hint")


def test_a_question_is_answered_wrongly_and_rightly(browser: Browser) -> None:
    answers = [browser.post("/console/quiz/1", answer=letter).text for letter in "abc"]
    assert sum("<strong>Right.</strong>" in text for text in answers) == 1
    assert browser.get("/console/quiz/51").status_code == 404
    assert browser.get("/console/labs/none").status_code == 404
