"""Times that options take: by the plane's clock, as a time or as how long ago it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from locum.cli import units
from locum.cli.home import default_home, plane_time


class Moment(click.ParamType[float]):
    """A time in epoch seconds: in ISO 8601 (UTC where it has no offset), or so long ago (`90s`, `15m`, `2h`, `7d`)."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        if (ago := units.seconds(value)) is not None:
            return plane_time(_data(ctx)) - ago
        if (moment := units.epoch(value)) is not None:
            return moment
        return self.fail(f"{value!r} is no time: write 2026-11-28T12:00:00Z, or 2h for two hours ago", param, ctx)


def _data(ctx: click.Context | None) -> Path:
    """The data directory of the command, whose option is read first."""
    given = None if ctx is None else ctx.params.get("data")
    return given if isinstance(given, Path) else default_home()
