"""Spot interruptions and scheduled events, which EC2 announces to an instance and carries out when their time has come.

EC2 User Guide, "Spot Instance interruptions" and "Scheduled events for your Amazon EC2 instances":
- an interruption terminates, stops or hibernates the instance, whatever protects it against its users;
- `instance-stop` and `instance-retirement` stop an instance whose root device is a volume;
- `instance-reboot` and `system-reboot` reboot it, `system-maintenance` leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from locum.core.principal import PrincipalKind
from locum.services.verbs import Context
from locum.state import Instance, Notices

MESSAGES: Final[Mapping[str, str]] = {
    "Server.ScheduledStop": "The instance was stopped due to a scheduled retirement",
    "Server.SpotInstanceShutdown": "Spot Instance shutdown",
    "Server.SpotInstanceTermination": "Spot Instance termination",
}
"""The text of a state reason by its code. EC2 API Reference, "StateReason"."""

DESCRIPTIONS: Final = {
    "instance-reboot": "scheduled reboot",
    "instance-retirement": "The instance is running on degraded hardware",
    "instance-stop": "The instance is running on degraded hardware",
    "system-maintenance": "scheduled maintenance",
    "system-reboot": "scheduled reboot",
}
"""The description of a scheduled event by its code."""

_EVENT: Final = {
    "instance-reboot": "RebootInstances",
    "instance-retirement": "StopInstances",
    "instance-stop": "StopInstances",
    "system-maintenance": "",
    "system-reboot": "RebootInstances",
}
_INTERRUPTION: Final = {"terminate": "TerminateInstances", "stop": "StopInstances", "hibernate": "StopInstances"}
_RUNS: Final = ("pending", "running")


class Due(NamedTuple):
    """The action of EC2 on an instance at `at` (epoch seconds): the operation, empty where it is left as it is.

    `event` is the id of the scheduled event; empty for an interruption.
    """

    at: int
    operation: str
    event: str = ""


def next_due(it: Instance) -> Due | None:
    """The next thing that is announced to an instance; None where there is none."""
    notices = it.notices
    found = [Due(each.not_before, _EVENT[each.code], each.id) for each in notices.maintenance if each.state == "active"]
    if notices.interruption and it.state in _RUNS:
        found.append(Due(notices.interruption_at, _INTERRUPTION[notices.interruption]))
    return min(found, default=None)


def done_by_ec2(ctx: Context, it: Instance, operation: str) -> str:
    """The code of the reason why EC2 itself makes `operation` now, which it has announced; empty where it does not."""
    principal, due = ctx.caller.principal, next_due(it)
    if principal.kind is not PrincipalKind.SERVICE or principal.arn != "ec2.amazonaws.com":
        return ""
    if due is None or due.operation != operation or due.at > ctx.now:
        return ""
    if due.event:
        return "Server.ScheduledStop"
    return "Server.SpotInstanceTermination" if operation == "TerminateInstances" else "Server.SpotInstanceShutdown"


def uninterrupted(notices: Notices) -> Notices:
    """`notices` of an instance that does not run any more."""
    return replace(notices, interruption="", interruption_at=0, rebalance_at=0)


def completed(notices: Notices, event: str, state: str = "completed") -> Notices:
    """`notices`, with an event that is completed or canceled."""
    return replace(
        notices,
        maintenance=tuple(
            replace(each, state=state, description=f"[{state.capitalize()}] {each.description}")
            if each.id == event
            else each
            for each in notices.maintenance
        ),
    )


def status_events(it: Instance) -> list[dict[str, Any]]:
    """The `InstanceStatusEvent`s of an instance."""
    return [
        {
            "InstanceEventId": each.id,
            "Code": each.code,
            "Description": each.description,
            "NotBefore": each.not_before,
            **({"NotAfter": each.not_after} if each.not_after else {}),
        }
        for each in it.notices.maintenance
    ]
