"""Counts of the requests that the gateway answered, by service and by what was decided, and how long they took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from locum.calls import RequestContext
from locum.core.metrics import Family, Histogram, counter, seconds
from locum.wire import Codec

_UNKNOWN: Final = "unknown"
"""The service of a request that names no operation. Others are of the index, however requests are made up."""


class CallMetrics:
    """The counts since the start. It is used on the event loop alone.

    What is counted together while requests are answered is told apart finely, as that is cheaper, and added up when it
    is asked for.
    """

    def __init__(self) -> None:
        self._answered: dict[tuple[Codec | None, str, int], Histogram] = {}

    def add(self, context: RequestContext, status: int, now: float, code: str) -> None:
        """Count a request that was answered `now`, by the wall clock; `code` is the error's where Locum refused it."""
        authorization = context.authorization
        if authorization is None:
            verdict = "none"
        elif authorization.allowed:
            verdict = "allowed"
        else:
            verdict = "denied" if code else "observed"
        key = context.codec, verdict, status
        took = self._answered.get(key)
        if took is None:
            took = self._answered[key] = Histogram()
        took.add(now - context.wall)

    def families(self) -> Iterator[Family]:
        """What was counted."""
        answered: Counter[tuple[str, str, str]] = Counter()
        took: dict[str, Histogram] = {}
        for (codec, verdict, status), histogram in self._answered.items():
            service = _UNKNOWN if codec is None else codec.service
            answered[service, verdict, f"{status // 100}xx"] += sum(histogram.counts)
            took.setdefault(service, Histogram()).merge(histogram)
        about = "Requests that were answered, by service, by the verdict of the policies, and by class of status."
        names = ("service", "verdict", "status")
        told = [(dict(zip(names, key, strict=True)), number) for key, number in sorted(answered.items())]
        yield counter("locum_calls", about, told)
        about = "The time from the receipt of a request to its answer."
        durations = [({"service": service}, histogram) for service, histogram in sorted(took.items())]
        yield seconds("locum_call_duration_seconds", about, durations)
