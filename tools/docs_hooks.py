"""Hooks of MkDocs: what GitHub's Markdown has otherwise than Python-Markdown.

A `|` within a code span of a table is written `\\|` for GitHub; Python-Markdown knows that code spans are whole, and
would show the backslash. Links that lead out of the documentation (the README, the examples) are to files of the
repository, which the site does not have: they become their text.
"""

from __future__ import annotations

import re
from typing import Any

_CODE = re.compile(r"`[^`\n]*`")
_OUT = re.compile(r"(?<!!)\[([^\]]*)\]\((?:\.\./)*(?:README|CONTRIBUTING|CHANGELOG)\.md(?:#[^)]*)?\)|"
                  r"(?<!!)\[([^\]]*)\]\((?:\.\./)*examples/[^)]*\)")  # fmt: skip


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The text of a page, as Python-Markdown takes it."""
    lines = []
    for line in markdown.split("\n"):
        if line.startswith("|"):
            line = _CODE.sub(lambda found: found[0].replace("\\|", "|"), line)
        lines.append(line)
    text = "\n".join(lines)
    if page.file.src_uri.startswith("adr/"):
        return text
    return _OUT.sub(lambda found: f"`{found[1] or found[2]}`" if "`" not in found[0] else (found[1] or found[2]), text)
