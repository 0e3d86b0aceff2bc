"""The table of the places in moto where a service reaches beyond itself, with the decision on each (`reach.toml`).

`tools/moto_reach.py` finds the places in moto's source; a test compares them with the table. At run time the table is
what the fence goes by: what it does not list as harmless or mediated is refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

EVERY: Final = "every service"
"""What a place reaches that gets the data of any service by its name."""
ACCOUNTS: Final = "accounts"
"""What a place reaches that looks up its own service in other accounts."""

HARMLESS, MEDIATED, REFUSED = "harmless", "mediated", "refused"
_TABLE: Final = Path(__file__).with_name("reach.toml")


class Place(NamedTuple):
    """A line of the table: a function of moto, what it reaches, and what is done about it.

    `why` is the reason, `test` the test that shows it. How a place is refused: by the `operations` that would come to
    it (`firehose:PutRecord`, `sagemaker:CreatePipeline?PipelineDefinitionS3Location` where the call has that member) or
    by other parameters of a call (`checked`, in `fence`); else the function is replaced by one that raises, or, if
    `left_out`, by one that does nothing. `crosses` are the operations by which it may look up another account.
    """

    name: str
    reaches: tuple[str, ...]
    decision: str
    why: str
    test: str
    operations: tuple[str, ...] = ()
    left_out: bool = False
    checked: bool = False
    crosses: tuple[str, ...] = ()

    @property
    def part(self) -> str:
        """The part of moto (`s3`)."""
        return self.name.split(".")[1]


@cache
def table() -> tuple[Place, ...]:
    """All lines."""
    document = tomllib.loads(_TABLE.read_text("utf-8"))
    reasons = document.pop("reasons")
    return tuple(
        _place(name, decision, line, reasons.get(line.get("because", ""), {}))
        for decision, lines in document.items()
        for name, line in lines.items()
    )


@cache
def replaced() -> tuple[Place, ...]:
    """The places whose functions are replaced."""
    refused = (place for place in table() if place.decision == REFUSED)
    return tuple(place for place in refused if not place.operations and not place.checked)


@cache
def refused_operations() -> Mapping[str, frozenset[str]]:
    """The operations (`firehose:PutRecord`, botocore's names) that are not passed to moto.

    Where there are members, they are not passed with one of these.
    """
    found: dict[str, frozenset[str]] = {}
    for place in table():
        for text in place.operations if place.decision == REFUSED else ():
            operation, _, member = text.partition("?")
            found[operation] = found.get(operation, frozenset()) | ({member} if member else set())
    return found


@cache
def may_reach() -> frozenset[tuple[str, str]]:
    """The pairs of a part of moto and another one whose data it may look up, in the account of the call."""
    return frozenset((place.part, one) for place in table() if place.decision != REFUSED for one in place.reaches)


@cache
def reached_by(part: str) -> tuple[str, ...]:
    """The other parts of moto whose data a part may look up."""
    return tuple(sorted({other for own, other in may_reach() if own == part and other != EVERY}))


@cache
def may_reach_every_service() -> frozenset[str]:
    """The places that may look up any service, in the account of the call."""
    return frozenset(place.name for place in table() if place.decision != REFUSED and EVERY in place.reaches)


@cache
def may_cross() -> frozenset[tuple[str, str]]:
    """The pairs of a place and an operation by which it may look up another account."""
    return frozenset((place.name, operation) for place in table() for operation in place.crosses)


def _place(name: str, decision: str, line: Mapping[str, Any], reason: Mapping[str, str]) -> Place:
    return Place(
        f"moto.{name}",
        tuple(line["reaches"]),
        decision,
        line.get("why") or reason["why"],
        line.get("test") or reason["test"],
        tuple(line.get("operations", ())),
        bool(line.get("left_out")),
        bool(line.get("checked")),
        tuple(line.get("crosses", ())),
    )
