"""Filters and pages, which every Describe has.

EC2 User Guide, "List and filter using the CLI and API":
- Several filters are joined with AND, the values of one filter with OR. Values are case-sensitive.
- "An asterisk (*) matches zero or more characters, and a question mark (?) matches zero or one character." A
  backslash takes the meaning from the character behind it.
- At most 50 filters in a request, and 200 values in a filter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

from locum.core.errors import Fault
from locum.services.ec2.faults import invalid_combination, invalid_value
from locum.services.pagination import Page, Pagination
from locum.services.verbs import Params

T = TypeVar("T")

MAX_FILTERS: Final = 50
MAX_VALUES: Final = 200
MOST: Final = 1000
"""The largest MaxResults of every Describe here."""

Values = Callable[[T], Iterable[str]]
"""What a filter looks at: it matches where any of these strings matches any of its values."""

_TAG: Final = "tag:"


def _invalid_token() -> Fault:
    return Fault("InvalidPaginationToken", "The specified pagination token is not valid or is expired.")


_LISTS: Final = Pagination("MaxResults", "NextToken", "NextToken", MOST, _invalid_token)


def matching(
    items: Iterable[T],
    filters: Iterable[Mapping[str, Any]] | None,
    table: Mapping[str, Values[T]],
    tags: Callable[[T], Mapping[str, str]] | None = None,
) -> list[T]:
    """Those of `items` that pass all `filters`. Raises Fault for a filter that `table` does not have."""
    given = list(filters or ())
    if len(given) > MAX_FILTERS:
        raise Fault("FilterLimitExceeded", f"The maximum number of filters is {MAX_FILTERS}.")
    chosen = list(items)
    for one in given:
        looks_at = _looks_at(one.get("Name", ""), table, tags)
        accepts = _any_of(tuple(one.get("Values") or ()))
        chosen = [item for item in chosen if any(accepts(value) for value in looks_at(item))]
    return chosen


def page(items: Iterable[T], key: Callable[[T], str], params: Params, least: int, beside: str = "") -> Page[T]:
    """The page of `items` that `params` asks for, in the order of `key`, which is another for each item.

    `beside` is the member that MaxResults may not be used with. Raises Fault: InvalidParameterValue,
    InvalidParameterCombination, InvalidPaginationToken.
    """
    size = params.get("MaxResults")
    if size is not None and beside and params.get(beside):
        raise invalid_combination(f"The parameter {_set_name(beside)} cannot be used with the parameter maxResults")
    if size is not None and not least <= size <= MOST:
        text = f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value between {least} and {MOST}."
        raise invalid_value(text)
    asked = {member: value for member, value in params.items() if value != ""}  # an empty token is none
    return _LISTS.page(asked, items, key)


def _looks_at(name: str, table: Mapping[str, Values[T]], tags: Callable[[T], Mapping[str, str]] | None) -> Values[T]:
    if tags is not None and name.startswith(_TAG):
        wanted, tags_of = name[len(_TAG) :], tags
        return lambda item: (tags_of(item)[wanted],) if wanted in tags_of(item) else ()
    if name not in table:
        raise invalid_value(f"The filter '{name}' is invalid")
    return table[name]


def _set_name(member: str) -> str:
    """EC2's name of a list parameter: InstanceIds is instancesSet."""
    return {"InstanceIds": "instancesSet", "AssociationIds": "associationIds"}.get(member, member)


@lru_cache(256)
def _any_of(values: tuple[str, ...]) -> Callable[[str], bool]:
    if len(values) > MAX_VALUES:
        raise Fault("FilterLimitExceeded", f"The maximum length for a filter value list is {MAX_VALUES}.")
    patterns = [_PARTS.findall(value) for value in values]
    return lambda text: any(_fits(parts, text) for parts in patterns)


_PARTS: Final = re.compile(r"\\.|[*]|[?]|[^*?\\]+|\\", re.DOTALL)


def _fits(parts: list[str], text: str) -> bool:
    """Whether `text` is of the pattern: all ways to read it are followed at once, so no pattern takes long."""
    reached = {0}
    for part in parts:
        if not reached:
            return False
        if part == "*":
            reached = set(range(min(reached), len(text) + 1))
        elif part == "?":
            reached |= {at + 1 for at in reached if at < len(text)}
        else:
            literal = part[1:] if part[0] == "\\" and len(part) > 1 else part
            reached = {at + len(literal) for at in reached if text.startswith(literal, at)}
    return len(text) in reached
