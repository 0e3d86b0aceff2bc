"""The console in a browser: axe-core finds nothing serious, in light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser

from locum.console.navigation import navigation
from support.chromium import CHROMIUM, chromium, serious_violations, tab
from support.plane import RunningPlane, allow

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), pytest.param("dark", 500, marks=pytest.mark.nightly)])
def test_no_page_has_a_serious_violation(
    plane: RunningPlane, browser: Browser, scheme: Literal["light", "dark"], width: int
) -> None:
    profile = plane.profile(allow("s3:GetObject"))
    user, _ = plane.user(allow("iam:*"))
    page = tab(browser, scheme, width)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(plane.locum("console", "--url").stdout.strip())
    page.wait_for_url("**/console/")
    base = page.url.removesuffix("/console/")
    paths = [path for _, links in navigation() for _, path in links]
    paths += [f"/console/roles/{profile}", f"/console/users/{user}", "/console/roles/new", "/console/security"]
    paths += [f"/console/instance-profiles/{profile}", "/console/who-can?action=s3:GetObject", "/console/switch-role"]
    paths += ["/console/instances/new", "/console/stack-new"]
    found = []
    for path in paths:
        page.goto(base + path)
        found += serious_violations(page)
    page.context.clear_cookies()
    page.goto(base + "/console/sign-in")
    found += serious_violations(page)
    assert found == []
    assert errors == []
    page.context.close()
