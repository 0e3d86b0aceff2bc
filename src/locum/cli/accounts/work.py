"""What is to be done for one entity: the calls, what they are to bring about, and what no call can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Step(NamedTuple):
    """A call of IAM, by its boto3 name, with `text` saying what it does.

    Where a `vital` one fails, what follows is left, and the entity is undone. `trust` is the member that has a trust
    policy, of which principals that do not exist are left out.
    """

    operation: str
    params: Mapping[str, Any]
    text: str
    vital: bool = False
    trust: str = ""


class Outcome(StrEnum):
    """What has become of an entity."""

    MADE = "made"
    CHANGED = "changed"
    KEPT = "kept"
    DIFFERS = "differs"
    FAILED = "failed"


@dataclass(slots=True)
class Work:
    """What is to be done for an entity of a `kind` (role, user ...).

    `steps` are its calls, `later` those after all of its kind were made, and `undo` those where a vital one failed.
    `differences` tells what is not as it should be, and stays so; `left` what is left out on purpose; `failures` what
    was tried and failed.
    """

    kind: str
    name: str
    outcome: Outcome
    steps: tuple[Step, ...] = ()
    later: tuple[Step, ...] = ()
    undo: tuple[Step, ...] = ()
    differences: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """The number of calls."""
        return len(self.steps) + len(self.later)
