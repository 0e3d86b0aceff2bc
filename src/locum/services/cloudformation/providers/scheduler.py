"""Schedules of EventBridge Scheduler, and their groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.base import Provider, Request, Resource
from locum.services.cloudformation.providers.guards import named, new_only
from locum.services.cloudformation.providers.steps import Steps, moment, seen_first, telling
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Row, Shown, Tags, Wait, provider

_SERVICE: Final = "scheduler"
_CONFLICT: Final = frozenset({"ConflictException"})
_PLANNED: Final = (
    "Description EndDate FlexibleTimeWindow KmsKeyArn ScheduleExpression ScheduleExpressionTimezone StartDate State "
    "Target"
)
_NAMED: Final = {"Name": "{id}", "GroupName": "{p.GroupName}"}

_SCHEDULE: Final = Row(
    _SERVICE,
    Call("CreateSchedule", {"ClientToken": "{client_token}"}, f"GroupName {_PLANNED}"),
    "{name}",
    (Call("DeleteSchedule", _NAMED),),
    attributes={"Arn": "{r.Arn}"},
    name=Name("Name", 64),
    read=Call("GetSchedule", _NAMED),
    exists=_CONFLICT,
    settings=(Change(Call("UpdateSchedule", _NAMED, _PLANNED)),),
    shown=Shown(at="", lists=Listing(Call("ListSchedules"), "Schedules", "{item.Name}")),
)

_GROUP: Final = Row(
    _SERVICE,
    Call("CreateScheduleGroup", {"ClientToken": "{client_token}"}),
    "{name}",
    (Call("DeleteScheduleGroup", {"Name": "{id}"}),),
    attributes={
        "Arn": "{r.Arn}",
        "State": "{r.State}",
    },
    name=Name("Name", 64),
    tags=Tags(
        Call("TagResource", {"ResourceArn": "{attr.Arn}", "Tags": "{tags}"}),
        Call("UntagResource", {"ResourceArn": "{attr.Arn}", "TagKeys": "{keys}"}),
    ),
    read=Call("GetScheduleGroup", {"Name": "{id}"}),
    exists=_CONFLICT,
    gone=Wait("State", frozenset({None})),
)


def _dates(_resource: Resource, group: str) -> Steps[Mapping[str, Any]]:
    told = yield Request(_SERVICE, "GetScheduleGroup", {"Name": group})
    return {name: moment(told[name]) for name in ("CreationDate", "LastModificationDate") if name in told}


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::Scheduler::Schedule": provider(_SCHEDULE),
    "AWS::Scheduler::ScheduleGroup": new_only(
        seen_first(
            telling(provider(_GROUP), _dates),
            lambda group: Request(_SERVICE, "GetScheduleGroup", {"Name": group.physical}),
        ),
        named(_SERVICE, "GetScheduleGroup", "Name", "Name"),
    ),
}
