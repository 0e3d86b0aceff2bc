"""Announcements of a group to its instances: the state that they are to come to.

EC2 Auto Scaling User Guide, "Retrieve the target lifecycle state through instance metadata":
`autoscaling/target-lifecycle-state`. A process on an instance finds out from it that the instance is about to be
terminated, while a lifecycle hook has it wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from locum.state import AutoScalingGroup, Event, GroupInstance, Instance, State, put


def announced(state: State, group: AutoScalingGroup) -> Iterator[Event]:
    """The events that announce the target states of the instances of `group`, where they are not yet."""
    for it in group.members:
        yield from _announced(state, group, it, _target(it))


def released(state: State, group: AutoScalingGroup, gone: Iterable[GroupInstance]) -> Iterator[Event]:
    """The events that announce to instances that they are in no group any more."""
    for it in gone:
        yield from _announced(state, group, it, "Detached")


def _announced(state: State, group: AutoScalingGroup, it: GroupInstance, target: str) -> Iterator[Event]:
    found = state.get(Instance, group.account, it.id)
    if found is not None and found.state != "terminated" and found.notices.lifecycle_state != target:
        yield put(replace(found, notices=replace(found.notices, lifecycle_state=target)))


def _target(it: GroupInstance) -> str:
    if it.lifecycle.startswith("Terminating"):
        return "Terminated"
    return "Standby" if "Standby" in it.lifecycle else "InService"
