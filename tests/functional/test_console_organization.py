"""The organization in the console: its tree, accounts that are made and moved, policies that are in force at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape

import pytest

from support.console import Browser, user_with_password, words
from support.plane import ACCOUNT, allow, fresh, up

pytestmark = pytest.mark.xdist_group("console-organization")

MARKUP = '"></a><script>alert(1)</script>'
SCP = "SERVICE_CONTROL_POLICY"
DENY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}]})


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Root's browser before a plane of its own: there is one organization an account."""
    with up(tmp_path_factory.mktemp("organization")) as running:
        browser = Browser(running).enter()
        assert "This account is in no organization." in browser.text("/console/organization")
        browser.post("/console/organization")
        yield browser


def root_of(browser: Browser) -> str:
    found = re.search(r'/console/organization/(r-\w+)"', browser.get("/console/organization").text)
    assert found is not None
    return found[1]


def unit(browser: Browser, name: str = "", parent: str = "") -> str:
    """The id of a new unit."""
    name = name or fresh("unit")
    browser.post(f"/console/organization/{parent or root_of(browser)}/units", name=name)
    page = browser.get("/console/organization").text
    found = re.findall(r'/console/organization/(ou-[\w-]+)"><strong>([^<]*)', page)
    return next(str(own_id) for own_id, told in found if unescape(told) == name)


def account(browser: Browser, name: str = "", unit: str = "") -> str:
    """The id of a new account."""
    name = name or fresh("account")
    browser.post("/console/organization-accounts", name=name, email=f"{fresh('mail')}@example.com", role="", unit=unit)
    found = re.search(r"The account (\d{12}) is made", browser.text("/console/organization"))
    assert found is not None
    return found[1]


def policy(browser: Browser, document: str = DENY, **fields: str) -> str:
    """The id of a new policy."""
    given = {"name": fresh("scp"), "description": "", "type": SCP, "document": document}
    answer = browser.post("/console/organization-policies", **given | fields)
    assert answer.status_code == 303, words(answer.text)
    return answer.headers["location"].rpartition("/")[2]


def line_of(browser: Browser, own_id: str) -> str:
    """What the tree has of a unit or account: its name and its policies."""
    page = browser.get("/console/organization").text
    return words(page.partition(f'/console/organization/{own_id}"')[2].partition("<li>")[0])


def test_an_account_is_made_in_a_unit_and_moved(company: Browser) -> None:
    first = unit(company)
    second = unit(company, parent=first)
    own_id = account(company, unit=first)
    page = f"/console/organization/{own_id}"
    assert f"In {first}" in company.text(page)
    company.post(f"{page}/move", to=second)
    assert f"In {second}" in company.text(page)
    assert "aws organizations create-account" not in company.text(page)
    tree = company.get("/console/organization").text
    assert tree.index(first) < tree.index(second) < tree.index(f"/console/organization/{own_id}")


def test_a_policy_is_made_attached_and_in_force_then_changed_and_detached(company: Browser) -> None:
    company.post(f"/console/organization/{root_of(company)}/enable", type=SCP)
    own_id, deny = account(company), policy(company)
    boss = Browser(company.plane)
    boss.sign_in(user_with_password(company.plane, allow("*")))
    boss.post("/console/switch-role", account=own_id, role="OrganizationAccountAccessRole")
    assert boss.get("/console/roles").status_code == 200
    page = f"/console/organization/{own_id}"
    company.post(f"{page}/attach", policy=deny)
    assert "scp-" in line_of(company, own_id)
    denied = boss.get("/console/roles")
    assert denied.status_code == 403
    assert "with an explicit deny in a service control policy" in denied.text
    own = f"/console/organization-policies/{deny}"
    company.post(f"{own}/update", type=SCP, document=DENY.replace("iam:*", "s3:*"))
    assert boss.get("/console/roles").status_code == 200
    company.post(f"{own}/delete")
    assert "attached" in company.text(own)
    company.post(f"{page}/detach", policy=deny)
    assert company.post(f"{own}/delete").headers["location"] == "/console/organization-policies"
    assert company.get(own).status_code == 404


