"""Escaping and wrapping of text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

WIDTH: Final = 100
_INDENTATION: Final = 4


def printable(text: str) -> str:
    """`text` with control and invisible characters escaped, line feeds too, so that it cannot control the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def folded(lines: Iterable[str], width: int = WIDTH) -> Iterator[str]:
    """`lines`, escaped and wrapped at `width`, except within words. Continuation lines are indented further."""
    for line in lines:
        line = printable(line)
        if len(line) <= width:
            yield line
        else:
            indent = " " * (len(line) - len(line.lstrip(" ")) + _INDENTATION)
            yield from textwrap.wrap(
                line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
            )
