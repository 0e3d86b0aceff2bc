"""Commits of a stack's progress: the changes that are made in one turn of the event loop are one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from locum.calls import Runtime
from locum.core.errors import Fault
from locum.services.cloudformation.change_sets import executed_events
from locum.services.cloudformation.drafts import Draft
from locum.services.verbs import Outcome
from locum.state import Event, Stack, State, put

Change = Callable[[State, Draft], None]
"""A change of a stack, which is a draft while it is made."""

Commit = Callable[[Change], Awaitable[None]]
"""Commits a change of one stack. Raises Fault."""


class _Waiting(NamedTuple):
    """A change that is to be committed, where `operation` is under way if it says one; `done` tells the end."""

    change: Change
    operation: str
    done: asyncio.Future[None]


class Commits:
    """Commits changes of the stack with this account and key."""

    def __init__(self, runtime: Runtime, account: str, key: str) -> None:
        self._runtime = runtime
        self._account = account
        self._key = key
        self._waiting: list[_Waiting] = []
        self._writing: set[asyncio.Task[None]] = set()

    async def commit(self, change: Change, operation: str = "") -> None:
        """Commit a change of the stack; none where another operation than `operation` is under way. Raises Fault.

        `change` may run more than once. It gets the state before the other changes of its transaction, which are of
        other resources.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._waiting:
            task = asyncio.ensure_future(self._write())
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        self._waiting.append(_Waiting(change, operation, done))
        await done

    async def _write(self) -> None:
        changes, self._waiting = self._waiting, []
        refused: dict[asyncio.Future[None], Exception] = {}
        try:
            await self._runtime.ledger.transact(lambda state: self._changed(state, changes, refused), lambda _: ())
        except Exception as error:  # each of those who wait is told
            refused = {waiting.done: error for waiting in changes}
        for waiting in changes:
            if waiting.done.done():  # its task was cancelled
                continue
            if waiting.done in refused:
                waiting.done.set_exception(refused[waiting.done])
            else:
                waiting.done.set_result(None)

    def _changed(
        self, state: State, changes: list[_Waiting], refused: dict[asyncio.Future[None], Exception]
    ) -> Outcome:
        """What `changes` make of the stack; those that are refused are noted, and change nothing."""
        refused.clear()
        stack = state.get(Stack, self._account, self._key)
        events: list[Event] = []
        for waiting in changes:
            if stack is None or (waiting.operation and stack.operation != waiting.operation):
                continue
            draft = Draft(stack, self._runtime.clock(), self._runtime.entropy)
            try:
                waiting.change(state, draft)
            except Fault as fault:
                refused[waiting.done] = fault
            else:
                stack = draft.stack
                events += draft.beside
        if stack is None or (not events and stack == state.get(Stack, self._account, self._key)):
            return Outcome({})
        return Outcome({}, (put(stack), *events, *executed_events(state, stack)))
