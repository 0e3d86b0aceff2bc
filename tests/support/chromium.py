"""Headless Chromium (Debian's, driven by Playwright) before a plane's console."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from support.plane import SECONDS

CHROMIUM: Final = shutil.which("chromium") or ""
_FLAGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--no-first-run",
)  # fmt: skip
_SERIOUS: Final = frozenset({"serious", "critical"})


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, for as long as the block runs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def tab(browser: Browser, scheme: Literal["light", "dark"] = "light", width: int = 1200) -> Page:
    """A tab of its own, without cookies; what it waits for may take as long as anything."""
    page = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    page.set_default_timeout(SECONDS * 1000)
    return page


def picture(page: Page, folder: Path, name: str) -> None:
    """Take a screenshot into `folder`, or where LOCUM_SCREENSHOTS says."""
    target = Path(os.environ.get("LOCUM_SCREENSHOTS", folder))
    target.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=target / f"{name}.png", animations="disabled")


def serious_violations(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url}: {it['id']}: {node['html'][:200]}"
        for it in found
        if it["impact"] in _SERIOUS
        for node in it["nodes"]
    ]
