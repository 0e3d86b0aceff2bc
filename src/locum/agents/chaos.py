"""The plane's end of `locum clock` and `locum fault`: the owner of the control socket moves the clock and sets faults.

Nothing else reaches this: no API, no metadata request, no call of a service.
"""

from __future__ import annotations

import logging
import math
from typing import Any, Final

import msgspec

from locum.calls import Runtime
from locum.core.clock import iso8601
from locum.core.errors import LocumError

_log: Final = logging.getLogger("locum.agents")


class MoveClock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="clock"):
    """Move the clock `by` so many seconds, or `to` a time (epoch seconds), or back to the wall clock's (`reset`).

    With none of them, tell the time.
    """

    by: float = 0.0
    to: float | None = None
    reset: bool = False


Question = MoveClock


class Chaos:
    """Answers the questions of `locum clock` and `locum fault`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer, as JSON-able values. Raises LocumError for what cannot be."""
        try:
            asked = msgspec.convert(question, Question)
        except msgspec.ValidationError as error:
            raise LocumError(f"a question that is none: {error}") from error
        return self._clock(asked)

    def _clock(self, asked: MoveClock) -> dict[str, Any]:
        clock = self._runtime.clock
        ahead = clock.ahead + asked.by
        if asked.to is not None:
            ahead = asked.to - clock.wall()
        if asked.reset:
            ahead = 0.0
        if ahead != clock.ahead or math.isnan(ahead):
            try:
                clock.move(ahead)
            except ValueError as error:
                raise LocumError(f"the clock cannot be moved so far: {error}") from error
            _log.warning("the clock was moved: it is %s now, %+.0f s from the wall clock", iso8601(clock()), ahead)
        return {"now": clock(), "ahead": clock.ahead}
