"""Rates at which an account may call an operation."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from locum.calls.request_context import RequestContext
from locum.calls.throttling import throttled

_MOST: Final = 1_024
"""Accounts and Regions whose calls are counted. A Region is what the caller says it is: there is no end of them."""


class RateLimits:
    """Counts calls by operation, account and Region: a second's may come at once, and others later."""

    def __init__(self) -> None:
        self._left: OrderedDict[tuple[str, str, str], tuple[float, float]] = OrderedDict()

    def take(self, context: RequestContext, rate: float) -> None:
        """Count a call of an operation that may be called `rate` times a second. Raises Fault ThrottlingException."""
        codec = context.codec
        assert codec is not None
        key = (codec.operation, context.caller.account, context.region)
        left, at = self._left.pop(key, (rate, context.wall))
        left = min(rate, left + max(0.0, context.wall - at) * rate)
        self._left[key] = (left - 1 if left >= 1 else left), context.wall
        if len(self._left) > _MOST:
            self._left.popitem(last=False)
        if left < 1:
            raise throttled(codec.protocol, codec.service)
