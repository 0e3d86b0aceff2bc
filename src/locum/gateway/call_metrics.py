"""Counts of the requests that the gateway answered, by service and by what was decided, and how long they took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from locum.calls import RequestContext
from locum.core.metrics import Family, Histogram, counter, seconds

_UNKNOWN: Final = "unknown"
"""The service of a request that names no operation. Others are of the index, however requests are made up."""


class CallMetrics:
    """The counts since the start. It is used on the event loop alone."""

    def __init__(self) -> None:
        self._answered: dict[tuple[str, str, int], int] = {}
        self._took: dict[str, Histogram] = {}

    def add(self, context: RequestContext, status: int, now: float, code: str) -> None:
        """Count a request that was answered `now`, by the wall clock; `code` is the error's where Locum refused it."""
        codec, authorization = context.codec, context.authorization
        service = _UNKNOWN if codec is None else codec.service
        if authorization is None:
            verdict = "none"
        elif authorization.allowed:
            verdict = "allowed"
        else:
            verdict = "denied" if code else "observed"
        key = service, verdict, status // 100
        self._answered[key] = self._answered.get(key, 0) + 1
        took = self._took.get(service)
        if took is None:
            took = self._took[service] = Histogram()
        took.add(now - context.wall)

    def families(self) -> Iterator[Family]:
        """What was counted."""
        about = "Requests that were answered, by service, by the verdict of the policies, and by class of status."
        yield counter(
            "locum_calls",
            about,
            (
                ({"service": service, "verdict": verdict, "status": f"{hundreds}xx"}, number)
                for (service, verdict, hundreds), number in sorted(self._answered.items())
            ),
        )
        taken = sorted(self._took.items())
        yield seconds(
            "locum_call_duration_seconds",
            "The time from the receipt of a request to its answer.",
            (({"service": service}, histogram) for service, histogram in taken),
        )
