"""What moto keeps of resources, read whatever its form is.

What moto keeps may be of any form: its stacks write policies and tags that nobody checked. Facts are told all the same:
a policy that cannot be read is UNREADABLE (`policy.stored` has what that means), a tag that has no key or no text is
left out. Otherwise nobody could reach the resource any more, not even to repair or delete it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from locum.core.resources import UNREADABLE

_OF_ITS_FORM: Final = (
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
    NotImplementedError,
    HTTPException,
    ServiceException,
)
"""What moto's code and ours raise for a value of an unexpected form."""


def policy_text(read: Callable[[], Any]) -> str | None:
    """The text of the policy that `read` returns; None where there is none, UNREADABLE where it cannot be told."""
    try:
        policy = read()
        if policy is None or policy == "":
            return None
        if isinstance(policy, bytes):
            return _decoded(policy)
        return policy if isinstance(policy, str) else json.dumps(policy)
    except _OF_ITS_FORM:
        return UNREADABLE


@lru_cache(maxsize=1024)
def _decoded(policy: bytes) -> str:
    """The text of a policy: the same object each time, whose hash, by which it is found compiled, is not made anew."""
    return policy.decode("utf-8", "replace")


def tags_in(read: Callable[[], Any]) -> dict[str, str]:
    """The tags that `read` returns, as a map or as pairs of Key and Value, as far as they are tags."""
    try:
        tags = read() or {}
        pairs = tags.items() if isinstance(tags, Mapping) else [_pair(tag) for tag in tags]
        return {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, str)}
    except _OF_ITS_FORM:
        return {}


def _pair(tag: Mapping[str, Any]) -> tuple[Any, Any]:
    return tag.get("Key", tag.get("key")), tag.get("Value", tag.get("value", ""))


def attributes_in(read: Callable[[], dict[str, str]]) -> dict[str, str]:
    """The attributes that `read` returns; none where moto has them in an unexpected form."""
    try:
        return read()
    except _OF_ITS_FORM:
        return {}
