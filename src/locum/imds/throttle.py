"""The throttling of instances that ask too often: 429 (Too Many Requests), for each instance by itself.

EC2 User Guide, "Query throttling": "We throttle queries to the IMDS on a per-instance basis". It says no number.
"""

from __future__ import annotations

from typing import Final

_CACHE_SIZE: Final = 4096
"""The number of instances at which those that have asked for nothing in the last second are forgotten."""


class Throttle:
    """A token bucket for each instance: `rate` requests a second, of which as many may come at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._buckets: dict[str, tuple[float, float]] = {}

    def admits(self, instance: str, now: float) -> bool:
        """Count a request of `instance` at `now` (epoch seconds); False where it is one too many."""
        if len(self._buckets) >= _CACHE_SIZE:
            self._buckets = {name: bucket for name, bucket in self._buckets.items() if now - bucket[1] < 1}
        left, since = self._buckets.get(instance, (self._rate, now))
        left = min(self._rate, left + max(0.0, now - since) * self._rate)
        admitted = left >= 1
        self._buckets[instance] = (left - admitted, now)
        return admitted
