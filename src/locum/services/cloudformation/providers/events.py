"""Rules and buses of EventBridge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Properties,
    Provider,
    Request,
    Resource,
    Work,
    ended,
    is_gone,
    or_undone,
    picked,
)
from locum.services.cloudformation.providers.guards import new_only
from locum.services.cloudformation.providers.reading import readable
from locum.services.cloudformation.providers.steps import attempted, listed, pairs, refuse_others
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Part, Row, Shown, Tags, provider

_SERVICE: Final = "events"
_RULE: Final = ("Description", "EventBusName", "EventPattern", "RoleArn", "ScheduleExpression", "State")
_BATCH: Final = 10
"""Targets that one call puts."""

# -- rules -----------------------------------------------------------------------------------------------


def _create_rule(resource: Resource) -> Work:
    own = resource.properties
    refuse_others(own, (*_RULE, "Name", "Tags", "Targets"))
    name = str(own.get("Name") or resource.name(64))
    params = {"Name": name, **picked(own, *_RULE)}
    if tags := resource.tag_list(own.get("Tags")):
        params["Tags"] = tags
    arn = (yield Request(_SERVICE, "PutRule", params))["RuleArn"]
    return (yield from or_undone(_with_targets(own, name, arn), _end_rule(own, name)))


def _with_targets(own: Properties, name: str, arn: str) -> Work:
    yield from _put_targets(own, name, listed(own.get("Targets")))
    bus = own.get("EventBusName")
    return Made(f"{bus}|{name}" if bus and bus != "default" else name, {"Arn": arn, "RuleName": name})


def _put_targets(own: Properties, name: str, targets: list[Mapping[str, Any]]) -> Ending:
    for start in range(0, len(targets), _BATCH):
        given = [_target(each) for each in targets[start : start + _BATCH]]
        params = {"Rule": name, **picked(own, "EventBusName"), "Targets": given}
        answer = yield Request(_SERVICE, "PutTargets", params)
        for failed in answer.get("FailedEntries") or ():
            raise Fault(failed.get("ErrorCode", "InvalidRequest"), failed.get("ErrorMessage", ""))


def _target(target: Mapping[str, Any]) -> dict[str, Any]:
    """A target as EventBridge has it."""
    made = dict(target)
    if "EcsParameters" in made:
        names = {"TagList": "Tags", "PlacementStrategies": "PlacementStrategy"}
        made["EcsParameters"] = {names.get(name, name): value for name, value in made["EcsParameters"].items()}
    return made


def _name(resource: Resource) -> str:
    return resource.physical.rpartition("|")[2]


def _update_rule(resource: Resource, before: Properties) -> Work:
    own, name = resource.properties, _name(resource)
    yield Request(_SERVICE, "PutRule", {"Name": name, **picked(own, *_RULE)})
    had, wanted = listed(before.get("Targets")), listed(own.get("Targets"))
    kept = {each["Id"] for each in wanted}
    if gone := [each["Id"] for each in had if each["Id"] not in kept]:
        yield Request(_SERVICE, "RemoveTargets", {"Rule": name, **picked(own, "EventBusName"), "Ids": gone})
    yield from _put_targets(own, name, [each for each in wanted if each not in had])
    added, removed = resource.tag_changes(own.get("Tags"), before.get("Tags"))
    arn = resource.attributes["Arn"]
    if removed:
        yield Request(_SERVICE, "UntagResource", {"ResourceARN": arn, "TagKeys": removed})
    if added:
        yield Request(_SERVICE, "TagResource", {"ResourceARN": arn, "Tags": pairs(added)})
    return Made(resource.physical, resource.attributes)


def _delete_rule(resource: Resource) -> Ending:
    yield from _end_rule(resource.properties, _name(resource))


def _end_rule(own: Properties, name: str) -> Ending:
    bus = picked(own, "EventBusName")
    try:
        found = yield Request(_SERVICE, "ListTargetsByRule", {"Rule": name, **bus})
    except Fault as fault:
        if is_gone(fault):
            return
        raise
    if targets := [each["Id"] for each in found["Targets"]]:
        yield Request(_SERVICE, "RemoveTargets", {"Rule": name, **bus, "Ids": targets})
    yield from ended(Request(_SERVICE, "DeleteRule", {"Name": name, **bus}))


def _rule_id(rule: Mapping[str, Any]) -> str:
    """The physical id of a rule, as a list tells of it."""
    bus, name = rule.get("EventBusName", "default"), str(rule["Name"])
    return name if bus == "default" else f"{bus}|{name}"


_OF_RULE: Final = {"EventBusName": "{p.EventBusName}"}
_SHOWN_RULE: Final = Shown(
    Call("DescribeRule", {"Name": "{name}", **_OF_RULE}),
    "",
    parts=(
        Part("Targets", Call("ListTargetsByRule", {"Rule": "{name}", **_OF_RULE}), "Targets"),
        Part("Tags", Call("ListTagsForResource", {"ResourceARN": "{it.Arn}"}), "Tags"),
    ),
    told="Description EventPattern ScheduleExpression",
    id="{p.EventBusName}|{name}",
    lists=Listing(Call("ListRules", _OF_RULE), "Rules", _rule_id),
)


def _named_rule(resource: Resource) -> Request | None:
    """PutRule would change a rule of that name that is there."""
    own = resource.properties
    given = {"Name": own.get("Name"), **picked(own, "EventBusName")}
    return Request(_SERVICE, "DescribeRule", given) if given["Name"] else None


def _rules() -> Provider:
    made_by = Provider(_create_rule, _delete_rule, _update_rule, frozenset({"EventBusName"}))
    return new_only(readable(made_by, _SERVICE, _SHOWN_RULE), _named_rule)


# -- buses -----------------------------------------------------------------------------------------------

_OF_BUS: Final = {"EventBusName": "{id}"}
_BUS: Final = Row(
    _SERVICE,
    Call("CreateEventBus", takes="DeadLetterConfig Description EventSourceName KmsKeyIdentifier LogConfig"),
    "{name}",
    (Call("DeleteEventBus", {"Name": "{id}"}),),
    attributes={"Arn": "{r.Arn}", "Name": "{id}"},
    name=Name("Name", 256),
    tags=Tags(
        Call("TagResource", {"ResourceARN": "{attr.Arn}", "Tags": "{tags}"}),
        Call("UntagResource", {"ResourceARN": "{attr.Arn}", "TagKeys": "{keys}"}),
    ),
    read=Call("DescribeEventBus", {"Name": "{id}"}),
    exists=frozenset({"ResourceAlreadyExistsException"}),
    settings=(
        Change(Call("UpdateEventBus", {"Name": "{id}"}, "DeadLetterConfig Description KmsKeyIdentifier LogConfig")),
        Change(
            Call("PutPermission", _OF_BUS, "Policy"),
            removed=Call("RemovePermission", {**_OF_BUS, "RemoveAllPermissions": True}),
            at_creation=True,
        ),
    ),
    shown=Shown(
        at="",
        parts=(Part("Tags", Call("ListTagsForResource", {"ResourceARN": "{it.Arn}"}), "Tags"),),
        hides="Policy",
        lists=Listing(Call("ListEventBuses"), "EventBuses", "{item.Name}"),
    ),
)


def _put_policy(resource: Resource) -> Work:
    own = resource.properties
    bus = str(own.get("EventBusName", "default"))
    refuse_others(own, ("Action", "Condition", "EventBusName", "Principal", "Statement", "StatementId"))
    yield from _put_statement(own, bus)
    return Made(f"{bus}|{own['StatementId']}")


def _put_statement(own: Properties, bus: str) -> Ending:
    """Put a statement into the policy of a bus: whole where it is given whole, else by its parts."""
    params = {"EventBusName": bus}
    if "Statement" not in own:
        yield Request(
            _SERVICE, "PutPermission", params | picked(own, "Action", "Condition", "Principal", "StatementId")
        )
        return
    known = (yield Request(_SERVICE, "DescribeEventBus", {"Name": bus})).get("Policy")
    policy = json.loads(known) if known else {"Version": "2012-10-17", "Statement": []}
    others = [each for each in listed(policy["Statement"]) if each.get("Sid") != own["StatementId"]]
    given = own["Statement"] if isinstance(own["Statement"], Mapping) else json.loads(own["Statement"])
    statements = [*others, {"Sid": own["StatementId"], **given}]
    yield Request(_SERVICE, "PutPermission", {**params, "Policy": json.dumps({**policy, "Statement": statements})})


def _update_policy(resource: Resource, _before: Properties) -> Work:
    yield from _put_statement(resource.properties, resource.physical.partition("|")[0])
    return Made(resource.physical)


def _delete_policy(resource: Resource) -> Ending:
    bus, _, statement = resource.physical.partition("|")
    request = Request(_SERVICE, "RemovePermission", {"EventBusName": bus, "StatementId": statement})
    yield from attempted(request, "ResourceNotFoundException")


_RETAINED: Final = "Description EventPattern KmsKeyIdentifier RetentionDays"
_ARCHIVE: Final = Row(
    _SERVICE,
    Call("CreateArchive", takes=f"EventSourceArn=SourceArn {_RETAINED}"),
    "{name}",
    (Call("DeleteArchive", {"ArchiveName": "{id}"}),),
    attributes={"ArchiveName": "{id}", "Arn": "{c.ArchiveArn}"},
    name=Name("ArchiveName", 48),
    exists=frozenset({"ResourceAlreadyExistsException"}),
    settings=(Change(Call("UpdateArchive", {"ArchiveName": "{id}"}, _RETAINED)),),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::Events::Archive": provider(_ARCHIVE),
    "AWS::Events::EventBus": provider(_BUS),
    "AWS::Events::EventBusPolicy": Provider(_put_policy, _delete_policy, _update_policy),
    "AWS::Events::Rule": _rules(),
}
