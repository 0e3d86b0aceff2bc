"""The data files of labs and the quiz."""

from __future__ import annotations

from importlib.resources import files
from typing import Any


def rows(*path: str) -> list[dict[str, Any]]:
    """The rows of a file of this package."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - loaded with the first file

    found: list[dict[str, Any]] = yaml.safe_load(files("locum.labs").joinpath(*path).read_text())
    return found


def flowing(text: str) -> str:
    """A text of several lines as one."""
    return " ".join(text.split())
