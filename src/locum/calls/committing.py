"""Commits: what a call changes, its record, the effects that it causes and the effect that it carries out, as one.

Each is durable with the others. An effect is marked done by taking its entry away in the transaction of the call that
carries it out, so that in Locum's own state it happens once, however often it is begun.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from locum.calls.consequences import CAUSE
from locum.calls.effects import instead_of, pending, still_pending
from locum.calls.recorder import Recorder
from locum.calls.request_context import RequestContext
from locum.calls.runtime import Runtime
from locum.core.calls import Effect
from locum.core.errors import Fault, LocumError
from locum.core.identifiers import request_id
from locum.services.verbs import Outcome
from locum.state import Event, PendingEffect, State, put, remove
from locum.store import AuditRow


class AlreadyDone(LocumError):
    """The effect that a call was to carry out has been carried out, or was given up, meanwhile."""


class Committer:
    """Stores calls: see the module."""

    def __init__(self, runtime: Runtime, recorder: Recorder) -> None:
        self._runtime = runtime
        self._recorder = recorder

    async def commit(self, context: RequestContext, handler: Callable[[State], Outcome]) -> Outcome:
        """Run `handler` in a transaction. Raises Fault, AlreadyDone.

        A Fault of the handler is recorded as the call's refusal; of a call that carries out an effect it is not: what
        becomes of the effect is decided first (`refused`).
        """
        refused: list[Fault] = []

        def run(state: State) -> Outcome:
            if context.effect is not None and still_pending(state, context.effect) is None:
                raise AlreadyDone(f"effect {context.effect.id} is not there any more")
            outcome = handler(state)
            return outcome._replace(events=(*outcome.events, *self._events(context, state, outcome.effects)))

        def audit(outcome: Outcome | Fault) -> Sequence[AuditRow]:
            if not isinstance(outcome, Fault):
                return (self._recorder.row(context, answer=outcome.answer),)
            if context.effect is not None:
                return ()
            refused.append(outcome)
            return (self._recorder.row(context, outcome.status, outcome),)

        token = CAUSE.set(context.request_id)
        try:
            outcome = await self._runtime.ledger.transact(run, audit)
        except Fault as fault:
            context.recorded = fault in refused  # a Fault of the storage is not
            raise
        finally:
            CAUSE.reset(token)
        context.recorded = True
        return outcome

    async def answered(
        self, context: RequestContext, status: int = 200, fault: Fault | None = None, effects: Sequence[Effect] = ()
    ) -> None:
        """Record a call that changed nothing here, answered with `status`, by a backend perhaps with `fault`."""
        if context.effect is None and not effects:
            self._recorder.answered(context, status, fault)
            return

        if fault is not None and context.effect is not None:
            effects = (*effects, *self._instead(context.effect, fault))

        def run(state: State) -> Outcome:
            return Outcome({}, self._events(context, state, effects))

        await self._runtime.ledger.transact(run, lambda _: (self._recorder.row(context, status, fault),))
        context.recorded = True

    async def refused(self, context: RequestContext, fault: Fault, retry: PendingEffect | None) -> None:
        """Record that an effect could not be carried out, and that `retry` takes its place; None: it is given up."""
        entry = context.effect
        assert entry is not None
        if context.recorded:  # a backend answered so: the effect is done, and its record is stored
            return

        def run(state: State) -> Outcome:
            if still_pending(state, entry) is None:
                return Outcome({})
            if retry is not None:
                return Outcome({}, (put(retry),))
            return Outcome({}, self._events(context, state, self._instead(entry, fault)))

        await self._runtime.ledger.transact(run, lambda _: (self._recorder.row(context, fault.status, fault),))

    async def drop(self, entry: PendingEffect) -> None:
        """Take an effect away that nobody can carry out. There is no call to be recorded."""

        def run(state: State) -> Outcome:
            return Outcome({}, _end(state, entry))

        await self._runtime.ledger.transact(run, lambda _: ())

    def _instead(self, entry: PendingEffect, fault: Fault) -> tuple[Effect, ...]:
        """The effects that take the place of `entry`, which is given up because of `fault`."""
        call = instead_of(entry, self._runtime.keyring, fault)
        return () if call is None else (Effect(request_id(self._runtime.entropy), call, entry.lane),)

    def _events(self, context: RequestContext, state: State, effects: Sequence[Effect]) -> tuple[Event, ...]:
        """The entries of the effects that a call causes, and the end of the one that it carries out."""
        done = context.effect
        gone = () if done is None else _end(state, done)
        if not effects:
            return gone
        runtime = self._runtime
        return gone + tuple(
            put(
                pending(
                    effect,
                    context.request_id,
                    (state.sequence + 1, position),
                    context.now,
                    runtime.keyring,
                    runtime.entropy,
                    runtime.node,
                )
            )
            for position, effect in enumerate(effects)
        )


def _end(state: State, effect: PendingEffect) -> tuple[Event, ...]:
    """The end of a pending effect; none where it has ended."""
    return () if still_pending(state, effect) is None else (remove(effect),)
