"""`locum clock`: show the plane's time, or move it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import click

from locum.cli import units
from locum.cli.home import data_option, read_plane
from locum.compute import handover
from locum.core.clock import told_time

_BACK: Final = re.compile(r"-[0-9].*")


class _Command(click.Command):
    """A command with an argument that may begin with a minus, as its options do."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        back = [arg for arg in args if _BACK.fullmatch(arg)]
        if back and "--" not in args:
            args = [*(arg for arg in args if arg not in back), "--", *back]
        return super().parse_args(ctx, args)


class _Move(click.ParamType[dict[str, Any]]):
    """A move of the clock, as the plane takes it."""

    name = "move"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        if value == "reset":
            return {"reset": True}
        span = units.seconds(value[1:]) if value[:1] in ("+", "-") else None
        if span is not None:
            return {"by": -span if value[0] == "-" else span}
        if (moment := units.epoch(value)) is not None:
            return {"to": moment}
        return self.fail(f"{value!r} is no move: write +6h, -30m, 2026-12-24T00:00:00Z or reset", param, ctx)


@click.command(cls=_Command)
@data_option
@click.argument("move", type=_Move(), required=False, metavar="[+6h|-30m|TIME|reset]")
def command(data: Path, move: dict[str, Any] | None) -> None:
    """Move the plane's time by a duration or to a time, or show it.

    Sessions, expiry, rotation, schedules and retries go by it; the age of signatures goes by the wall clock.
    """
    read_plane(data)
    told = handover.asked(data, {"chaos": {"type": "clock", **(move or {})}})
    click.echo(told_time(told["now"], told["ahead"]))
