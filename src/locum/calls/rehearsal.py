"""Writing verbs that take long: run once beside the event loop, and again, at once, in the transaction.

A transaction's verb runs on the event loop, where nobody else is served meanwhile. What takes long in one (digests of
passwords, reading what was used when) is remembered from a first run, whose outcome is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from locum.calls.runtime import Runtime
from locum.core.errors import Fault
from locum.credentials.passwords import PasswordDigests
from locum.services.verbs import Context, LastUse, Operation, Params, UsageRecord


class _Recalled:
    """The record of last uses, each part of which is read once."""

    def __init__(self, record: UsageRecord) -> None:
        self._record: Final = record
        self._known: dict[tuple[str, str | None], Sequence[LastUse]] = {}

    def uses(self, account: str, principal: str | None = None) -> Sequence[LastUse]:
        asked = account, principal
        found = self._known.get(asked)
        if found is None:
            found = self._known[asked] = self._record.uses(account, principal)
        return found


async def rehearsed(runtime: Runtime, context: Context, operation: Operation, params: Params) -> Context:
    """`context`, with what the verb of `operation` found out when it was run on it beside the event loop."""
    usage = None if context.usage is None else _Recalled(context.usage)
    context = context._replace(password_digests=PasswordDigests(), usage=usage)
    await _run(runtime, operation, lambda: _tried(operation, context, params))
    return context


async def _run(runtime: Runtime, operation: Operation, work: Callable[[], None]) -> None:
    """Run in a thread: with the readers of storage where the verb waits for it, else with those who compute."""
    if operation.blocks:
        await runtime.ledger.read(work)
    else:
        await asyncio.to_thread(work)


def _tried(operation: Operation, context: Context, params: Params) -> None:
    with suppress(Fault):  # it comes again where it counts
        operation.verb(context, params)
