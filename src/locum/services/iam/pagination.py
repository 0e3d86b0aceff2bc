"""Lists, page by page.

IAM API Reference, "Marker": "Use this parameter only when paginating results and only after you receive a
response indicating that the results are truncated." "MaxItems": default 100.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, NamedTuple, TypeVar

from locum.core.markers import key_in, marker_of
from locum.services.iam.faults import validation_error
from locum.services.verbs import Outcome, Params

T = TypeVar("T")

DEFAULT_MAX_ITEMS: Final = 100


class Page(NamedTuple, Generic[T]):
    """One page of a list, and what its answer says about the rest."""

    items: list[T]
    rest: dict[str, Any]

    def outcome(self, member: str, show: Callable[[T], Any]) -> Outcome:
        """The answer: each item as `show` shows it, under `member`."""
        return Outcome({member: [show(item) for item in self.items], **self.rest})


def page(params: Params, items: Iterable[T], key: Callable[[T], str]) -> Page[T]:
    """The page of `items` that `params` ask for, in the order of `key`, which must tell them all apart.

    Raises ValidationError where the marker is not one that was given out.
    """
    size = int(params.get("MaxItems", DEFAULT_MAX_ITEMS))
    if "Marker" in params:
        after = _opened(params["Marker"])
        items = (item for item in items if key(item) > after)
    chosen = heapq.nsmallest(size + 1, items, key=key)
    if len(chosen) <= size:
        return Page(chosen, {"IsTruncated": False})
    del chosen[size:]
    return Page(chosen, {"IsTruncated": True, "Marker": marker_of(key(chosen[-1]))})


def position(params: Params) -> str | None:
    """The sort key that Marker carries; None where there is no Marker. Raises ValidationError."""
    return _opened(params["Marker"]) if "Marker" in params else None


def _opened(marker: str) -> str:
    key = key_in(marker)
    if key is None:
        raise validation_error("Invalid Marker.")
    return key
