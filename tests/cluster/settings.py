"""The files of docs/how-to/patroni.md: the cluster of the tests is the one that the page tells of."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from support.documented import page

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "patroni.md"


def written(name: str, folder: Path) -> Path:
    """The file `name` of the page, written into `folder` as it stands there."""
    [text] = [block.text for block in page(PAGE).blocks if block.kind == "file" and block.name == name]
    path = folder / name
    path.write_text(text)
    path.chmod(0o644)
    return path
