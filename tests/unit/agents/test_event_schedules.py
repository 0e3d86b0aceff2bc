"""The times of schedules of EventBridge's rules."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from locum.agents.event_schedules import ScheduleHost, next_time
from locum.core.calls import ServiceCall
from locum.core.clock import MovableClock

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


class Behind:
    """A backend that has carried out everything."""

    async def call(self, _call: Any) -> Any:
        return SimpleNamespace(response=SimpleNamespace(status=200))

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("bus", ["orders", "arn:aws:events:us-east-1:111122223333:event-bus/orders"])
@pytest.mark.parametrize("operation", ["PutRule", "DeleteRule", "DisableRule"])
def test_a_rule_of_another_bus_leaves_the_schedule_of_the_same_name(operation: str, bus: str) -> None:
    put: list[str] = []

    async def make(made: ServiceCall) -> None:
        put.append(made.params["Entries"][0]["Resources"][0])

    async def run() -> None:
        clock = MovableClock(AFTER.timestamp)
        host: Any = ScheduleHost(Behind(), make, clock)  # type: ignore[arg-type]

        def call(operation: str, **params: str) -> Any:
            told: Mapping[str, str] = {"Name": "tick", **params}
            return SimpleNamespace(operation=operation, params=told, account="111122223333", region="us-east-1")

        await host.call(call("PutRule", ScheduleExpression="rate(1 minute)"))
        await host.call(call(operation, EventBusName=bus))
        clock.move(61.0)
        for _ in range(10):
            await asyncio.sleep(0)
        await host.close()

    asyncio.run(run())
    assert put == ["arn:aws:events:us-east-1:111122223333:rule/tick"]
