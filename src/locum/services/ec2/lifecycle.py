"""StartInstances, StopInstances, RebootInstances and TerminateInstances.

    from            StartInstances    StopInstances     RebootInstances   TerminateInstances
    running         nothing           stopped           nothing           terminated
    stopped         running           nothing           IncorrectState    terminated
    terminated      IncorrectState    IncorrectState    IncorrectState    nothing

IncorrectState is short for the error IncorrectInstanceState. A call on several instances changes all of them or
none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from msgspec.structs import replace

from locum.services.ec2.announced import done_by_ec2, uninterrupted
from locum.services.ec2.faults import incorrect_instance_state, no_instances_specified, protected
from locum.services.ec2.lookup import instances, removals_of_expired, state_of
from locum.services.ec2.spot_options import check_stop
from locum.services.verbs import Context, Outcome, Params
from locum.state import Event, Instance, put, remove
from locum.state.associations import association_of

_FINAL_STATES: Final = {"pending": "running", "stopping": "stopped", "shutting-down": "terminated"}


class _Change(NamedTuple):
    """The change of one instance: the state in the answer, and the instance afterwards (None: unchanged)."""

    instance: Instance
    transitional: str
    after: Instance | None

    def shape(self) -> dict[str, Any]:
        return {
            "InstanceId": self.instance.id,
            "CurrentState": state_of(self.transitional),
            "PreviousState": state_of(self.instance.state),
        }


def start_instances(ctx: Context, params: Params) -> Outcome:
    """ec2:StartInstances."""
    return _outcome(ctx, "StartingInstances", _changes(ctx, params, _start))


def stop_instances(ctx: Context, params: Params) -> Outcome:
    """ec2:StopInstances."""
    return _outcome(ctx, "StoppingInstances", _changes(ctx, params, _stop))


def terminate_instances(ctx: Context, params: Params) -> Outcome:
    """ec2:TerminateInstances. Profile associations of the instances are removed."""
    done = terminated(ctx, _ids(params))
    return Outcome(done.answer, (*done.events, *removals_of_expired(ctx)))


def terminated(ctx: Context, ids: Sequence[str]) -> Outcome:
    """The end of the instances `ids`. Raises Fault where one is protected, or is not there."""
    return _outcome(ctx, "TerminatingInstances", [_terminate(ctx, it) for it in instances(ctx, ids)])


def reboot_instances(ctx: Context, params: Params) -> Outcome:
    """ec2:RebootInstances. It changes neither the state nor the addresses of an instance, and counts as a start."""
    named = instances(ctx, _ids(params))
    for it in named:
        if it.state not in ("running", "pending"):
            raise incorrect_instance_state(f"The instance '{it.id}' is not in a state from which it can be rebooted.")
    return Outcome({}, tuple(put(_started_again(it)) for it in named))


def _ids(params: Params) -> list[str]:
    ids = list(params.get("InstanceIds") or ())
    if not ids:
        raise no_instances_specified()
    return ids


def _changes(ctx: Context, params: Params, step: Callable[[Context, Instance], _Change]) -> list[_Change]:
    return [step(ctx, it) for it in instances(ctx, _ids(params))]


def _outcome(ctx: Context, member: str, changes: list[_Change]) -> Outcome:
    events: list[Event] = []
    for change in changes:
        if change.after is None:
            continue
        events.append(put(change.after))
        association = association_of(ctx.state, change.instance) if change.after.state == "terminated" else None
        if association is not None:
            events.append(remove(association))
    return Outcome({member: [change.shape() for change in changes]}, tuple(events))


def _start(ctx: Context, it: Instance) -> _Change:
    if _final_state(it) == "running":
        return _Change(it, it.state, None)
    if it.state != "stopped":
        raise incorrect_instance_state(f"The instance '{it.id}' is not in a state from which it can be started.")
    return _Change(
        it,
        "pending",
        _in_state(ctx, replace(_started_again(it), launched=int(ctx.now), node=ctx.settings.node), "running"),
    )


def _started_again(it: Instance) -> Instance:
    return replace(it, boots=it.boots + 1)


def _stop(ctx: Context, it: Instance) -> _Change:
    if _final_state(it) == "stopped":
        return _Change(it, it.state, None)
    if _final_state(it) != "running":
        raise incorrect_instance_state(f"This instance '{it.id}' is not in a state from which it can be stopped.")
    reason = done_by_ec2(ctx, it, "StopInstances")
    if not reason:
        if it.attributes.get("DisableApiStop"):
            raise protected(it.id, "stopped", "disableApiStop")
        check_stop(it)
    return _Change(it, "stopping", _in_state(ctx, it, "stopped", reason))


def _terminate(ctx: Context, it: Instance) -> _Change:
    if _final_state(it) == "terminated":
        return _Change(it, it.state, None)
    reason = done_by_ec2(ctx, it, "TerminateInstances")
    by_aws = reason or ctx.caller.principal.service_linked  # "does not prevent Amazon EC2 Auto Scaling"
    if it.protected and not by_aws:
        raise protected(it.id, "terminated", "disableApiTermination")
    return _Change(it, "shutting-down", _in_state(ctx, it, "terminated", reason))


def _final_state(it: Instance) -> str:
    return _FINAL_STATES.get(it.state, it.state)


def _in_state(
    ctx: Context, it: Instance, state: Literal["running", "stopped", "terminated"], reason: str = ""
) -> Instance:
    """`it` in `state`, for `reason` (the code of one of EC2's own), else as its user has it."""
    when = datetime.fromtimestamp(int(ctx.now), UTC).strftime("%Y-%m-%d %H:%M:%S GMT")
    reason = "" if state == "running" else reason or f"User initiated ({when})"
    notices = it.notices if state == "running" else uninterrupted(it.notices)
    return replace(it, state=state, state_changed=int(ctx.now), state_reason=reason, notices=notices)
