"""CreateTags, DeleteTags and DescribeTags, for instances only (see `ownership`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from locum.core.system_tags import RESERVED
from locum.services.ec2.faults import invalid_combination, missing_parameter
from locum.services.ec2.filters import Values, matching, page
from locum.services.ec2.lookup import instances, visible_instances
from locum.services.ec2.ownership import INSTANCE_PREFIX
from locum.services.ec2.tagging import check_tags, read_tags
from locum.services.verbs import Context, Outcome, Params
from locum.state import Instance, put

_MIN_RESULTS: Final = 5


class _Tag(NamedTuple):
    resource: str
    key: str
    value: str


_FILTERS: Final[Mapping[str, Values[_Tag]]] = {
    "key": lambda t: (t.key,),
    "resource-id": lambda t: (t.resource,),
    "resource-type": lambda _: ("instance",),
    "value": lambda t: (t.value,),
}


def create_tags(ctx: Context, params: Params) -> Outcome:
    """ec2:CreateTags. Values of existing keys are replaced."""
    tags = read_tags(params.get("Tags") or ())
    if not tags:
        raise missing_parameter("Tag")
    changed = []
    for it in _instances_to_tag(ctx, params):
        combined = {**it.tags, **tags}
        check_tags(combined, it.metadata)
        changed.append(put(replace(it, tags=combined)))
    return Outcome({}, tuple(changed))


def delete_tags(ctx: Context, params: Params) -> Outcome:
    """ec2:DeleteTags.

    "If you specify a tag key without a tag value, we delete any tag with this key regardless of its value. If you
    specify a tag key with an empty string as the tag value, we delete the tag only if its value is an empty string.
    If you omit this parameter, we delete all user-defined tags for the specified resources." Tags of AWS stay.
    """
    given = params.get("Tags")
    changed = []
    for it in _instances_to_tag(ctx, params):
        remaining = {
            key: value
            for key, value in it.tags.items()
            if key.startswith(RESERVED) or (given is not None and not any(_selects(tag, key, value) for tag in given))
        }
        if remaining != it.tags:
            changed.append(put(replace(it, tags=remaining)))
    return Outcome({}, tuple(changed))


def describe_tags(ctx: Context, params: Params) -> Outcome:
    """ec2:DescribeTags, for instances."""
    tags = [_Tag(it.id, key, value) for it in visible_instances(ctx) for key, value in it.tags.items()]
    chosen = matching(tags, params.get("Filters"), _FILTERS, lambda t: {t.key: t.value})
    result = page(chosen, lambda t: f"{t.resource}/{t.key}", params, _MIN_RESULTS)
    return result.outcome("Tags", _shape)


def _instances_to_tag(ctx: Context, params: Params) -> list[Instance]:
    """The instances to tag. Raises Fault where any resource is missing or is not an instance."""
    ids = params.get("Resources") or ()
    if not ids:
        raise missing_parameter("resourceIdSet")
    others = [text for text in ids if not text.startswith(INSTANCE_PREFIX)]
    if others:
        raise invalid_combination(
            f"Instances and other resources ({', '.join(others)}) cannot be tagged in one call. Use one call for each."
        )
    return instances(ctx, ids)


def _selects(tag: Mapping[str, str], key: str, value: str) -> bool:
    return tag.get("Key") == key and tag.get("Value") in (None, value)


def _shape(tag: _Tag) -> dict[str, Any]:
    return {"ResourceId": tag.resource, "ResourceType": "instance", "Key": tag.key, "Value": tag.value}
