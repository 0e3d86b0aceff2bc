"""The course of an invocation: waiting, running, ended. `agents.instances.run_command` commits what comes of it.

User Guide, "Understanding command statuses": an invocation that is not delivered within TimeoutSeconds is
DeliveryTimedOut; one whose instance is gone Undeliverable; those that wait once MaxErrors is exceeded are Terminated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from locum.services.ssm.descriptions import counts_as_error, invocations_of, number_in
from locum.services.ssm.documents import PLUGIN
from locum.services.ssm.managed import state_of
from locum.state import Command, CommandInvocation, ManagedInstance, PluginResult, State
from locum.state.commands import InvocationStatus

RUNNING: Final = ("InProgress", "Cancelling")
LOST: Final = "The command was ended together with the plane that it ran on.\n"


class Ended(NamedTuple):
    """The end of a step: its exit code; None where it was ended, by its time or (`cancelled`) by CancelCommand."""

    code: int | None
    began: float
    ended: float
    cancelled: bool = False


def commands_with_unfinished(state: State) -> list[tuple[Command, list[CommandInvocation]]]:
    """The commands that are not over, the oldest first, with all their invocations."""
    found = []
    for command in sorted(state.every(Command), key=lambda it: it.requested):
        invocations = invocations_of(state, command)
        if any(it.status in ("Pending", *RUNNING) for it in invocations):
            found.append((command, invocations))
    return found


def without_delivery(state: State, command: Command, it: CommandInvocation, now: float) -> CommandInvocation | None:
    """`it`, which waits, where it will not be delivered any more; None while it waits on."""
    invocations = invocations_of(state, command)
    if sum(map(counts_as_error, invocations)) > number_in(command.max_errors, len(invocations)):
        return replace(it, status="Cancelled", details="Terminated")
    managed = state.get(ManagedInstance, it.account, it.instance)
    if managed is None or not state_of(state, managed):
        return replace(it, status="Failed", details="Undeliverable")
    if now >= command.requested + command.timeout:
        return replace(it, status="TimedOut", details="DeliveryTimedOut")
    return None


def has_room(command: Command, invocations: Sequence[CommandInvocation]) -> bool:
    """Whether MaxConcurrency lets one more invocation of `command` run."""
    most = max(1, number_in(command.max_concurrency, len(invocations)))
    return sum(it.status in RUNNING for it in invocations) < most


def result_of(step: str, end: Ended) -> PluginResult:
    """The result of a step that has ended."""
    made = PluginResult(name=step, began=end.began, ended=end.ended)
    if end.code is not None:
        status: InvocationStatus = "Failed" if end.code else "Success"
        return replace(made, status=status, details=status, code=end.code)
    if end.cancelled:
        return replace(made, status="Cancelled", details="Cancelled")
    return replace(made, status="TimedOut", details="ExecutionTimedOut")


def finished(it: CommandInvocation, results: Sequence[PluginResult]) -> CommandInvocation:
    """`it` with the results of all its steps: it has the status of the first that was no success."""
    worst = next((result for result in results if result.status != "Success"), results[-1])
    return replace(it, status=worst.status, details=worst.details, results=tuple(results))


def lost(it: CommandInvocation, now: float) -> CommandInvocation:
    """`it`, which ran when its plane ended."""
    result = PluginResult(name=PLUGIN, status="Failed", details="Failed", ended=now, began=now)
    return replace(it, status="Failed", details="Failed", results=(*it.results, result))
