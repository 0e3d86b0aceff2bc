"""What somebody could do before being signed in to the console, or to whom somebody else is signed in as."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import Final

import httpx
import pytest

from support.console import Browser, mfa_device, user_with_password, words
from support.plane import RunningPlane, trusting

WRONG: Final = "Your authentication information is incorrect."
TOO_MANY: Final = "Too many attempts."
TRIES: Final = 10
OTHERS: Final = ("same-site", "cross-site")


@pytest.fixture
def browser(plane: RunningPlane) -> Browser:
    return Browser(plane)


def test_attack_many_passwords_tried_at_the_same_time(plane: RunningPlane) -> None:
    user, told = user_with_password(plane), list[str]()

    def guess(number: int) -> None:
        told.append(Browser(plane).sign_in(user, f"guess {number}").text)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(WRONG in text for text in told) <= TRIES + 1  # two are compared at once
    assert sum(TOO_MANY in text for text in told) >= 40 - TRIES - 1


def test_attack_names_of_users_found_out_by_who_is_throttled(plane: RunningPlane, browser: Browser) -> None:
    """An account has several spellings."""
    user, answers = user_with_password(plane), list[list[str]]()
    for name in (user, f"no-{user}"):
        for _ in range(TRIES):
            browser.sign_in(name, "wrong")
        spelled = [browser.sign_in(name, "wrong", account=account) for account in ("0000-0000-0000", "0000-00000000")]
        answers.append([words(answer.text).replace(name, "") for answer in spelled])
    assert answers[0] == answers[1]
    assert all(TOO_MANY in text for text in answers[0])


def test_attack_a_form_in_a_character_set_that_takes_minutes_to_decode(browser: Browser) -> None:
    """Punycode inserts each character: the time grows with the square of the length. Nobody has to be signed in."""
    value = b"a" * 200_000 + b"-" + b"a" * 300_000
    body = b'--x\r\nContent-Disposition: form-data; name="account"\r\n\r\n' + value + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x; charset=punycode"
    before = time.monotonic()
    answer = browser.http.post("/console/sign-in", content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert time.monotonic() - before < 4  # it took more than ten, in which the plane did nothing else


def test_attack_a_form_with_fields_without_end(browser: Browser) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = browser.http.post("/console/sign-in", content=b"a=&" * 300_000, headers=kind)
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/", "/console/", "/console/region"])
def test_attack_a_cookie_with_somebody_elses_session_from_another_port(plane: RunningPlane, path: str) -> None:
    """A page out of a bucket sets a cookie of the console's name for another path, beside the console's own."""
    mine, other = Browser(plane).enter(), Browser(plane).enter()
    name = next(iter(mine.http.cookies))
    own, tossed = mine.http.cookies[name], other.http.cookies[name]
    for both in (f"{name}={own}; {name}={tossed}", f"{name}={tossed}; x=y;{name} ={own}"):
        answer = httpx.get(f"{mine.url}/console/region", headers={"cookie": both}, trust_env=False)
        assert answer.status_code == 400
        assert 'name="csrf"' not in answer.text
        removed = answer.headers.get_list("set-cookie")
        assert any(f"Path={path};" in f"{it};" and "Max-Age=0" in it for it in removed)
        assert not any("Path=/console;" in f"{it};" for it in removed)  # the console's own stays
    assert mine.get("/console/region").status_code == 200


def test_attack_one_who_asks_for_codes_until_nobody_else_can_show_one(plane: RunningPlane) -> None:
    user, other = user_with_password(plane), user_with_password(plane)
    codes = mfa_device(plane, user)
    mfa_device(plane, other)
    asked = Browser(plane).sign_in(user).text
    waiting = re.search(r'name="pending" value="(\w+)"', asked)
    assert waiting is not None
    for number in range(101):
        assert "MFA code" in Browser(plane).sign_in(other if number % 2 else other.upper()).text
    assert Browser(plane).sign_in(user, pending=waiting[1], code=codes.now()).status_code == 303


def _token(plane: RunningPlane, browser: Browser) -> str:
    """A sign-in token for a session of a role, which is somebody else's."""
    key = plane.assume(plane.role(trusting(AWS="000000000000")))
    session = {"sessionId": key.access_key_id, "sessionKey": key.secret_access_key, "sessionToken": key.session_token}
    asked = {"Action": "getSigninToken", "Session": json.dumps(session)}
    return str(browser.http.get("/federation", params=asked).json()["SigninToken"])


@pytest.mark.parametrize("site", OTHERS)
def test_attack_a_page_that_signs_somebody_in_as_whom_it_chooses(
    plane: RunningPlane, browser: Browser, site: str
) -> None:
    token = _token(plane, browser)
    asked = {"Action": "login", "SigninToken": token, "Destination": "/console/roles"}
    sent = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    answer = browser.http.get("/federation", params=asked, headers=sent)
    assert "Another page asks to sign you in" in answer.text
    assert "set-cookie" not in answer.headers
    form = {"token": token, "destination": "/console/roles"}
    headers = {"origin": plane.endpoint, "sec-fetch-site": site}
    assert browser.http.post("/federation", data=form, headers=headers).status_code == 403
    entered = browser.http.post("/federation", data=form)
    assert "assumed-role" in browser.get("/console/region").text
    assert "url=/console/roles" in entered.text


def test_attack_a_sign_in_token_in_place_of_a_link_of_the_command_line(plane: RunningPlane, browser: Browser) -> None:
    """A link of the command line is not asked about, as nobody but the owner of the plane can make one."""
    answer = browser.http.get("/console/ticket", params={"ticket": _token(plane, browser)})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_attack_a_session_in_parentheses_without_end(browser: Browser) -> None:
    answer = browser.http.get("/federation", params={"Action": "getSigninToken", "Session": "[" * 15_000})
    assert answer.status_code == 400


def test_attack_a_destination_that_is_no_address(plane: RunningPlane, browser: Browser) -> None:
    asked = {"Action": "login", "SigninToken": _token(plane, browser), "Destination": "http://["}
    assert "url=/console/" in browser.http.get("/federation", params=asked).text
