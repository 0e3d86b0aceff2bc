"""Limits for refused calls of nobody who is known: their number per source, and their answer beyond it.

Anybody who reaches the port can make such calls, and each leaves a record. A source that makes too many of them is
told to slow down, and leaves no more records until it did.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

_log: Final = logging.getLogger("locum.gateway")


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limit of such calls for a source: `burst` at once and `rate` a second; `sources` are told apart."""

    burst: float = 1000
    rate: float = 100
    sources: int = 4096


class Strangers:
    """The number of refused unauthenticated calls by source: a token bucket for each."""

    def __init__(self, allowance: Allowance = Allowance()) -> None:
        self._allowance = allowance
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, source: str, now: float) -> bool:
        """Count a call of `source`, an IP address, at `now` (epoch seconds). Whether it is within the limit."""
        allowance = self._allowance
        left, since = self._buckets.pop(source, (allowance.burst, now))
        refilled = min(allowance.burst, left + max(0.0, now - since) * allowance.rate)
        admitted = refilled >= 1
        if not admitted and left >= 1:
            _log.warning("calls without valid credentials come from %s too often: they are not recorded", source)
        self._buckets[source] = refilled - admitted, now
        if len(self._buckets) > allowance.sources:
            self._buckets.popitem(last=False)
        return admitted
