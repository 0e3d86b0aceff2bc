"""Analyzers and the audit in the console: made, looked through by status, archived, told with what mends them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.console import Browser, user_with_password, words
from support.driven import until
from support.plane import RunningPlane, allow, fresh, trusting, up

OUTSIDE = "arn:aws:iam::999999999999:root"
pytestmark = pytest.mark.xdist_group("console-findings")

MARKUP = '"><script>alert(1)</script>'


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane of its own: an account has one analyzer of external access, and an audit looks at all that there is."""
    with up(tmp_path_factory.mktemp("findings")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(plane: RunningPlane) -> Browser:
    return Browser(plane).enter()


@pytest.fixture(scope="module")
def analyzer(plane: RunningPlane, browser: Browser) -> Iterator[str]:
    """The name of an analyzer of external access."""
    name = fresh("analyzer").replace("-", "_")
    answer = browser.post("/console/analyzers", name=name, type="ACCOUNT")
    assert answer.headers["location"] == f"/console/analyzers/{name}", words(answer.text)
    yield name
    assert browser.post(f"/console/analyzers/{name}/delete").headers["location"] == "/console/analyzers"
    assert f"/console/analyzers/{name}" not in browser.get("/console/analyzers").text


def found(plane: RunningPlane, analyzer: str, resource: str) -> str:
    """The id of the finding about a resource, once there is one."""
    client = plane.client("accessanalyzer")
    arn = client.get_analyzer(analyzerName=analyzer)["analyzer"]["arn"]
    client.start_resource_scan(analyzerArn=arn, resourceArn=resource)
    ids: list[str] = []

    def is_found() -> bool:
        asked: dict[str, Any] = {"analyzerArn": arn, "filter": {"resource": {"eq": [resource]}}}
        ids.extend(it["id"] for it in client.list_findings_v2(**asked)["findings"])
        return bool(ids)

    until(is_found)
    return ids[0]


@pytest.fixture(scope="module")
def role(plane: RunningPlane) -> str:
    """The ARN of a role that another account may assume."""
    name = plane.role(trusting(AWS=OUTSIDE))
    return str(plane.client("iam").get_role(RoleName=name)["Role"]["Arn"])


def test_a_finding_is_listed_told_and_archived(plane: RunningPlane, browser: Browser, analyzer: str, role: str) -> None:
    own_id = found(plane, analyzer, role)
    page, finding = f"/console/analyzers/{analyzer}", f"/console/analyzers/{analyzer}/findings/{own_id}"
    assert role in browser.text(page)
    told = browser.text(finding)
    for text in ("External access", role, "action sts:AssumeRole", "principal AWS: 999999999999", "is public no"):
        assert text in told
    answer = browser.post(f"{page}/mark", status="ARCHIVED", id=own_id, **{"from": "finding"})
    assert answer.headers["location"] == finding
    assert "Status archived" in browser.text(finding)
    listed = {state: finding in browser.get(f"{page}?status={state}").text for state in ("ACTIVE", "ARCHIVED", "all")}
    assert listed == {"ACTIVE": False, "ARCHIVED": True, "all": True}
    browser.post(f"{page}/mark", status="ACTIVE", id=own_id)
    assert finding in browser.get(page).text


def test_an_analyzer_of_unused_access_takes_its_days(plane: RunningPlane, browser: Browser) -> None:
    name = fresh("analyzer").replace("-", "_")
    wrong = browser.post("/console/analyzers", name=name, type="ACCOUNT_UNUSED_ACCESS", days="some")
    assert wrong.status_code == 400
    assert "some is no whole number" in words(wrong.text)
    assert f'value="{name}"' in wrong.text
    browser.post("/console/analyzers", name=name, type="ACCOUNT_UNUSED_ACCESS", days="30")
    client = plane.client("accessanalyzer")
    configuration = client.get_analyzer(analyzerName=name)["analyzer"]["configuration"]
    assert configuration == {"unusedAccess": {"unusedAccessAge": 30}}
    client.delete_analyzer(analyzerName=name)


def test_the_audit_tells_what_is_wrong_and_the_commands_that_mend_it(browser: Browser, role: str) -> None:
    assert 'hx-get="/console/audit/findings?days=90"' in browser.get("/console/audit").text
    told = browser.text("/console/audit/findings?days=30")
    assert role in told
    assert "To do:" in told
    assert "aws iam " in told


def test_who_may_not_is_told_so(plane: RunningPlane, browser: Browser, analyzer: str, role: str) -> None:
    own_id = found(plane, analyzer, role)
    reader = Browser(plane)
    reader.sign_in(user_with_password(plane, allow("access-analyzer:GetAnalyzer")))
    page = f"/console/analyzers/{analyzer}"
    assert "is not authorized to perform: access-analyzer:ListFindings" in reader.text(page)
    assert reader.get("/console/analyzers").status_code == 403
    assert "is not authorized to perform: locum:GetAudit" in reader.text("/console/audit/findings")
    reader.post(f"{page}/mark", status="ARCHIVED", id=own_id)
    assert "Status active" in browser.text(f"{page}/findings/{own_id}")


def test_attack_markup_and_strange_values(browser: Browser, analyzer: str) -> None:
    quoted = MARKUP.replace("/", "%2F")
    for answer in (
        browser.post("/console/analyzers", name=MARKUP, type=MARKUP, days=MARKUP, resources=MARKUP),
        browser.get(f"/console/analyzers/{quoted}"),
        browser.get(f"/console/analyzers/{analyzer}/findings/{quoted}"),
        browser.get(f"/console/analyzers/{analyzer}?status={quoted}"),
        browser.get(f"/console/audit?days={quoted}"),
        browser.get("/console/audit/findings?days=99999999999999999999"),
    ):
        assert answer.status_code < 500 or answer.status_code == 502
        assert "<script>alert" not in answer.text
    browser.post(f"/console/analyzers/{analyzer}/mark", status=MARKUP, id=MARKUP)
    assert "<script>alert" not in browser.get(f"/console/analyzers/{analyzer}").text


def test_attack_findings_of_another_account(plane: RunningPlane, browser: Browser, analyzer: str) -> None:
    foreign = "arn:aws:access-analyzer:us-east-1:111111111111:analyzer/theirs"
    assert browser.get(f"/console/analyzers/{foreign.replace('/', '%2F')}").status_code == 404
    browser.post(f"/console/analyzers/{analyzer}/scan", resource="arn:aws:iam::111111111111:role/theirs")
    assert 'class="note error"' in browser.get(f"/console/analyzers/{analyzer}").text
