"""Tags of trails, event data stores and channels. CloudTrail API Reference, AddTags, RemoveTags, ListTags."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.services.cloudtrail.channels import channel_of
from locum.services.cloudtrail.event_data_stores import find, refuse_deleted
from locum.services.cloudtrail.faults import invalid_combination
from locum.services.cloudtrail.finding import changeable, trail_of
from locum.services.cloudtrail.tags import tags_of
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import Channel, EventDataStore, put
from locum.state.trails import Trail

_MOST_LISTED: Final = 20
"""CloudTrail API, ListTags: "You can specify up to 20 resources"."""


def add_tags(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:AddTags."""
    found = _changeable(ctx, params["ResourceId"])
    return Outcome({}, (put(replace(found, tags=tags_of(params["TagsList"], found.tags))),))


def remove_tags(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:RemoveTags, of keys whatever their values."""
    found = _changeable(ctx, params["ResourceId"])
    gone = {tag["Key"] for tag in params["TagsList"]}
    return Outcome({}, (put(replace(found, tags={k: v for k, v in found.tags.items() if k not in gone})),))


def list_tags(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:ListTags."""
    names = params["ResourceIdList"]
    if len(names) > _MOST_LISTED:
        raise invalid_combination(f"Up to {_MOST_LISTED} resources can be specified.")
    return Outcome({"ResourceTagList": [_listed(ctx, name) for name in names]})


def _listed(ctx: Context, name: str) -> dict[str, Any]:
    found = _found(ctx, name)
    return {"ResourceId": name, "TagsList": [{"Key": key, "Value": it} for key, it in sorted(found.tags.items())]}


def _found(ctx: Context, name: str) -> Trail | EventDataStore | Channel:
    """What has tags under the ARN `name`. Raises Fault."""
    if ":eventdatastore/" in name:
        return find(ctx, name)
    return channel_of(ctx, name) if ":channel/" in name else trail_of(ctx, _arn(name))


def _changeable(ctx: Context, name: str) -> Trail | EventDataStore | Channel:
    """The same, to be changed. Raises Fault."""
    found = _found(ctx, name)
    if isinstance(found, EventDataStore):
        return refuse_deleted(found)
    return changeable(ctx, name) if isinstance(found, Trail) else found


def _arn(name: str) -> str:
    if not name.startswith("arn:"):
        raise Fault("CloudTrailARNInvalidException", f"Resource ARN is not valid: {name}", 400)
    return name


OPERATIONS: Final[dict[str, Operation]] = {
    "AddTags": writes(add_tags),
    "ListTags": reads(list_tags),
    "RemoveTags": writes(remove_tags),
}
