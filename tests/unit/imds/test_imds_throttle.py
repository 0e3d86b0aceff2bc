"""An instance that asks too often is told to wait, and no other instance is."""

from __future__ import annotations

import pytest

from locum.imds.service import TOKEN_TTL
from locum.imds.throttle import Throttle
from support.metadata import OTHER_INSTANCE, Metadata, instance
from support.one_account import NOW


def statuses(metadata: Metadata, token: str, number: int) -> list[int]:
    return [metadata.get("meta-data/instance-id", token).status for _ in range(number)]


def test_one_request_too_many_is_answered_as_ec2_does() -> None:
    metadata = Metadata((instance(), instance(OTHER_INSTANCE)), throttle=Throttle(3))
    token = metadata.token()
    assert statuses(metadata, token, 4) == [200, 200, 429, 429]
    answer = metadata.ask("PUT", "/latest/api/token", {TOKEN_TTL: b"60"})
    assert (answer.status, b"<title>429 - Too Many Requests</title>" in answer.body) == (429, True)
    assert metadata.ask("PUT", "/latest/api/token", {TOKEN_TTL: b"60"}, OTHER_INSTANCE).status == 200
    metadata.now += 1
    assert statuses(metadata, token, 4) == [200, 200, 200, 429]


def test_without_a_limit_nobody_waits() -> None:
    metadata = Metadata()
    assert set(statuses(metadata, metadata.token(), 500)) == {200}


def test_a_refused_request_does_not_put_off_the_next_one() -> None:
    throttle = Throttle(2)
    asked = [throttle.admits("i-1", NOW + tenth / 10) for tenth in range(11)]
    assert asked == [True, True, False, False, False, True, False, False, False, False, True]


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing() -> None:
    throttle = Throttle(1)
    assert throttle.admits("i-1", NOW)
    assert not throttle.admits("i-1", NOW - 100)
    assert throttle.admits("i-1", NOW + 1)


def test_instances_that_ask_no_more_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.imds.throttle._CACHE_SIZE", 2)
    throttle = Throttle(1)
    assert [throttle.admits(f"i-{number}", NOW + number) for number in range(5)] == [True] * 5
    assert len(throttle._buckets) <= 2
