"""Lists, page by page: MaxResults (20 at most) and NextToken."""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from locum.core.markers import key_in, marker_of
from locum.services.organizations.faults import invalid_input
from locum.services.verbs import Outcome, Params

T = TypeVar("T")

PAGE: Final = 20


class Ordered(tuple[T, ...]):
    """Items that are in the order of their list already: a page of them costs no more than itself."""


def listed(
    params: Params,
    member: str,
    items: Iterable[T],
    key: Callable[[T], str],
    show: Callable[[T], Any],
    size: int = PAGE,
) -> Outcome:
    """The page that `params` ask for, each item as `show` shows it, under `member`, in the order of `key`.

    `key` must tell all items apart. `size` is that of a page where MaxResults does not say. Raises
    InvalidInputException where the token is not one that was given out.
    """
    wanted = int(params.get("MaxResults", size))
    after = _opened(params["NextToken"]) if "NextToken" in params else ""
    if isinstance(items, Ordered):
        start = bisect.bisect_right(items, after, key=key)
        chosen = list(items[start : start + wanted + 1])
    else:
        chosen = heapq.nsmallest(wanted + 1, (item for item in items if key(item) > after), key=key)
    more = len(chosen) > wanted
    del chosen[wanted:]
    answer: dict[str, Any] = {member: [show(item) for item in chosen]}
    return Outcome(answer | {"NextToken": marker_of(key(chosen[-1]))} if more else answer)


def _opened(token: str) -> str:
    key = key_in(token)
    if key is None:
        raise invalid_input("INVALID_NEXT_TOKEN", "You specified an invalid NextToken.")
    return key
