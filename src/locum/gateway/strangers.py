"""Limits for refused calls of nobody who is known: their number per source, and their answer beyond it.

Anybody who reaches the port can make such calls, and each leaves a record. A source that makes too many of them is
told to slow down, and leaves no more records until it did.
"""

from __future__ import annotations

from dataclasses import dataclass

from locum.core.token_buckets import TokenBuckets


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limit of such calls for a source: `burst` at once and `rate` a second; `sources` are told apart."""

    burst: float = 1000
    rate: float = 100
    sources: int = 4096


class Strangers:
    """The number of refused unauthenticated calls by source: a token bucket for each.

    Of several `processes`, to which a source comes as it likes, each lets its part of them pass.
    """

    def __init__(self, allowance: Allowance = Allowance(), processes: int = 1) -> None:
        self._buckets = TokenBuckets(allowance.rate / processes, allowance.burst / processes, allowance.sources)

    def admit(self, source: str, now: float) -> bool:
        """Count a call of `source`, an IP address, at `now` (epoch seconds). Whether it is within the limit."""
        return self._buckets.take(source, now)
