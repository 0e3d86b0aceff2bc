"""The times of schedules of EventBridge's rules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from locum.agents.event_schedules import next_time

AFTER = datetime(2026, 11, 27, 10, 30, 5, tzinfo=UTC)
"""A Friday."""


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(1 minute)", "2026-11-27T10:31:05"),
        ("rate(5 minutes)", "2026-11-27T10:35:05"),
        ("rate(2 hours)", "2026-11-27T12:30:05"),
        ("rate(1 day)", "2026-11-28T10:30:05"),
        ("cron(0 12 * * ? *)", "2026-11-27T12:00:00"),
        ("cron(0/15 * * * ? *)", "2026-11-27T10:45:00"),
        ("cron(15 10 ? * MON-FRI *)", "2026-11-30T10:15:00"),
        ("cron(15 10 ? * 2-6 *)", "2026-11-30T10:15:00"),
        ("cron(0 8 1 * ? *)", "2026-12-01T08:00:00"),
        ("cron(0 8 1 JAN ? 2028)", "2028-01-01T08:00:00"),
        ("cron(0 8 1 1 ? 2030-2031)", "2030-01-01T08:00:00"),
    ],
)
def test_a_schedule_has_a_next_time(expression: str, expected: str) -> None:
    found = datetime.fromtimestamp(next_time(expression, AFTER.timestamp()), UTC)
    assert found.strftime("%Y-%m-%dT%H:%M:%S") == expected


@pytest.mark.parametrize(
    "expression",
    [
        "rate(0 minutes)",
        "rate(x minutes)",
        "cron(0 8 L * ? *)",
        "cron(0 8 1 1 ? 2020)",
        "cron(99 8 * * ? *)",
        "at(now)",
    ],
)
def test_a_schedule_that_is_over_or_not_understood_has_none(expression: str) -> None:
    assert next_time(expression, AFTER.timestamp()) == 0
