"""Lists page by page, as every service has them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.core.errors import Fault
from locum.services.pagination import Ordered, Pagination

LISTS = Pagination("Size", "After", "Next", 3, lambda: Fault("InvalidToken", "That is no token."), "More")
names = st.sets(st.text("abcXYZ-é", min_size=1, max_size=4), max_size=12)


def whole(items: Any, size: int) -> list[str]:
    found: list[str] = []
    params: dict[str, Any] = {"Size": size}
    while True:
        page = LISTS.page(params, items, str)
        assert len(page.items) <= size
        assert page.rest["More"] == ("Next" in page.rest)
        found += page.items
        if not page.rest["More"]:
            return found
        params["After"] = page.rest["Next"]


@given(names, st.integers(1, 5))
def test_pages_lose_and_repeat_nothing(items: set[str], size: int) -> None:
    assert whole(items, size) == whole(Ordered(sorted(items)), size) == sorted(items)


@given(names, names)
def test_what_comes_and_goes_between_two_pages_does_not_move_the_others(before: set[str], after: set[str]) -> None:
    first = LISTS.page({"Size": 2}, before, str)
    if first.rest["More"]:
        rest = LISTS.page({"Size": 100, "After": first.rest["Next"]}, after, str)
        assert rest.items == sorted(name for name in after if name > first.items[-1])


def test_the_size_is_the_requests_then_the_lists_then_the_services() -> None:
    items = list("abcdefgh")
    assert len(LISTS.page({}, items, str).items) == 3
    assert len(LISTS.page({}, items, str, 5).items) == 5
    assert len(LISTS.page({"Size": 1}, items, str, 5).items) == 1


@pytest.mark.parametrize("token", ["", "%%", "_w==", "YQ==", "\n"])
def test_a_token_that_was_not_given_out_is_refused(token: str) -> None:
    with pytest.raises(Fault, match="InvalidToken"):
        LISTS.page({"After": token}, [], str)
