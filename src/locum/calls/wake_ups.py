"""Wake-ups: whoever waits for something to be put into a queue, stream or table is told of calls that may have done so.

A poller so need not ask again and again what has come, and nothing is looked at where nobody waits.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from locum.core.reading import reads_only

_PUTS_NOTHING: Final = frozenset({"ReceiveMessage", "DeleteMessage", "DeleteMessageBatch"})
"""Operations that are no reading ones, and after which there is nothing new to read: those of pollers."""


class WakeUps:
    """The events of those who wait, by the ARN of the resource that they wait for."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def listening(self, arn: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever a call may have changed the resource `arn`, for as long as the block runs."""
        event = asyncio.Event()
        self._waiting[arn].add(event)
        try:
            yield event
        finally:
            self._waiting[arn].discard(event)
            if not self._waiting[arn]:
                del self._waiting[arn]

    def carried_out(self, operation: str, resources: Iterable[str]) -> None:
        """Wake those who wait for one of the `resources` (ARNs) of a call that a backend has carried out."""
        if not self._waiting or operation in _PUTS_NOTHING or reads_only(operation):
            return
        for arn in resources:
            for event in self._waiting.get(arn, ()):
                event.set()
