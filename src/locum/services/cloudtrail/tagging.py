"""Tags of trails. CloudTrail API Reference, AddTags, RemoveTags, ListTags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.core.system_tags import is_refused
from locum.services.cloudtrail.faults import invalid_tag
from locum.services.cloudtrail.finding import changeable, trail_of
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import put
from locum.state.trails import Trail

MOST: Final = 50
_LONGEST_KEY: Final = 128
_LONGEST_VALUE: Final = 256


def tags_given(given: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The tags of a request. Raises Fault."""
    tags: dict[str, str] = {}
    for tag in given:
        name, value = tag["Key"], tag.get("Value") or ""
        if not 1 <= len(name) <= _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            raise invalid_tag("Tag keys have 1 to 128 characters, and tag values at most 256.")
        if is_refused(name):
            raise invalid_tag("Tag keys cannot begin with aws:")
        if name in tags:
            raise invalid_tag("Duplicate tag keys found.")
        tags[name] = value
    _check_number(tags)
    return tags


def _check_number(tags: Mapping[str, str]) -> None:
    if len(tags) > MOST:
        raise Fault("TagsLimitExceededException", f"The number of tags per trail has exceeded {MOST}.", 400)


def add_tags(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:AddTags."""
    trail = changeable(ctx, _named(params["ResourceId"]))
    tags = {**trail.tags, **tags_given(params["TagsList"])}
    _check_number(tags)
    return Outcome({}, (put(replace(trail, tags=tags)),))


def remove_tags(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:RemoveTags. A tag that has another value than the given one stays."""
    trail = changeable(ctx, _named(params["ResourceId"]))
    gone = {tag["Key"] for tag in params["TagsList"] if tag.get("Value") in (None, trail.tags.get(tag["Key"]))}
    return Outcome({}, (put(replace(trail, tags={key: it for key, it in trail.tags.items() if key not in gone})),))


def list_tags(ctx: Context, params: Params) -> Outcome:
    """cloudtrail:ListTags."""
    found = [trail_of(ctx, _named(arn)) for arn in params["ResourceIdList"]]
    return Outcome({"ResourceTagList": [_listed(trail) for trail in found]})


def _named(given: str) -> str:
    """The ARN of a resource that has tags. Raises Fault."""
    if not given.startswith("arn:"):
        raise Fault("CloudTrailARNInvalidException", f"Resource ARN is not valid: {given}", 400)
    return given


def _listed(trail: Trail) -> dict[str, Any]:
    return {"ResourceId": trail.arn, "TagsList": [{"Key": key, "Value": it} for key, it in trail.tags.items()]}


OPERATIONS: Final[dict[str, Operation]] = {
    "AddTags": writes(add_tags),
    "ListTags": reads(list_tags),
    "RemoveTags": writes(remove_tags),
}