def test_policies_are_validated_by_their_type_and_refused_ones_have_what_was_typed(company: Browser) -> None:
    assert f"type={SCP}" in company.get("/console/organization-policies").text
    kind = "RESOURCE_CONTROL_POLICY"
    assert f"type={kind}" in company.get(f"/console/organization-policies?type={kind}").text
    given = {"name": "typed", "description": "", "type": SCP, "document": '{"Version": 1}'}
    answer = company.post("/console/organization-policies", **given)
    assert answer.status_code == 400
    assert "MalformedPolicyDocumentException" in answer.text
    assert 'value="typed"' in answer.text
    own_id = policy(company)
    answer = company.post(f"/console/organization-policies/{own_id}/update", type=SCP, document="{")
    assert answer.status_code == 400
    assert "MalformedPolicyDocumentException" in answer.text


def test_types_of_policies_are_enabled_and_disabled(company: Browser) -> None:
    page = f"/console/organization/{root_of(company)}"
    for action, state in (("enable", "yes"), ("disable", "no")):
        company.post(f"{page}/{action}", type="RESOURCE_CONTROL_POLICY")
        assert f"Resource control policy (RCP) {state}" in company.text("/console/organization")


def test_a_unit_is_renamed_and_deleted_and_an_account_closed(company: Browser) -> None:
    own_id, new = unit(company), fresh("renamed")
    page = f"/console/organization/{own_id}"
    company.post(f"{page}/rename", name=new)
    assert new in company.text(page)
    company.post(f"{page}/delete")
    assert company.get(page).status_code == 404
    closed = account(company)
    company.post(f"/console/organization/{closed}/close")
    assert "suspended" in line_of(company, closed) or "closed" in line_of(company, closed)


def test_who_may_not_is_told_so(company: Browser) -> None:
    own_id = account(company)
    reader = Browser(company.plane)
    reader.sign_in(user_with_password(company.plane, allow("organizations:DescribeOrganization")))
    told = reader.text("/console/organization")
    assert f"Management account {ACCOUNT}" in told
    assert "is not authorized to perform: organizations:ListRoots" in told
    reader.post(f"/console/organization/{own_id}/close")
    assert "Status ACTIVE" in company.text(f"/console/organization/{own_id}")


def test_attack_markup_in_names(company: Browser) -> None:
    made, own_id = unit(company, MARKUP), account(company, MARKUP)
    deny = policy(
        company, name=fresh("scp") + MARKUP, description=MARKUP, document=DENY.replace("iam:*", "iam:</textarea>*")
    )
    paths = ["/console/organization", "/console/organization-policies", f"/console/organization-policies/{deny}"]
    for path in (*paths, f"/console/organization/{own_id}", f"/console/organization/{made}"):
        page = company.get(path).text
        assert "<script>alert" not in page, path
        assert "iam:</textarea>" not in page, path


def test_attack_accounts_of_nobody_and_of_others_in_paths(company: Browser) -> None:
    for name in ("111111111111", "ou-none-00000000", "r-none", "p-none", MARKUP.replace("/", "%2F")):
        for folder in ("organization", "organization-policies"):
            answer = company.get(f"/console/{folder}/{name}")
            assert answer.status_code in {400, 403, 404}, (folder, name)
            assert "<script>alert" not in answer.text
    company.post("/console/organization/111111111111/move", to=root_of(company))
    assert 'class="note error"' in company.get("/console/organization").text


def test_attack_a_form_for_something_else(company: Browser) -> None:
    """An account is moved from where it is, and what is attached goes to the one in the path."""
    company.post(f"/console/organization/{root_of(company)}/enable", type=SCP)
    own_id, other, deny = account(company), account(company), policy(company)
    company.post(f"/console/organization/{own_id}/attach", policy=deny, id=other, TargetId=other, target=other)
    assert "scp-" in line_of(company, own_id)
    assert "scp-" not in line_of(company, other)
