"""Services that may have something: processes know of them before a call of one has had any effect."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from locum.backends.lazy import LazyBackend
from locum.backends.port import BackendCall, Carried
from locum.backends.remote import RemoteBackend, UnixPlace, UsedServices
from locum.core.clock import system_entropy
from locum.core.http import HttpResponse
from support.remote import Behind, call_of
from support.wire_requests import rest


@pytest.fixture
def used() -> Iterator[UsedServices]:
    made = UsedServices.none_yet()
    yield made
    made.close()


def test_a_mark_is_seen_by_whoever_has_the_memory(used: UsedServices) -> None:
    other = UsedServices(os.dup(used.descriptor))
    assert "events" not in other
    used.mark("events")
    assert "events" in other
    assert "s3" not in other
    other.close()


def test_a_service_that_nobody_knows_may_have_something(used: UsedServices) -> None:
    used.mark("none-of-these")
    assert "none-of-these" in used
    assert "s3" not in used


def test_a_service_is_marked_before_its_first_call_is_carried_out(used: UsedServices) -> None:
    behind = Behind()
    seen: list[bool] = []

    async def act(call: BackendCall) -> Carried:
        seen.append(call.service in used)
        return Carried(HttpResponse(200))

    behind.act = act
    backend = LazyBackend(lambda: behind, using=used.mark)
    asyncio.run(backend.call(call_of(rest("GET", "/bucket/key"), "s3")))
    assert seen == [True]


def test_a_backend_elsewhere_takes_everything_for_used_where_it_is_not_told(used: UsedServices) -> None:
    async def asked() -> list[bool]:
        end = UnixPlace, lambda: b"", system_entropy, lambda: 0
        there = [RemoteBackend(*end), RemoteBackend(*end, used)]  # type: ignore[arg-type]
        return [backend.in_use("events") for backend in there]

    assert asyncio.run(asked()) == [True, False]
    used.mark("events")
    assert asyncio.run(asked()) == [True, True]
