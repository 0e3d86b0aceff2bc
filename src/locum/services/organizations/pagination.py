"""Lists, page by page: MaxResults (20 at most) and NextToken.

A token carries the sort key of the last item that was answered; the next page begins behind it. So it stays good
whatever is added or removed in the meantime.
"""

from __future__ import annotations

import base64
import binascii
import bisect
import heapq
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from locum.services.organizations.faults import invalid_input
from locum.services.verbs import Outcome, Params

T = TypeVar("T")

PAGE: Final = 20
_VERSION: Final = b"\x01"


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
    return Outcome(answer | {"NextToken": _token(key(chosen[-1]))} if more else answer)


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(_VERSION + key.encode()).decode()


def _opened(token: str) -> str:
    try:
        data = base64.b64decode(token, altchars=b"-_", validate=True)
        if data.startswith(_VERSION):
            return data[len(_VERSION) :].decode()
    except (binascii.Error, ValueError):
        pass
    raise invalid_input("INVALID_NEXT_TOKEN", "You specified an invalid NextToken.")
