"""The event data stores that a statement of CloudTrail Lake names.

CloudTrail User Guide, "CloudTrail Lake SQL constraints": "The event data store ID - the ID portion of the event data
store's ARN - is the valid value for tables." A query is decided on by what `stores_named` finds, and it may read
nothing else: whoever runs it holds the tables of its own parser against that.
"""

from __future__ import annotations

import re
from typing import Final

STORE_ID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PARTS: Final = re.compile(
    rf"""(?P<text>'(?:[^']|'')*')|(?P<comment>--[^\n]*|/\*.*?\*/)|"(?P<quoted>{STORE_ID})"|"(?:[^"]|"")*"|(?<![\w-])(?P<bare>{STORE_ID})(?![\w-])""",
    re.DOTALL | re.IGNORECASE,
)


def stores_named(statement: str) -> tuple[str, ...]:
    """The ids that `statement` has outside of texts and comments, each once, in lower case."""
    found = (match["quoted"] or match["bare"] for match in _PARTS.finditer(statement))
    return tuple(dict.fromkeys(name.lower() for name in found if name))


def quoted(statement: str) -> str:
    """`statement` with its ids as quoted identifiers, as SQL has it, and without comments."""

    def part(match: re.Match[str]) -> str:
        if match["comment"]:
            return " "
        name = match["quoted"] or match["bare"]
        return f'"{name.lower()}"' if name else match[0]

    return _PARTS.sub(part, statement)
