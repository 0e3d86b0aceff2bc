"""Text for a terminal: what strangers wrote is spelled out, and lines are folded where a screen ends."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

WIDTH: Final = 100
_HANGING: Final = 4


def printable(text: str) -> str:
    """`text` with every control or invisible character spelled out, line feeds too: it writes on no terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def folded(lines: Iterable[str], width: int = WIDTH) -> Iterator[str]:
    """`lines`, made printable, none longer than `width` but for single words; what is folded is indented further."""
    for line in lines:
        line = printable(line)
        if len(line) <= width:
            yield line
        else:
            indent = " " * (len(line) - len(line.lstrip(" ")) + _HANGING)
            yield from textwrap.wrap(
                line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )
