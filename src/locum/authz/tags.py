"""The tags that a request sets or removes, for aws:RequestTag/... and aws:TagKeys.

Services have them as a list of {Key, Value} (in either case, or with a prefix), as a map or as a query string.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

_MEMBERS: Final = ("Tags", "tags", "TagList", "tagList", "TagsToAdd", "Tagging", "tagsMap", "AddTags", "TagsList")
_KEY_MEMBERS: Final = ("TagKeys", "tagKeys", "TagsToRemove", "TagKeyList", "tagKeyList", "RemoveTags")
_KEYS: Final = ("Key", "key", "TagKey", "tagKey")
_VALUES: Final = ("Value", "value", "TagValue", "tagValue")


def request_tags(params: Mapping[str, Any]) -> dict[str, str]:
    """The tags in `params`."""
    for member in _MEMBERS:
        if member in params:
            return pairs(params[member])
    return {}


def tag_keys(params: Mapping[str, Any]) -> list[str]:
    """The tag keys in `params`: those of the tags to set, or those to remove."""
    for member in _KEY_MEMBERS:
        if member in params:
            return [_first(key, _KEYS) or "" if isinstance(key, Mapping) else str(key) for key in params[member]]
    return list(request_tags(params))


def specified_tags(specifications: Iterable[Mapping[str, Any]], kind: str) -> dict[str, str]:
    """TagSpecifications (EC2, RDS ...): the tags for resources of the type `kind`."""
    found: dict[str, str] = {}
    for specification in specifications:
        if specification.get("ResourceType") == kind:
            found.update(pairs(specification.get("Tags") or ()))
    return found


def pairs(value: Any) -> dict[str, str]:
    """The tags in one member: a list of pairs, a map, or a query string."""
    if isinstance(value, str):
        return dict(parse_qsl(value, keep_blank_values=True))
    if isinstance(value, Mapping):
        nested = value.get("TagSet", value.get("Items"))
        if isinstance(nested, list):
            return pairs(nested)
        return {str(key): str(text) for key, text in value.items()}
    return {
        key: _first(tag, _VALUES) or ""
        for tag in value
        if isinstance(tag, Mapping) and (key := _first(tag, _KEYS)) is not None
    }


def _first(tag: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((str(tag[name]) for name in names if tag.get(name) is not None), None)
