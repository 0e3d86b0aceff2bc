"""Rollback configurations: the alarms that roll an operation of a stack back, and how long they are watched after it.

CloudFormation API Reference, RollbackConfiguration. What becomes of it is `agents.stacks.triggers`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.arn import Arn
from locum.services.cloudformation.templates import invalid
from locum.services.verbs import Params

MOST: Final = 5
_LONGEST: Final = 180
"""Minutes."""

_TYPES: Final = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
_ALARM: Final = "alarm:"


def rollback_given(params: Params, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The rollback configuration that a call gives a stack which has `before`. Raises Fault ValidationError.

    "To use the rollback triggers previously specified for this stack, if any, don't specify this parameter."
    """
    given = dict(params.get("RollbackConfiguration") or {})
    triggers, minutes = given.get("RollbackTriggers") or (), given.get("MonitoringTimeInMinutes", 0)
    if len(triggers) > MOST:
        raise _constraint("rollbackConfiguration.rollbackTriggers", f"length less than or equal to {MOST}")
    if not 0 <= minutes <= _LONGEST:
        raise _constraint("rollbackConfiguration.monitoringTimeInMinutes", f"value less than or equal to {_LONGEST}")
    for trigger in triggers:
        arn = Arn.find(trigger["Arn"])
        if arn is None or arn.service != "cloudwatch" or not arn.resource.startswith(_ALARM):
            raise invalid(f"Invalid ARN of a rollback trigger: {trigger['Arn']}")
        if trigger["Type"] not in _TYPES:
            raise invalid(f"Invalid type of a rollback trigger: {trigger['Type']}")
    given = {name: value for name, value in given.items() if value is not None}
    if "RollbackTriggers" in given:
        given["RollbackTriggers"] = [dict(trigger) for trigger in triggers]
    return {**(before or {}), **given}


def alarms_of(configuration: Mapping[str, Any]) -> dict[str, list[str]]:
    """The names of the alarms that a rollback configuration has watched, by the region where they are."""
    found: dict[str, list[str]] = {}
    for text in triggers_of(configuration):
        arn = Arn.find(text)
        assert arn is not None
        found.setdefault(arn.region, []).append(arn.resource.removeprefix(_ALARM))
    return found


def triggers_of(configuration: Mapping[str, Any]) -> list[str]:
    """The ARNs of the alarms that a rollback configuration has watched."""
    return [trigger["Arn"] for trigger in configuration.get("RollbackTriggers", ())]


def minutes_of(configuration: Mapping[str, Any]) -> int:
    """How long they are watched once everything is made."""
    return int(configuration.get("MonitoringTimeInMinutes", 0))


def _constraint(where: str, what: str) -> Exception:
    return invalid(
        f"1 validation error detected: Value at '{where}' failed to satisfy constraint: Member must have {what}"
    )
