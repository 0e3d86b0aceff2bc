"""Lists of Organizations: MaxResults (20 at most) and NextToken."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from locum.services.organizations.faults import invalid_input
from locum.services.pagination import Pagination
from locum.services.verbs import Outcome, Params

T = TypeVar("T")

PAGE: Final = 20

_LISTS: Final = Pagination(
    "MaxResults",
    "NextToken",
    "NextToken",
    PAGE,
    lambda: invalid_input("INVALID_NEXT_TOKEN", "You specified an invalid NextToken."),
)


def listed(
    params: Params,
    member: str,
    items: Iterable[T],
    key: Callable[[T], str],
    show: Callable[[T], Any],
    size: int = PAGE,
) -> Outcome:
    """The page that `params` ask for, each item as `show` shows it, under `member`: see `Pagination.page`."""
    return _LISTS.page(params, items, key, size).outcome(member, show)
