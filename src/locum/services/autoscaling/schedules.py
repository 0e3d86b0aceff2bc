"""Recurring times in the format of cron, as scheduled actions have them.

User Guide, "Recurring schedules": five fields, minute, hour, day of the month, month and day of the week; each a number
or name, a range, a list, steps, or `*`. A day matches where it is one of the month or one of the week,
if both are given.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FURTHEST: Final = 366 * 5  # days: a 29th of February


class Schedule(NamedTuple):
    """The values of each field. `any_day` and `any_weekday`: it is a `*`."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool


def schedule_of(text: str) -> Schedule:
    """The schedule that `text` tells. Raises ValueError where it tells none."""
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(text)
    minute, hour, day, month, weekday = fields
    weekdays = frozenset(number % 7 for number in _values(weekday, 0, 7, _DAYS, 0))
    return Schedule(
        _values(minute, 0, 59),
        _values(hour, 0, 23),
        _values(day, 1, 31),
        _values(month, 1, 12, _MONTHS, 1),
        weekdays,
        day == "*",
        weekday == "*",
    )


def next_time(text: str, after: float, time_zone: str = "") -> int:
    """The first time of the schedule `text` after `after`, epoch seconds; 0 where there is none. Raises ValueError."""
    schedule = schedule_of(text)
    try:
        zone = ZoneInfo(time_zone or "UTC")
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(time_zone) from None
    start = datetime.fromtimestamp(after, zone).replace(second=0, microsecond=0) + timedelta(minutes=1)
    day = start.date()
    for _ in range(_FURTHEST):
        if _is_day(schedule, day.day, day.month, day.isoweekday() % 7):
            for hour in sorted(schedule.hours):
                for minute in sorted(schedule.minutes):
                    found = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                    if found.astimezone(UTC).timestamp() > after:
                        return int(found.timestamp())
        day += timedelta(days=1)
    return 0


def _is_day(schedule: Schedule, day: int, month: int, weekday: int) -> bool:
    if month not in schedule.months:
        return False
    in_month, in_week = day in schedule.days, weekday in schedule.weekdays
    return in_month and in_week if schedule.any_day or schedule.any_weekday else in_month or in_week


def _values(text: str, least: int, most: int, names: tuple[str, ...] = (), first: int = 0) -> frozenset[int]:
    """The numbers from `least` to `most` of a field; `names` stand for those from `first` on."""

    def number(part: str) -> int:
        found = names.index(part.upper()) + first if part.upper() in names else int(part)
        if not least <= found <= most:
            raise ValueError(text)
        return found

    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            low, high = least, most
        else:
            lower, dash, upper = span.partition("-")
            low = number(lower)
            high = number(upper) if dash else (most if step else low)
        every = int(step) if step else 1
        if every < 1 or high < low:
            raise ValueError(text)
        found |= set(range(low, high + 1, every))
    return frozenset(found)
