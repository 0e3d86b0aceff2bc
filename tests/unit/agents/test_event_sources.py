"""The reading of event sources: it ends with the plane, whatever a mapping is just doing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from locum.agents.functions import event_sources
from locum.agents.functions.event_sources import EventSources
from locum.agents.functions.sources import Plane
from locum.calls.wake_ups import WakeUps
from locum.core.event_sources import EventSourceMapping
from support.event_sources import MAPPING
from support.functions import function


class Kept:
    """The mapping, as a backend keeps it."""

    def __init__(self) -> None:
        self.mapping = MAPPING

    def find(self, account: str, region: str, uuid: str) -> EventSourceMapping | None:
        return self.mapping

    def every(self, account: str, region: str) -> list[EventSourceMapping]:
        return [self.mapping]

    def put(self, mapping: EventSourceMapping, tags: Mapping[str, str] | None = None) -> None:
        self.mapping = mapping

    def remove(self, mapping: EventSourceMapping) -> None: ...

    def under_way(self) -> list[EventSourceMapping]:
        return [self.mapping]

    def progress(self, mapping: EventSourceMapping, read: Mapping[str, str]) -> None: ...

    def read_before(self, mapping: EventSourceMapping) -> dict[str, str]:
        return {}


class SlowReader:
    """A reader that takes some turns to end."""

    began = 0

    def __init__(self, *_given: object) -> None:
        SlowReader.began += 1

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)

    async def finish(self) -> None: ...

    def abandon(self) -> None: ...


async def no_call(*_given: Any, **_more: Any) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("turns", range(12))
def test_a_plane_that_stops_as_a_mapping_changes_reads_it_no_more(turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_sources, "QueueReader", SlowReader)

    async def run() -> None:
        plane = Plane(no_call, WakeUps().listening, lambda: 0.0)
        sources = EventSources(plane, lambda *_: function(""), Kept())
        sources.begin(MAPPING)
        for _ in range(5):
            await asyncio.sleep(0)
        sources.begin(MAPPING)
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await sources.close()

    asyncio.run(run())
