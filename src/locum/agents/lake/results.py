"""The results of queries, a file each in `lake/results` of the data directory (mode 0600).

The first line has the names of the columns, each further line the values of a row, as JSON. They block.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

FOLDER: Final = "results"
MOST_OCTETS: Final = 64 << 20
"""Of one result. AWS documents no limit."""
MOST_IN_ALL: Final = 1 << 30
"""Octets of all results of the plane: of more, the oldest are forgotten."""
_PAGE_OCTETS: Final = 1 << 20


def make_folder(path: Path) -> Path:
    """Make a folder of the owner's alone in a folder that is there; it may be there already."""
    path.mkdir(mode=0o700, exist_ok=True)
    return path


class ResultPage(NamedTuple):
    """Rows of a result, each a list of columns, which are maps with one member; `following` is where the next begin."""

    rows: list[list[dict[str, str]]]
    following: int | None


class Results:
    """The results in the folder `lake` of a data directory."""

    def __init__(self, lake: Path) -> None:
        self._folder = lake / FOLDER

    def path(self, query: str) -> Path:
        """The file of the result of a query; its folder is there."""
        make_folder(self._folder.parent)
        return make_folder(self._folder) / f"{query}.jsonl"

    def page(self, query: str, start: int, most: int) -> ResultPage | None:
        """At most `most` rows from the octet `start` (0: the first row). None where there is no such result.

        Raises ValueError where no row begins there.
        """
        try:
            file = self.path(query).open("rb")
        except FileNotFoundError:
            return None
        rows: list[list[dict[str, str]]] = []
        with file:
            names: list[str] = msgspec.json.decode(file.readline())
            begin = file.tell()
            if start:
                file.seek(start - 1)
                if start < begin or file.read(1) != b"\n":
                    raise ValueError(f"no row begins at {start}")
            while len(rows) < most and file.tell() - max(start, begin) < _PAGE_OCTETS:
                line = file.readline()
                if not line:
                    return ResultPage(rows, None)
                values: list[Any] = msgspec.json.decode(line)
                rows.append([{name: value} for name, value in zip(names, values, strict=True)])
            following = file.tell()
            return ResultPage(rows, following if file.read(1) else None)

    def remove(self, query: str) -> None:
        """Delete a result."""
        self.path(query).unlink(missing_ok=True)

    def sizes(self) -> dict[str, int]:
        """The octets of each result, by its query."""
        if not self._folder.exists():
            return {}
        return {path.stem: path.stat().st_size for path in self._folder.iterdir()}
