"""Pictures of graphs: nodes in columns, with edges from left to right, as SVG that a template draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH, HEIGHT = 230, 46
"""Of a node, in pixels."""
ACROSS, DOWN = 90, 16
"""Between nodes."""
_LINES: Final = 2
_CHARACTERS: Final = 32
"""In a line of a node's text."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node in its place; `lines` is its text, `kind` its class of style."""

    x: int
    y: int
    lines: tuple[str, ...]
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge as the path of an SVG, with the text above it."""

    path: str
    text: str
    x: int
    y: int
    kind: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What a template draws, and its size in pixels."""

    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    width: int
    height: int


def picture(
    columns: Sequence[Sequence[tuple[str, str]]], edges: Iterable[tuple[tuple[int, int], tuple[int, int], str, str]]
) -> Picture:
    """Draw `columns` of nodes (text, kind) and `edges`: from and to (column, row), text and kind."""
    most = max((len(column) for column in columns), default=0)
    boxes: dict[tuple[int, int], Box] = {}
    for number, column in enumerate(columns):
        top = (most - len(column)) * (HEIGHT + DOWN) // 2
        for row, (text, kind) in enumerate(column):
            place = number * (WIDTH + ACROSS), top + row * (HEIGHT + DOWN)
            boxes[number, row] = Box(*place, _lines(text), text, kind)
    drawn = tuple(_edge(boxes[start], boxes[end], text, kind) for start, end, text, kind in edges)
    width = len(columns) * (WIDTH + ACROSS) - ACROSS
    return Picture(tuple(boxes.values()), drawn, max(width, 0), max(most * (HEIGHT + DOWN) - DOWN, 0))


def chain(texts: Sequence[str], between: Sequence[str] = ()) -> Picture:
    """A row of nodes, each leading to the next; the last one is an end."""
    kinds = ["node"] * (len(texts) - 1) + ["node end"]
    columns = [[(text, kind)] for text, kind in zip(texts, kinds, strict=True)]
    labels = [*between, *[""] * len(texts)]
    return picture(columns, [((at, 0), (at + 1, 0), labels[at], "edge") for at in range(len(texts) - 1)])


def _edge(start: Box, end: Box, text: str, kind: str) -> Edge:
    x1, y1, x2, y2 = start.x + WIDTH, start.y + HEIGHT // 2, end.x, end.y + HEIGHT // 2
    middle = (x1 + x2) // 2
    return Edge(f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}", text, middle, (y1 + y2) // 2 - 6, kind)


def _lines(text: str) -> tuple[str, ...]:
    pieces = [text[at : at + _CHARACTERS] for at in range(0, len(text), _CHARACTERS)]
    if len(pieces) > _LINES:
        pieces = [*pieces[: _LINES - 1], pieces[_LINES - 1][:-1] + "…"]
    return tuple(pieces)
