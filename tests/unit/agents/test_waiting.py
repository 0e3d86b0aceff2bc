"""Waiting with patience: the bell, the end of it, and a cancellation that comes at the same time."""

from __future__ import annotations

import asyncio

import pytest

from locum.agents.waiting import rung


def test_whether_the_bell_rang_is_told() -> None:
    async def run() -> tuple[bool, bool]:
        bell = asyncio.Event()
        silent = await rung(bell, 0.0)
        bell.set()
        return silent, await rung(bell, None)

    assert asyncio.run(run()) == (False, True)


@pytest.mark.parametrize("turns", range(5))
def test_a_cancellation_is_not_forgotten_as_the_bell_rings(turns: int) -> None:
    async def run() -> None:
        bell = asyncio.Event()
        task = asyncio.ensure_future(rung(bell, 60.0))
        await asyncio.sleep(0)
        bell.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        under_way = task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() == under_way

    asyncio.run(run())
