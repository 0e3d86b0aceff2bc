"""Workgroups of Athena."""

from __future__ import annotations

from typing import Any, Final

from locum.services.cloudformation.providers.base import Properties, Provider
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Row, Shown, Tags, provider

_ARN: Final = {"ResourceARN": "arn:aws:athena:{region}:{account}:workgroup/{id}"}
_CONFIGURATION: Final = "WorkGroupConfiguration"


def _shaped(properties: Properties) -> Properties:
    """The properties, with the configuration also as UpdateWorkGroup has it; a new group is enabled without a call."""
    found: dict[str, Any] = dict(properties)
    if found.get("State") == "ENABLED":
        del found["State"]
    if _CONFIGURATION in found:
        renamed = {"ResultConfiguration": "ResultConfigurationUpdates"}
        found["Updates"] = {renamed.get(name, name): value for name, value in found[_CONFIGURATION].items()}
    return found


_WORK_GROUP: Final = Row(
    "athena",
    Call("CreateWorkGroup", takes=f"Description Configuration={_CONFIGURATION}"),
    "{name}",
    (Call("DeleteWorkGroup", {"WorkGroup": "{id}"}, "RecursiveDeleteOption"),),
    name=Name("Name", 128),
    tags=Tags(
        Call("TagResource", {**_ARN, "Tags": "{tags}"}),
        Call("UntagResource", {**_ARN, "TagKeys": "{keys}"}),
    ),
    settings=(
        Change(
            Call("UpdateWorkGroup", {"WorkGroup": "{id}", "ConfigurationUpdates": "{p.Updates}"}, "Description"),
            on=f"{_CONFIGURATION} Updates",
        ),
        Change(
            Call("UpdateWorkGroup", {"WorkGroup": "{id}"}, "State"), defaults={"State": "ENABLED"}, at_creation=True
        ),
    ),
    shaped=_shaped,
    unused=frozenset({"RecursiveDeleteOption", "Updates"}),
    shown=Shown(
        Call("GetWorkGroup", {"WorkGroup": "{id}"}),
        "WorkGroup",
        hides="WorkGroupConfiguration",
        lists=Listing(Call("ListWorkGroups"), "WorkGroups", "{item.Name}"),
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {"AWS::Athena::WorkGroup": provider(_WORK_GROUP)}
