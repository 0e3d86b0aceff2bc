"""Rates at which an account may call an operation."""

from __future__ import annotations

from typing import Final

from locum.calls.request_context import RequestContext
from locum.calls.throttling import throttled
from locum.core.token_buckets import TokenBuckets

_MOST: Final = 1_024
"""Accounts and Regions whose calls are counted. A Region is what the caller says it is: there is no end of them."""


class RateLimits:
    """Counts calls by operation, account and Region: a second's may come at once, and others later."""

    def __init__(self) -> None:
        self._buckets: dict[float, TokenBuckets] = {}

    def take(self, context: RequestContext, rate: float) -> None:
        """Count a call of an operation that may be called `rate` times a second. Raises Fault ThrottlingException."""
        codec = context.codec
        assert codec is not None
        buckets = self._buckets.setdefault(rate, TokenBuckets(rate, rate, _MOST))
        if not buckets.take(f"{codec.operation} {context.caller.account} {context.region}", context.wall):
            raise throttled(codec.protocol, codec.service)
