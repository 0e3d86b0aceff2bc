"""Token buckets: how often each of many may do something."""

from __future__ import annotations

from collections import OrderedDict


class TokenBuckets:
    """A token bucket for each name: `burst` at once and `rate` a second. The latest `most` names are remembered."""

    def __init__(self, rate: float, burst: float, most: int) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, now: float) -> bool:
        """Take a token of `name` at `now` (seconds); False where there is none. A clock that goes back gives none."""
        left, since = self._buckets.pop(name, (self._burst, now))
        left = min(self._burst, left + max(0.0, now - since) * self._rate)
        admitted = left >= 1
        self._buckets[name] = left - admitted, now
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return admitted
