"""Time and chance: what is given out once is not given out again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count

from locum.core.clock import iso8601, pooled


def test_pooled_bytes_are_the_sources_own_in_its_order() -> None:
    numbers = count()
    draw = pooled(lambda size: bytes(next(numbers) % 256 for _ in range(size)), size=10)
    assert draw(4) + draw(4) == bytes(range(8))
    assert draw(4) == bytes(range(10, 14))  # the rest of a block that is too small is thrown away


def test_no_byte_is_given_to_two_threads() -> None:
    numbers = count()
    draw = pooled(lambda size: b"".join(next(numbers).to_bytes(4, "big") for _ in range(size // 4)), size=400)
    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(lambda _: draw(4), range(5000)))
    assert len(set(drawn)) == 5000


def test_more_than_the_pool_holds_can_be_drawn() -> None:
    assert len(pooled(bytes, size=16)(100)) == 100


def test_instants_are_written_in_whole_seconds_of_utc() -> None:
    assert iso8601(1_767_225_600.9) == "2026-01-01T00:00:00Z"
