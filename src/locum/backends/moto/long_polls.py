"""Long polling of SQS queues, outside of moto.

moto's ReceiveMessage waits for a message in its thread, of which there are few: as many consumers as there are threads
would keep all other calls waiting. So moto is only asked for the messages that are there, and the wait is Locum's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from locum.backends.moto.models import models_of
from locum.backends.port import BackendCall, Carried

Carry = Callable[[BackendCall], Awaitable[Carried]]

LONGEST: Final = 20
"""Seconds. SQS Developer Guide, "Amazon SQS short and long polling": "The maximum long polling wait time is 20
seconds"."""

_EVERY: Final = 1.0
"""Seconds after which a queue is looked at again though no call was made: for messages that become visible."""

_MESSAGE: Final = b"ReceiptHandle"
"""What the response has in both protocols of SQS if there is a message in it."""


class LongPolls:
    """The calls that wait for messages. `carry` has moto carry out a call of SQS."""

    def __init__(self, carry: Carry) -> None:
        self._carry = carry
        self._change: asyncio.Event | None = None

    async def call(self, call: BackendCall) -> Carried:
        """Carry out a call of SQS: ReceiveMessage with its wait, if there is one; others wake those who wait."""
        if call.operation != "ReceiveMessage":
            carried = await self._carry(call)
            if self._change is not None:
                self._change.set()
                self._change = None
            return carried
        wait = _wait(call)
        if not 0 < wait <= LONGEST:
            return await self._carry(call)
        return await self._receive(replace(call, params={**call.params, "WaitTimeSeconds": 0}), wait)

    async def _receive(self, call: BackendCall, wait: int) -> Carried:
        loop = asyncio.get_running_loop()
        end = loop.time() + wait
        while True:
            change = self._change = self._change or asyncio.Event()
            carried = await self._carry(call)
            body = carried.response.body
            left = end - loop.time()
            if carried.response.status != 200 or not isinstance(body, bytes) or _MESSAGE in body or left <= 0:
                return carried
            try:
                async with asyncio.timeout(min(left, _EVERY)):
                    await change.wait()
            except TimeoutError:
                pass


def _wait(call: BackendCall) -> int:
    """The seconds that a ReceiveMessage waits: its own, else those of the queue; 0 where moto is to judge them."""
    own = call.params.get("WaitTimeSeconds")
    if own is not None:
        return own if isinstance(own, int) else 0
    kept = models_of("sqs", call.account, call.region)
    name = str(call.params.get("QueueUrl", "")).rstrip("/").rsplit("/", 1)[-1]
    queue = None if kept is None else kept.queues.get(name)
    return int(getattr(queue, "receive_message_wait_time_seconds", 0) or 0)  # which moto sets by the attribute's name
