"""What a lab is: a broken world, a goal, hints, and what says that the goal is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from locum.labs.words import flowing, rows
from locum.labs.world import World

INSIDE: Final = "inside"
"""A requirement: programs can be run in instances."""

ORGANIZATION: Final = "organization"
"""A requirement: the account is the management account of an organization, or may become one."""


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab. `build` makes its world, `check` raises `Broken` with a word for the learner, `solve` mends it.

    `check` changes nothing that lasts. `services` are those beside IAM that have something of the lab's. What `build`
    notes in `World.notes` under a name without a dot is shown to the learner.
    """

    id: str
    title: str
    theme: str
    goal: str
    story: str
    hints: tuple[str, ...]
    build: Callable[[World], None]
    check: Callable[[World], None]
    solve: Callable[[World], None]
    services: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


def written(
    name: str,
    build: Callable[[World], None],
    check: Callable[[World], None],
    solve: Callable[[World], None],
    services: tuple[str, ...] = (),
    requires: tuple[str, ...] = (),
) -> Lab:
    """The lab `name`, whose words are in `texts.yaml`."""
    words = _texts()[name]
    plain = {part: flowing(words[part]) for part in ("title", "theme", "goal", "story")}
    hints = tuple(map(flowing, words["hints"]))
    return Lab(
        id=name, hints=hints, build=build, check=check, solve=solve, services=services, requires=requires, **plain
    )


@cache
def _texts() -> dict[str, dict[str, Any]]:
    """The words of all labs, by id."""
    return {row["id"]: row for row in rows("texts.yaml")}
