"""Durations, rates and times as people write them: `90s`, `1h30m`, `30%`, `2026-12-24T00:00:00Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

import click

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART: Final = r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)"
_DURATION: Final = re.compile(rf"(?:{_PART})+")
_PARTS: Final = re.compile(_PART)
_PERCENT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")


def seconds(text: str) -> float | None:
    """The seconds of a duration, `2s`, `5m`, `1h30m`, `7d` or `250ms`; None where it is none. Never negative."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PARTS.findall(text))


def epoch(text: str) -> float | None:
    """The epoch seconds of a time in ISO 8601, in UTC where it has no offset; None where it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


class Duration(click.ParamType[float]):
    """A duration in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = value if isinstance(value, float) else seconds(value)
        if found is None:
            self.fail(f"{value!r} is no duration: write 2s, 5m, 1h30m or 7d", param, ctx)
        return found


class Rate(click.ParamType[float]):
    """A share of all requests, from 0 to 1, written as a percentage."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        percent = _PERCENT.fullmatch(value)
        if percent is None or float(percent[1]) > 100:
            self.fail(f"{value!r} is no rate: write a percentage from 0% to 100%", param, ctx)
        return float(percent[1]) / 100
