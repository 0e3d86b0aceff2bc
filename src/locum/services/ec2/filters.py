"""Filters and pagination of Describe operations.

EC2 User Guide, "List and filter using the CLI and API":
- Several filters are joined with AND, the values of one filter with OR. Values are case-sensitive.
- "An asterisk (*) matches zero or more characters, and a question mark (?) matches zero or one character." A
  backslash escapes the next character.
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
MAX_PAGE: Final = 1000
"""The limit for MaxResults of all Describe operations here."""

Values = Callable[[T], Iterable[str]]
"""The values of an item for a filter, which matches where any of them matches any value of the filter."""

_TAG: Final = "tag:"


def _invalid_token() -> Fault:
    return Fault("InvalidPaginationToken", "The specified pagination token is not valid or is expired.")


_LISTS: Final = Pagination("MaxResults", "NextToken", "NextToken", MAX_PAGE, _invalid_token)


def matching(
    items: Iterable[T],
    filters: Iterable[Mapping[str, Any]] | None,
    table: Mapping[str, Values[T]],
    tags: Callable[[T], Mapping[str, str]] | None = None,
) -> list[T]:
    """The items that match all `filters`. Raises Fault for a filter that `table` does not have."""
    given = list(filters or ())
    if len(given) > MAX_FILTERS:
        raise Fault("FilterLimitExceeded", f"The maximum number of filters is {MAX_FILTERS}.")
    chosen = list(items)
    for entry in given:
        values_of = _values_of(entry.get("Name", ""), table, tags)
        accepts = _any_of(tuple(entry.get("Values") or ()))
        chosen = [item for item in chosen if any(accepts(value) for value in values_of(item))]
    return chosen


def page(items: Iterable[T], key: Callable[[T], str], params: Params, least: int, exclusive: str = "") -> Page[T]:
    """The page of `items` for `params`, sorted by `key`, which must be unique.

    `exclusive` is the member that MaxResults may not be used with. Raises Fault: InvalidParameterValue,
    InvalidParameterCombination, InvalidPaginationToken.
    """
    check_size(params, least, exclusive)
    given_params = {member: value for member, value in params.items() if value != ""}  # an empty token is no token
    return _LISTS.page(given_params, items, key)


def check_size(params: Params, least: int, exclusive: str = "") -> None:
    """Check MaxResults as `page` does, before anything is looked up. Raises Fault."""
    size = params.get("MaxResults")
    if size is not None and exclusive and params.get(exclusive):
        raise invalid_combination(f"The parameter {_set_name(exclusive)} cannot be used with the parameter maxResults")
    if size is not None and not least <= size <= MAX_PAGE:
        bound = f"greater than {least}" if size < least else f"less than {MAX_PAGE}"  # by which AWS means "at least"
        raise invalid_value(f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value {bound}.")


def _values_of(name: str, table: Mapping[str, Values[T]], tags: Callable[[T], Mapping[str, str]] | None) -> Values[T]:
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
    return lambda text: any(_matches(parts, text) for parts in patterns)


_PARTS: Final = re.compile(r"\\.|[*]|[?]|[^*?\\]+|\\", re.DOTALL)


def _matches(parts: list[str], text: str) -> bool:
    """Whether `text` matches the pattern. All positions are tracked at once, so that no pattern takes long."""
    positions = {0}
    for part in parts:
        if not positions:
            return False
        if part == "*":
            positions = set(range(min(positions), len(text) + 1))
        elif part == "?":
            positions |= {position + 1 for position in positions if position < len(text)}
        else:
            literal = part[1:] if part[0] == "\\" and len(part) > 1 else part
            positions = {position + len(literal) for position in positions if text.startswith(literal, position)}
    return len(text) in positions
