"""Tags of event data stores: AddTags, RemoveTags and ListTags where they name one by its ARN.

The tags of everything else are the backend's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.services.cloudtrail.event_data_stores import find, refuse_deleted, tags_of
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import put

_MOST_LISTED: Final = 20
"""CloudTrail API, ListTags: "You can specify up to 20 resources"."""


def owns(params: Mapping[str, Any]) -> bool:
    """Whether the parameters name an event data store."""
    return any(":eventdatastore/" in str(arn) for arn in (params.get("ResourceId"), *params.get("ResourceIdList", ())))


def add_tags(ctx: Context, params: Params) -> Outcome:
    """AddTags."""
    store = refuse_deleted(find(ctx, params["ResourceId"]))
    return Outcome({}, (put(replace(store, tags=tags_of(params["TagsList"], store.tags))),))


def remove_tags(ctx: Context, params: Params) -> Outcome:
    """RemoveTags, of keys whatever their values."""
    store = refuse_deleted(find(ctx, params["ResourceId"]))
    gone = {tag["Key"] for tag in params["TagsList"]}
    return Outcome({}, (put(replace(store, tags={k: v for k, v in store.tags.items() if k not in gone})),))


def list_tags(ctx: Context, params: Params) -> Outcome:
    """ListTags, of event data stores alone: not together with other resources."""
    names = params["ResourceIdList"]
    if len(names) > _MOST_LISTED:
        raise Fault("InvalidParameterCombinationException", f"Up to {_MOST_LISTED} resources can be specified.")
    if not all(owns({"ResourceId": name}) for name in names):
        message = "Event data stores cannot be listed together with other resources."
        raise Fault("UnsupportedOperationException", message)
    listed = [
        {"ResourceId": name, "TagsList": [{"Key": k, "Value": v} for k, v in sorted(find(ctx, name).tags.items())]}
        for name in names
    ]
    return Outcome({"ResourceTagList": listed})


OPERATIONS: Final[dict[str, Operation]] = {
    "AddTags": writes(add_tags),
    "RemoveTags": writes(remove_tags),
    "ListTags": reads(list_tags),
}
