"""Tags of groups. "PropagateAtLaunch: Determines whether the tag is added to new instances as they are launched." """

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.system_tags import RESERVED, is_refused
from locum.services.autoscaling.faults import limit_exceeded, validation_error
from locum.services.autoscaling.lookup import group_named, groups_in, page_of
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import AutoScalingGroup, Event, GroupTag, put

RESOURCE: Final = "auto-scaling-group"
MOST: Final = 50

Row = tuple[AutoScalingGroup, GroupTag]


def read_tags(given: Iterable[Mapping[str, Any]]) -> tuple[GroupTag, ...]:
    """The tags of a request, the last of each key. Raises Fault: ValidationError."""
    tags: dict[str, GroupTag] = {}
    for tag in given:
        key = tag.get("Key", "")
        if not key:
            raise validation_error("Tag key cannot be null or empty")
        if is_refused(key):
            raise validation_error(f"Tag keys starting with 'aws:' are reserved for internal use: {key}")
        tags[key] = GroupTag(key=key, value=tag.get("Value") or "", propagates=bool(tag.get("PropagateAtLaunch")))
    return tuple(tags.values())


def with_tags(group: AutoScalingGroup, tags: Iterable[GroupTag]) -> AutoScalingGroup:
    """`group` with further tags, or with other values of those that it has. Raises Fault: LimitExceeded."""
    merged = {tag.key: tag for tag in group.tags} | {tag.key: tag for tag in tags}
    if sum(not key.startswith(RESERVED) for key in merged) > MOST:
        raise limit_exceeded(f"Exceeded tag limit. Maximum number of tags per Auto Scaling group: {MOST}")
    return replace(group, tags=tuple(merged.values()))


def tag_shape(group: AutoScalingGroup, tag: GroupTag) -> dict[str, Any]:
    """A `TagDescription`."""
    return {
        "ResourceId": group.name,
        "ResourceType": RESOURCE,
        "Key": tag.key,
        "Value": tag.value,
        "PropagateAtLaunch": tag.propagates,
    }


def create_or_update_tags(ctx: Context, params: Params) -> Outcome:
    """autoscaling:CreateOrUpdateTags."""
    return Outcome({}, tuple(_events(ctx, params, lambda group, given: with_tags(group, read_tags(given)))))


def delete_tags(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DeleteTags. A tag with a value is deleted where it has that value; absent ones are no error."""

    def without(group: AutoScalingGroup, given: list[Mapping[str, Any]]) -> AutoScalingGroup:
        gone = {tag["Key"]: tag.get("Value") for tag in given}
        kept = [tag for tag in group.tags if tag.key not in gone or gone[tag.key] not in (None, "", tag.value)]
        return replace(group, tags=tuple(kept))

    return Outcome({}, tuple(_events(ctx, params, without)))


def describe_tags(ctx: Context, params: Params) -> Outcome:
    """autoscaling:DescribeTags, with the filters auto-scaling-group, key, value and propagate-at-launch."""
    rows: list[Row] = [(group, tag) for group in groups_in(ctx) for tag in group.tags]
    for entry in params.get("Filters") or ():
        read = _FILTERS.get(entry.get("Name", ""))
        if read is None:
            raise validation_error(
                f"Filter type {entry.get('Name')} is not correct. Allowed Filter types are: {' '.join(_FILTERS)}"
            )
        wanted = set(entry.get("Values") or ())
        rows = [row for row in rows if read(row) in wanted]
    page = page_of(params, rows, lambda row: f"{row[0].name}\n{row[1].key}")
    return page.outcome("Tags", lambda row: tag_shape(*row))


_FILTERS: Final[Mapping[str, Callable[[Row], str]]] = {
    "auto-scaling-group": lambda row: row[0].name,
    "key": lambda row: row[1].key,
    "value": lambda row: row[1].value,
    "propagate-at-launch": lambda row: str(row[1].propagates).lower(),
}


def _events(ctx: Context, params: Params, change: Any) -> Iterable[Event]:
    by_group: dict[str, list[Mapping[str, Any]]] = {}
    for tag in params["Tags"]:
        if tag.get("ResourceType") not in (None, RESOURCE):
            raise validation_error(f"Invalid resource type: {tag['ResourceType']}. Allowed resource types: {RESOURCE}")
        by_group.setdefault(tag.get("ResourceId") or "", []).append(tag)
    for name, given in by_group.items():
        yield put(change(group_named(ctx, name), given))


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateOrUpdateTags": writes(create_or_update_tags),
    "DeleteTags": writes(delete_tags),
    "DescribeTags": reads(describe_tags),
}
