"""What an operation on a stack set does next, as a pure function of what it has done.

CloudFormation User Guide, "StackSets concepts", "StackSet operation options":

1. One region at a time, in their order, unless RegionConcurrencyType is PARALLEL.
2. In a region, MaxConcurrentCount accounts at the same time. With STRICT_FAILURE_TOLERANCE at most as many as failures
   are still tolerated, and one more: so never more than the tolerance and one fail.
3. More failures in a region than tolerated stop the operation there and in all later regions: what has begun is
   finished, and nothing else begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from locum.state import StackSetOperation, StackSetResult

EXCEEDED: Final = "Cancelled since failure tolerance has exceeded"
STOPPED: Final = "Cancelled since the operation was stopped"


class Next(NamedTuple):
    """The instances that are worked on now, those that are not any more with the reason, and the status at the end."""

    begin: list[StackSetResult]
    cancel: list[StackSetResult]
    reason: str = ""
    ended: str = ""


def next_of(operation: StackSetOperation, results: Sequence[StackSetResult]) -> Next:
    """What an operation that is under way does next."""
    pending = [it for it in results if it.status == "PENDING"]
    running = [it for it in results if it.status == "RUNNING"]
    if operation.status == "STOPPING":
        return Next([], pending, STOPPED, "" if running else "STOPPED")
    begin: list[StackSetResult] = []
    cancel: list[StackSetResult] = []
    failed = False
    for region in operation.regions:
        of_region = [it for it in results if it.place == region]
        failures, tolerance = _count(of_region, "FAILED"), _tolerance(operation, len(of_region))
        waiting = [it for it in of_region if it.status == "PENDING"]
        if failed or failures > tolerance:
            failed = True
            cancel += waiting
        else:
            room = _room(operation, len(of_region), tolerance, failures) - _count(of_region, "RUNNING")
            begin += waiting[: max(room, 0)]
        unfinished = _count(of_region, "RUNNING") or (waiting and not failed)
        if unfinished and not failed and operation.preferences.get("RegionConcurrencyType") != "PARALLEL":
            break
    left = running or begin or len(cancel) < len(pending)
    return Next(begin, cancel, EXCEEDED, "" if left else "FAILED" if failed else "SUCCEEDED")


def _count(results: Sequence[StackSetResult], status: str) -> int:
    return sum(1 for it in results if it.status == status)


def _tolerance(operation: StackSetOperation, accounts: int) -> int:
    """The failures in a region of so many accounts that are tolerated; a percentage is rounded down."""
    preferences = operation.preferences
    if "FailureTolerancePercentage" in preferences:
        return accounts * int(preferences["FailureTolerancePercentage"]) // 100
    return int(preferences.get("FailureToleranceCount", 0))


def _room(operation: StackSetOperation, accounts: int, tolerance: int, failures: int) -> int:
    """How many accounts of a region are worked on at the same time."""
    preferences = operation.preferences
    most = int(preferences.get("MaxConcurrentCount", 1))
    if "MaxConcurrentPercentage" in preferences:
        most = max(1, accounts * int(preferences["MaxConcurrentPercentage"]) // 100)
    if preferences.get("ConcurrencyMode") == "SOFT_FAILURE_TOLERANCE":
        return most
    return min(most, tolerance + 1 - failures)


def conflicts(one: Sequence[StackSetResult], other: Sequence[StackSetResult]) -> bool:
    """Whether two operations are about the same instance."""
    return bool({(it.target, it.place) for it in one} & {(it.target, it.place) for it in other})
