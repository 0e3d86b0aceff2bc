"""Operations of stack sets that wait for others begin, in the order in which they were asked for.

API Reference, ManagedExecution: "CloudFormation performs non-conflicting operations concurrently and queues conflicting
operations. After conflicting operations finish, CloudFormation starts queued operations in request order."
"""

from __future__ import annotations

from msgspec.structs import replace

from locum.calls import Runtime
from locum.services.cloudformation.stack_sets.lookup import UNDER_WAY, operations_of, results_of
from locum.services.cloudformation.stack_sets.progress import conflicts
from locum.services.verbs import Outcome
from locum.state import Event, StackSet, StackSetResult, State, put


async def promoted(runtime: Runtime) -> None:
    """Begin all operations that wait for nothing any more."""
    await runtime.ledger.transact(lambda state: Outcome({}, promotions(state)), lambda _outcome: ())


def promotions(state: State) -> tuple[Event, ...]:
    """The events with which operations that wait for nothing any more begin."""
    events: list[Event] = []
    for of in state.every(StackSet):
        before: list[list[StackSetResult]] = []
        for it in reversed(operations_of(state, of)):
            if it.status == "QUEUED":
                results = results_of(state, it)
                if not any(conflicts(results, other) for other in before):
                    events.append(put(replace(it, status="RUNNING")))
                before.append(results)
            elif it.status in UNDER_WAY:
                before.append(results_of(state, it))
    return tuple(events)
