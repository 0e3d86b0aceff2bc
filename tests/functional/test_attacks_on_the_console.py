"""What another page, another name or another program could do to the console of somebody who is signed in."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from support.console import Browser
from support.plane import ACCOUNT, TRUSTS_EC2, RunningPlane, allow, document, fresh

MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def browser(plane: RunningPlane) -> Browser:
    return Browser(plane).enter()


def test_attack_a_form_from_another_origin_of_the_same_site(plane: RunningPlane, browser: Browser) -> None:
    """A page out of a bucket, on the gateway's port: the browser sends it the cookie."""
    name, token = fresh("role"), browser.token()
    fields = {"csrf": token, "name": name, "trusted": "service", "service": "ec2.amazonaws.com"}
    for headers in (
        {"origin": plane.endpoint, "sec-fetch-site": "same-site"},
        {"origin": plane.endpoint},
        {"origin": "null"},
        {"origin": browser.url, "sec-fetch-site": "cross-site"},
    ):
        answer = browser.http.post("/console/roles/new", data=fields, headers=headers)
        assert answer.status_code == 403, headers
    assert name not in browser.text("/console/roles")


def test_attack_a_form_without_an_origin(browser: Browser) -> None:
    request = browser.http.build_request(
        "POST", "/console/region", data={"csrf": browser.token(), "region": "eu-west-1"}
    )
    del request.headers["origin"]
    assert browser.http.send(request).status_code == 403


def test_attack_a_form_without_the_token_of_the_session(browser: Browser) -> None:
    for token in ("", "0" * 64, "é"):
        answer = browser.http.post("/console/region", data={"csrf": token, "region": "eu-west-1"})
        assert answer.status_code == 403


def test_attack_a_name_that_points_here(browser: Browser) -> None:
    """DNS rebinding."""
    for host in ("evil.example:4567", "127.0.0.1", "localhost:1", ""):
        assert browser.get("/console/roles", host=host).status_code == 421


def test_attack_a_page_that_reads_pages_of_the_console(plane: RunningPlane, browser: Browser) -> None:
    for mode in ("cors", "no-cors", "same-origin"):
        headers = {"sec-fetch-site": "same-site", "sec-fetch-mode": mode, "origin": plane.endpoint}
        answer = browser.get("/console/roles", **headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_attack_the_console_in_a_frame(browser: Browser) -> None:
    framed = {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    assert browser.get("/console/", **framed).status_code == 403
    headers = browser.get("/console/").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"


def test_no_script_but_the_consoles_own_files_runs(browser: Browser) -> None:
    for path in ("/console/", "/console/roles", "/console/roles/new", "/console/sign-in", "/console/none"):
        answer = browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert "<script>" not in answer.text
        assert " onclick=" not in answer.text
        assert " style=" not in answer.text
        assert answer.headers["cache-control"] == "no-store"


def test_attack_markup_in_names_documents_and_tags(plane: RunningPlane, browser: Browser) -> None:
    iam, name = plane.client("iam"), fresh("role")
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Sid": "a", "Principal": {"Service":'
    trust += ' "ec2.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:RequestTag/x":'
    trust += ' "</textarea><script>alert(1)</script>"}}}]}'
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Description="</textarea><script>alert(1)</script>")
    page = browser.get(f"/console/roles/{name}").text
    assert "<script>alert" not in page
    assert "&lt;/textarea&gt;&lt;script&gt;" in page
    for path in (
        f"/console/roles/{MARKUP}",
        f"/console/sign-in?next={MARKUP}",
        f"/console/switch-role?roleName={MARKUP}",
    ):
        assert "<script>alert" not in browser.get(path).text


def test_attack_a_position_in_the_trail_that_is_none(browser: Browser) -> None:
    for position in ("x", "-1", "9" * 30, "9" * 5000, "²"):
        assert browser.get(f"/console/trail-rows?after={position}").status_code == 200


def test_attack_a_form_without_end(browser: Browser) -> None:
    answer = browser.http.post("/console/validate", data={"csrf": browser.token(), "document": "x" * (2 << 20)})
    assert answer.status_code == 413


def test_attack_somebody_who_is_not_signed_in_sees_nothing(plane: RunningPlane) -> None:
    stranger = Browser(plane)
    for path in ("/console/", "/console/roles", "/console/roles/app", "/console/password"):
        answer = stranger.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console/sign-in")
        assert not answer.text
    assert stranger.http.post("/console/roles/new", data={"name": "x"}).status_code == 303


def test_attack_a_comparison_of_policies_that_have_nothing_in_common(plane: RunningPlane, browser: Browser) -> None:
    """Where all lines differ a little, similar ones take minutes to find."""
    iam, of_policy = plane.client("iam"), dict[str, str]()
    for letter in "ab":
        pairs = [chr(97 + number % 26) + chr(97 + number // 26) for number in range(450)]
        text = document(allow([f"s3:{pair}{letter}*" for pair in pairs]))
        if of_policy:
            iam.create_policy_version(**of_policy, PolicyDocument=text, SetAsDefault=True)
        else:
            of_policy["PolicyArn"] = iam.create_policy(PolicyName=fresh("p"), PolicyDocument=text)["Policy"]["Arn"]
    page = browser.get(f"/console/policies/{quote(of_policy['PolicyArn'], safe='')}?version=v2&against=v1")
    assert (page.text.count("<ins>"), page.text.count("<del>")) == (450, 450)


def test_attack_a_matrix_of_millions(plane: RunningPlane, browser: Browser) -> None:
    """A page out of a bucket can have somebody go to it."""
    asked = {
        "principal": f"arn:aws:iam::{ACCOUNT}:role/{plane.role(TRUSTS_EC2)}",
        "actions": " ".join(["s3:GetObject"] * 300), "resources": " ".join(["*"] * 300),
    }  # fmt: skip
    page = browser.http.get("/console/simulator", params=asked).text
    assert "at most 400 verdicts" in page
    assert len(page) < 100_000
