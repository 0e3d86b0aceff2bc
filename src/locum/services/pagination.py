"""Lists, page by page.

A token is the sort key of the last item that was answered, made opaque: the next page begins behind it, whatever was
added or removed in the meantime. How the members are called, and what is said of a token that is none, differs by
service.
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


class Ordered(tuple[T, ...]):
    """Items that are in the order of their list already: a page of them costs no more than itself."""


class Page(NamedTuple, Generic[T]):
    """One page of a list, and what its answer says about the rest."""

    items: list[T]
    rest: dict[str, Any]

    def outcome(self, member: str, show: Callable[[T], Any]) -> Outcome:
        """The answer: each item as `show` shows it, under `member`."""
        return Outcome({member: [show(item) for item in self.items], **self.rest})


class Pagination(NamedTuple):
    """How the lists of one service are paged.

    `size` and `token` are the members of the input, `following` that of the output with the token of the next page;
    `truncated`, where it is not empty, the one that says whether there is any. `invalid` makes the fault of a token
    that was not given out.
    """

    size: str
    token: str
    following: str
    default: int
    invalid: Callable[[], Fault]
    truncated: str = ""

    def page(self, params: Params, items: Iterable[T], key: Callable[[T], str], size: int | None = None) -> Page[T]:
        """The page of `items` that `params` ask for, in the order of `key`, which must tell them all apart.

        `size` is that of a page where `params` do not say. Raises the fault of a token that is none.
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
        told: dict[str, Any] = {self.truncated: more} if self.truncated else {}
        return Page(chosen, told | {self.following: marker_of(key(chosen[-1]))} if more else told)

    def position(self, params: Params) -> str | None:
        """The sort key that the token carries; None where there is no token. Raises the fault of one that is none."""
        if self.token not in params:
            return None
        key = key_in(params[self.token])
        if key is None:
            raise self.invalid()
        return key
