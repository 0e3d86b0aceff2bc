"""What begins by itself: operations that waited for others, and those by which sets follow the organization.

API Reference, ManagedExecution: "CloudFormation performs non-conflicting operations concurrently and queues conflicting
operations. After conflicting operations finish, CloudFormation starts queued operations in request order." Without it,
one operation of a set is under way at a time.
"""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from locum.calls import Runtime
from locum.core.actors import service_principal
from locum.services.cloudformation.stack_sets.access import ADMIN_SERVICE
from locum.services.cloudformation.stack_sets.automatic import followed
from locum.services.cloudformation.stack_sets.lookup import operations_of, results_of, stack_set_named
from locum.services.cloudformation.stack_sets.progress import conflicts
from locum.services.verbs import Context, Outcome
from locum.state import Event, StackSet, StackSetOperation, StackSetResult, State, put
from locum.state.stack_sets import QUEUED


async def promoted(runtime: Runtime) -> None:
    """Begin all operations that wait for nothing any more."""
    if promotions(runtime.ledger.state):
        await runtime.ledger.transact(lambda state: Outcome({}, promotions(state)), lambda _outcome: ())


def promotions(state: State) -> tuple[Event, ...]:
    """The events with which operations that wait for nothing any more begin."""
    return tuple(put(replace(it, status="RUNNING")) for of in state.every(StackSet) for it in _ready(state, of))


def _ready(state: State, of: StackSet) -> list[StackSetOperation]:
    """The operations of a set that waited and can begin, in request order."""
    ready: list[StackSetOperation] = []
    before: list[list[StackSetResult]] = []
    for it in reversed(operations_of(state, of)):
        if it.ended:
            continue
        results = results_of(state, it)
        free = not any(conflicts(results, other) for other in before) if of.managed else not before
        if it.status == QUEUED and free and not (it.automatic and _depends(state, of)):
            ready.append(it)
        before.append(results)
    return ready


def _depends(state: State, of: StackSet) -> bool:
    """Whether a set that `of` depends on is being deployed by itself."""
    others = [stack_set_named(state, of.account, of.region, arn) for arn in of.automatic.depends_on]
    return any(it.automatic and not it.ended for other in others if other for it in operations_of(state, other))


async def follow_organizations(runtime: Runtime) -> None:
    """Begin what accounts that joined or left the units of sets take."""
    for of in list(runtime.ledger.state.every(StackSet)):
        if _followed(runtime, runtime.ledger.state, of):
            await runtime.ledger.transact(partial(_follow, runtime, of), lambda _outcome: ())


def _followed(runtime: Runtime, state: State, of: StackSet) -> tuple[Event, ...]:
    now = state.get(StackSet, of.account, of.key)
    caller = service_principal(ADMIN_SERVICE, of.account, of.arn)
    context = Context(state, runtime.clock(), runtime.entropy, runtime.keyring, caller, of.region)
    return () if now is None else followed(context, now)


def _follow(runtime: Runtime, of: StackSet, state: State) -> Outcome:
    return Outcome({}, _followed(runtime, state, of))
