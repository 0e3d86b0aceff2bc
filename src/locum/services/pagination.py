"""Pagination of lists.

A token is the opaque sort key of the last item of a page: the next page begins after it, regardless of items that were
added or removed in the meantime. The names of the members and the error for an invalid token differ by service.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar

from locum.core.errors import Fault
from locum.core.markers import key_in, marker_of
from locum.services.verbs import Outcome, Params

T = TypeVar("T")


def newest_first(at: float, name: str) -> str:
    """The sort key of an item of the time `at` (epoch seconds) in a list that begins with the latest one."""
    return f"{10**15 - int(1000 * at):016d}/{name}"


class Ordered(tuple[T, ...]):
    """Items that are sorted already, of which a page is found by bisection."""


class Page(NamedTuple, Generic[T]):
    """One page of a list, and the members of the answer about further pages."""

    items: list[T]
    rest: dict[str, Any]

    def outcome(self, member: str, show: Callable[[T], Any]) -> Outcome:
        """The outcome with the items, converted by `show`, in `member`."""
        return Outcome({member: [show(item) for item in self.items], **self.rest})


class Pagination(NamedTuple):
    """The pagination of one service.

    `size` and `token` are the members of the input, `following` is that of the output with the token of the next page;
    `truncated`, where it is not empty, is that which tells whether there is one. `invalid` makes the fault for an
    invalid token.
    """

    size: str
    token: str
    following: str
    default: int
    invalid: Callable[[], Fault]
    truncated: str = ""

    def page(self, params: Params, items: Iterable[T], key: Callable[[T], str], size: int | None = None) -> Page[T]:
        """The page of `items` for `params`, sorted by `key`, which must be unique.

        `size` is the default size of a page. Raises the fault for an invalid token.
        """
        wanted = int(params.get(self.size, size or self.default))
        after = self.position(params)
        if isinstance(items, Ordered):
            start = 0 if after is None else bisect.bisect_right(items, after, key=key)
            chosen = list(items[start : start + wanted + 1])
        else:
            rest = items if after is None else (item for item in items if key(item) > after)
            chosen = heapq.nsmallest(wanted + 1, rest, key=key)
        more = len(chosen) > wanted
        del chosen[wanted:]
        members: dict[str, Any] = {self.truncated: more} if self.truncated else {}
        return Page(chosen, members | {self.following: marker_of(key(chosen[-1]))} if more else members)

    def position(self, params: Params) -> str | None:
        """The sort key in the token; None where there is no token. Raises the fault for an invalid one."""
        if self.token not in params:
            return None
        key = key_in(params[self.token])
        if key is None:
            raise self.invalid()
        return key
