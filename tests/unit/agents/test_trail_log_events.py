"""The calls by which a trail's events come to CloudWatch Logs, which takes them in order, and not too many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from locum.agents.trails.log_events import LogEvents
from locum.core.calls import ServiceCall
from locum.services.cloudtrail.files import Place
from locum.state.trails import Attempts, Trail
from support.trails import ACCOUNT

TRAIL = Trail(
    account=ACCOUNT,
    region="us-east-1",
    name="all",
    bucket="all",
    created=0.0,
    log_group=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:all:*",
    log_role=f"arn:aws:iam::{ACCOUNT}:role/all",
)
PLACE = Place(ACCOUNT, "us-east-1", "")


def put(*events: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The events of each call of PutLogEvents."""
    calls = list[ServiceCall]()

    async def make(call: ServiceCall) -> Mapping[str, Any]:
        calls.append(call)
        return {}

    told = asyncio.run(LogEvents(make).put(TRAIL, Attempts(), {PLACE: events}, 1.0))
    assert not told.error
    return [list(call.params["logEvents"]) for call in calls if call.operation == "PutLogEvents"]


def event(time: str, **more: Any) -> dict[str, Any]:
    return {"eventTime": time, **more}


def test_events_are_in_the_order_of_time_also_where_the_clock_was_moved_back() -> None:
    days = ["2026-11-28T12:00:00Z", "2026-11-28T11:00:00Z", "2026-11-28T11:30:00Z"]
    ((first, second, third),) = put(*map(event, days))
    assert first["timestamp"] < second["timestamp"] < third["timestamp"]


@pytest.mark.parametrize(("second", "calls"), [("2026-11-29T12:00:00Z", 1), ("2026-11-29T12:00:01Z", 2)])
def test_a_call_has_the_events_of_a_day(second: str, calls: int) -> None:
    assert len(put(event("2026-11-28T12:00:00Z"), event(second))) == calls


def test_a_call_is_not_too_large_and_an_event_that_is_too_large_is_left_out() -> None:
    time = "2026-11-28T12:00:00Z"
    events = [event(time, text="x" * 200_000) for _ in range(6)]
    sent = put(*events, event(time, text="x" * 300_000))
    assert [len(part) for part in sent] == [4, 2]
    assert all(sum(len(it["message"]) + 26 for it in part) <= 1_048_576 for part in sent)
