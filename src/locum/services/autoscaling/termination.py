"""Termination policies: which instances a group gives up when it has too many.

User Guide, "Configure termination policies": the Availability Zone with the most instances comes first, then the
policies in their order. "Default": instances of the oldest launch configuration, of the oldest version of the launch
template, those closest to the next billing hour; instances that are protected from scale-in are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from locum.state import AutoScalingGroup, GroupInstance, LaunchConfiguration, State
from locum.state.autoscaling import regional

Rank = Callable[[GroupInstance], Any]

_HOUR: Final = 3600
_COUNTED: Final = ("Pending:Wait", "Pending:Proceed", "InService")


def capacity_of(group: AutoScalingGroup) -> list[GroupInstance]:
    """The instances of a group that count towards its desired capacity."""
    return [it for it in group.members if it.lifecycle in _COUNTED]


def victims(state: State, group: AutoScalingGroup, number: int, now: float) -> list[GroupInstance]:
    """The instances, `number` at most, that `group` terminates first."""
    left = capacity_of(group)
    ranks = [_rank(state, group, policy, now) for policy in group.termination_policies]
    chosen: list[GroupInstance] = []
    while len(chosen) < number:
        open_to_it = [it for it in left if not it.protected]
        if not open_to_it:
            break
        found = _most_crowded(open_to_it, left)
        for policy in ranks:
            for rank in policy:
                least = min(map(rank, found))
                found = [it for it in found if rank(it) == least]
        chosen.append(found[0])
        left.remove(found[0])
    return chosen


def _most_crowded(candidates: Sequence[GroupInstance], every: Sequence[GroupInstance]) -> list[GroupInstance]:
    """The candidates in the zone that has the most instances; in all such zones."""
    numbers = Counter(it.zone for it in every)
    most = max(numbers[it.zone] for it in candidates)
    return [it for it in candidates if numbers[it.zone] == most]


def _rank(state: State, group: AutoScalingGroup, policy: str, now: float) -> Sequence[Rank]:
    """The ranks of a policy, of which the lowest is terminated; ties go to the next one."""

    def age_of_configuration(it: GroupInstance) -> int:
        found = state.get(LaunchConfiguration, group.account, regional(group.region, it.configuration))
        return 0 if found is None else found.created

    def before_next_hour(it: GroupInstance) -> float:
        return _HOUR - (now - it.since) % _HOUR

    def oldest_configuration(it: GroupInstance) -> Any:
        return (0, age_of_configuration(it)) if it.configuration else (1, 0)

    def oldest_template(it: GroupInstance) -> Any:
        current = group.template.get("LaunchTemplateId")
        return it.template.get("LaunchTemplateId") == current, int(it.template.get("Version", 0))

    ranks: Mapping[str, Sequence[Rank]] = {
        "ClosestToNextInstanceHour": (before_next_hour,),
        "Default": (oldest_configuration, oldest_template, before_next_hour),
        "NewestInstance": (lambda it: -it.since,),
        "OldestInstance": (lambda it: it.since,),
        "OldestLaunchConfiguration": (oldest_configuration,),
        "OldestLaunchTemplate": (oldest_template,),
    }
    return ranks.get(policy, ())
