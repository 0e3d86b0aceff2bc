"""Finding stack sets, and what belongs to them, in the state."""

from __future__ import annotations

from typing import TypeVar

from locum.core.errors import Fault
from locum.state import StackInstance, StackSet, StackSetOperation, StackSetResult, StackSetTemplate, State
from locum.state.autoscaling import regional
from locum.state.entities import Entity
from locum.state.indexes import OF_STACK_SET, RESULTS_OF, STACK_SET_NAME, scoped

E = TypeVar("E", bound=Entity)


def stack_set_named(state: State, account: str, region: str, name: str) -> StackSet | None:
    """The stack set with this name, this id (NAME:UUID) or this ARN; a deleted one only by the latter two."""
    full = name.rpartition("/")[2] if name.startswith("arn:") else name
    if ":" not in full:
        return state.first(StackSet, STACK_SET_NAME, scoped(account, regional(region, full)))
    found = state.get(StackSet, account, regional(region, full.rpartition(":")[2]))
    return found if found is not None and name in (found.full_name, found.arn) else None


def not_found(name: str) -> Fault:
    """The Fault of a call for a stack set that is not there."""
    return Fault("StackSetNotFoundException", f"StackSet {name} not found", 404)


def parts_of(state: State, of: StackSet, kind: type[E]) -> list[E]:
    """What belongs to a stack set: templates, instances or operations, unordered."""
    return [it for it in state.find(OF_STACK_SET, scoped(of.account, of.key)) if isinstance(it, kind)]


def instances_of(state: State, of: StackSet) -> list[StackInstance]:
    """The instances of a stack set, by account and region."""
    return sorted(parts_of(state, of, StackInstance), key=lambda it: (it.target, it.place))


def instance_of(state: State, of: StackSet, target: str, place: str) -> StackInstance | None:
    """The instance of a stack set in a region of an account."""
    return state.get(StackInstance, of.account, regional(of.region, of.id, target, place))


def operations_of(state: State, of: StackSet) -> list[StackSetOperation]:
    """The operations of a stack set, newest first."""
    return sorted(parts_of(state, of, StackSetOperation), key=lambda it: it.order, reverse=True)


def operation_of(state: State, of: StackSet, identifier: str) -> StackSetOperation | None:
    """The operation of a stack set with this id."""
    return state.get(StackSetOperation, of.account, regional(of.region, of.id, identifier))


def results_of(state: State, of: StackSetOperation) -> list[StackSetResult]:
    """What an operation does with each instance, in the order in which it begins within a region."""
    found = [it for it in state.find(RESULTS_OF, scoped(of.account, of.key)) if isinstance(it, StackSetResult)]
    return sorted(found, key=lambda it: (it.order, it.place))


def set_of(state: State, it: StackSetOperation | StackInstance | StackSetResult) -> StackSet | None:
    """The stack set that something belongs to."""
    return state.get(StackSet, it.account, regional(it.region, it.stack_set))


def template_text_of(state: State, of: StackSet) -> str:
    """The text of the template of a stack set, which is not deleted."""
    found = state.get(StackSetTemplate, of.account, regional(of.region, of.id, str(of.version.template)))
    assert found is not None
    return found.text
