"""Running the verbs of Locum's own services.

A reading verb runs at once on the state that the call was decided on, or once what it tells of has ended. A writing
verb runs in a transaction: its events, the record of the call and the effects that it causes are durable together, or
none of them is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from locum.calls.committing import Committer
from locum.calls.rate_limits import RateLimits
from locum.calls.recorder import Recorder
from locum.calls.rehearsal import rehearsed
from locum.calls.request_context import RequestContext
from locum.calls.runtime import Runtime
from locum.core.calls import Ask, Effect, ServiceCall
from locum.core.errors import Fault, StorageError
from locum.core.resources import ResourceFacts
from locum.services.asking import Answers, Unanswered
from locum.services.verbs import Context, Operation, Outcome, Pending
from locum.state import State

Facts = Mapping[str, ResourceFacts]
Decide = Callable[[RequestContext, Facts], None]
Reply = Callable[[RequestContext, Ask], Awaitable[Mapping[str, Any] | Fault]]

_UNKNOWN_END: Final = 500
"""The status from which on a Fault does not say whether something was committed."""

_log: Final = logging.getLogger(__name__)

MOST_WAITING: Final = 100
"""Answers that wait at the same time for what they tell of: each change of the state is looked at by all of them."""

MOST_ASKS: Final = 256
"""Asks of one call, in all its runs: a verb that asks without end is a fault of ours."""


class Verbs:
    """Runs verbs. `decide` decides on a call again, on another state; `reply` makes the call that a verb asks."""

    def __init__(
        self, runtime: Runtime, recorder: Recorder, committer: Committer, decide: Decide, reply: Reply
    ) -> None:
        self._runtime = runtime
        self._recorder = recorder
        self._committer = committer
        self._decide = decide
        self._reply = reply
        self._waiting: set[asyncio.Timeout] = set()
        self._patient = True
        self._rate_limits = RateLimits()

    def context(self, context: RequestContext) -> Context:
        """The `Context` of the verb of a call."""
        return verb_context(self._runtime, context)

    def hurry(self) -> None:
        """Have no answer wait any more for what it tells of."""
        self._patient = False
        for timeout in self._waiting:
            if not timeout.expired():
                timeout.reschedule(0)

    def run_plainly(self, context: RequestContext, operation: Operation) -> dict[str, Any]:
        """The answer of a verb that only reads what it is given: of most calls, and the quickest way. Raises Fault."""
        answer = operation.verb(self.context(context), context.params).answer
        self._recorder.answered(context)
        return answer

    async def run(
        self, context: RequestContext, operation: Operation, facts: Facts
    ) -> tuple[dict[str, Any], Sequence[Effect]]:
        """The answer of `operation` and what it causes. The call is recorded. Raises Fault."""
        if operation.rate and self._runtime.settings.rate_limits:
            self._rate_limits.take(context, operation.rate)
        given = self.context(context)
        if operation.asks:
            return await self._asking(context, operation, facts, given._replace(answers=Answers()))
        return await self._once(context, operation, facts, given)

    async def _asking(
        self, context: RequestContext, operation: Operation, facts: Facts, given: Context
    ) -> tuple[dict[str, Any], Sequence[Effect]]:
        """Run the verb again and again, until all that it asks is answered."""
        answers = given.answers
        assert isinstance(answers, Answers)
        undoing: list[ServiceCall] = []
        for _ in range(MOST_ASKS):
            try:
                return await self._once(context, operation, facts, given)
            except Unanswered as unanswered:
                ask = unanswered.ask
                reply = await self._reply(context, ask)
                answers.add(unanswered, reply)
                if ask.undo is not None and not isinstance(reply, Fault):
                    undoing.append(ask.undo(ask.call, reply))
            except Fault as fault:
                if fault.status < _UNKNOWN_END:
                    await self._undo(context, undoing)
                raise
        raise RuntimeError(f"{context.params.keys()} made a verb ask more than {MOST_ASKS} times")

    async def _undo(self, context: RequestContext, undoing: Sequence[ServiceCall]) -> None:
        """Take back what a backend did for a verb that is refused after all."""
        for call in reversed(undoing):
            told = await self._reply(context, Ask(call, of_backend=True, changes=True))
            if isinstance(told, Fault):
                _log.error("request %s: %s of the backend failed: %s", context.request_id, call.operation, told)

    async def _once(
        self, context: RequestContext, operation: Operation, facts: Facts, given: Context
    ) -> tuple[dict[str, Any], Sequence[Effect]]:
        if operation.pending is not None:
            given = await self._ended(context, operation.pending, facts, given)
        if operation.rehearsed:
            given = await rehearsed(self._runtime, given, operation, context.params)
        if operation.writes:
            outcome = await self._write(context, operation, facts, given)
            return outcome.answer, outcome.effects
        verb, params = operation.verb, context.params
        if operation.blocks:
            outcome = await self._runtime.ledger.read(lambda: verb(given, params))
        elif operation.computes:
            outcome = await asyncio.to_thread(verb, given, params)
        else:
            outcome = verb(given, params)
        assert not outcome.effects, "only a verb that writes causes anything"
        await self._committer.answered(context)
        return outcome.answer, ()

    async def _ended(self, context: RequestContext, pending: Pending, facts: Facts, given: Context) -> Context:
        """`given`, once that has ended which the call tells of: on that state the call is decided on again.

        Services look again themselves, and at what ends only after they have seen it.
        """
        began, patience = pending(given, context.params), given.settings.patience
        left = 0.0 if began is None else min(patience, began + patience - given.now)
        if left <= 0 or context.service or not self._patient or len(self._waiting) >= MOST_WAITING:
            return given
        with self._runtime.ledger.subscribe(given.state) as changes, suppress(TimeoutError, StorageError):
            async with asyncio.timeout(left) as timeout:
                self._waiting.add(timeout)
                try:
                    async for change in changes:
                        if pending(given._replace(state=change.state), context.params) is None:
                            break
                finally:
                    self._waiting.discard(timeout)
        context.state = self._runtime.ledger.state
        self._decide(context, facts)
        return given._replace(state=context.state)

    async def _write(self, context: RequestContext, operation: Operation, facts: Facts, given: Context) -> Outcome:
        """Run a writing verb in a transaction.

        The verb may see a later state than the one on which the call was allowed: calls of others that are on their
        way to the disk. Then the decision is made again, on the state that the verb sees.
        """

        def handler(state: State) -> Outcome:
            if state is not context.state:
                context.state = state
                self._decide(context, facts)
            return operation.verb(given._replace(state=state), context.params)

        return await self._committer.commit(context, handler)


def verb_context(runtime: Runtime, context: RequestContext) -> Context:
    """The `Context` of the verb of a call."""
    return Context(
        context.state,
        context.now,
        runtime.entropy,
        runtime.keyring,
        context.caller,
        context.region,
        runtime.settings,
        runtime.history,
        runtime.usage,
        call=context.call,
        ahead=0.0 if context.service else context.ahead,
    )
