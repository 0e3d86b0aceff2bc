"""The links that every page has: title and links (name, path)."""

from __future__ import annotations

from typing import Final

Links = tuple[tuple[str, str], ...]

NAVIGATION: Final[tuple[tuple[str, Links], ...]] = (
    ("Plane", (("Home", "/console/"),)),
    ("Identity", (("Roles", "/console/roles"),)),
)


def navigation() -> tuple[tuple[str, Links], ...]:
    """The sections of the navigation, in order."""
    return NAVIGATION
