"""Check that a built site loads nothing from elsewhere: no script, style, font or picture of another host.

    python tools/check_site.py DIRECTORY

Links that a reader follows may lead elsewhere. Exit code 1 where something would be loaded, which is printed.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src", "embed": "src"}
FOLLOWED = {"canonical", "next", "prev", "alternate"}
ELSEWHERE = re.compile(r"(?:https?:)?//")
OF_STYLES = re.compile(r"""(?:url\(\s*|@import\s+)["']?((?:https?:)?//[^"')\s]+)""")


class Loads(HTMLParser):
    """What a page loads from other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        place = given.get(LOADED.get(tag, ""), "")
        if tag == "link" and given.get("rel") not in FOLLOWED:
            place = given.get("href", "")
        if ELSEWHERE.match(place):
            self.found.append(place)
        self.found += OF_STYLES.findall(given.get("style", ""))


def main() -> int:
    """Look through the site."""
    site, wrong, pages = Path(sys.argv[1]), 0, 0
    for path in sorted(site.rglob("*")):
        found: list[str] = []
        if path.suffix == ".html":
            pages += 1
            loads = Loads()
            loads.feed(path.read_text())
            found = loads.found
        elif path.suffix == ".css":
            found = OF_STYLES.findall(path.read_text())
        for place in found:
            wrong += 1
            print(f"{path.relative_to(site)} loads {place}", file=sys.stderr)  # noqa: T201
    if not pages:
        print(f"there are no pages in {site}", file=sys.stderr)  # noqa: T201
    return 1 if wrong or not pages else 0


if __name__ == "__main__":
    raise SystemExit(main())
