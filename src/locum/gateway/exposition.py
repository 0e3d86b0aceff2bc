"""The metrics of a plane in the OpenMetrics format, at `/_locum/metrics`.

Like `/_locum/health`, they need no authentication: they tell how much of what is called, and nothing of who calls,
with what, and on what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from locum.core.http import HttpResponse
from locum.core.metrics import CONTENT_TYPE, Family, text

Source = Callable[[], Iterable[Family]]


def exposition(sources: Sequence[Source]) -> HttpResponse:
    """The response with the metrics of all `sources`."""
    body = text(family for source in sources for family in source())
    return HttpResponse(200, [("content-type", CONTENT_TYPE)], body)
