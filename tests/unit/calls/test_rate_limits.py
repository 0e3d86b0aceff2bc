"""Operations that AWS answers at a limited rate are answered at that rate."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from locum import wire
from locum.calls.rate_limits import RateLimits
from locum.cli.commands import up
from locum.services.verbs import Settings
from support.inprocess import InProcess, Key
from support.plane import refused


class Standing:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


CLOCK = Standing()


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane with rate limits, whose clock is `CLOCK`."""
    CLOCK.now = max(CLOCK.now, time.time())  # a long run is not to be behind its clients by a quarter of an hour
    running = InProcess(tmp_path, CLOCK, settings=Settings(rate_limits=True))
    yield running
    running.close()


def test_events_are_looked_up_twice_a_second(plane: InProcess) -> None:
    trail = plane.client("cloudtrail")
    for _ in range(3):
        trail.lookup_events()
        trail.lookup_events()
        told = refused(trail.lookup_events)
        assert (told.code, told.message) == ("ThrottlingException", "Rate exceeded")
        CLOCK.now += 0.5
        trail.lookup_events()
        assert refused(trail.lookup_events).code == "ThrottlingException"
        CLOCK.now += 60


def test_each_region_and_account_has_its_own_rate(plane: InProcess) -> None:
    here, there = plane.client("cloudtrail"), plane.client("cloudtrail", region="eu-west-1")
    for _ in range(2):
        here.lookup_events()
        there.lookup_events()
    assert refused(here.lookup_events).code == refused(there.lookup_events).code == "ThrottlingException"


def test_attack_who_may_not_look_up_uses_up_nothing(plane: InProcess) -> None:
    iam = plane.client("iam")
    iam.create_user(UserName="nobody")
    made = iam.create_access_key(UserName="nobody")["AccessKey"]
    stranger = plane.client("cloudtrail", Key(made["AccessKeyId"], made["SecretAccessKey"]))
    for _ in range(5):
        assert refused(stranger.lookup_events).code == "AccessDeniedException"
    plane.client("cloudtrail").lookup_events()


def test_attack_a_clock_that_goes_back_gives_no_more_calls_and_blocks_none_for_long(plane: InProcess) -> None:
    trail = plane.client("cloudtrail")
    trail.lookup_events()
    trail.lookup_events()
    CLOCK.now -= 30
    assert refused(trail.lookup_events).code == "ThrottlingException"
    CLOCK.now += 1
    trail.lookup_events()


def test_attack_regions_without_end_are_not_remembered_without_end(plane: InProcess) -> None:
    request, limits = plane.request("cloudtrail", "lookup_events"), RateLimits()
    for number in range(1_100):
        context = plane.node.calls.begin(request)
        context.region, context.codec = f"region-{number}", wire.resolve(request, "cloudtrail")
        limits.take(context, 2.0)
    assert len(limits._buckets[2.0]._buckets) <= 1_024


def test_other_calls_have_no_limit(plane: InProcess) -> None:
    trail = plane.client("cloudtrail")
    for _ in range(10):
        trail.describe_trails()


def test_a_plane_has_rate_limits_unless_it_is_told_otherwise() -> None:
    assert up.command.make_context("up", []).params["rate_limits"] is True
    assert up.command.make_context("up", ["--no-rate-limits"]).params["rate_limits"] is False
