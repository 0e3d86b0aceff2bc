"""What a failed update may have left is removed by the next one, and what it may not have done is done."""

from __future__ import annotations

from typing import Any

import pytest

from locum.agents.stacks.results import left_by_failure

CASES: list[tuple[Any, Any, Any, Any]] = [
    (1, 2, 3, 2),
    (1, 2, 2, 1),
    (1, None, 1, None),
    (["a"], ["b"], ["c"], ["b", "a"]),
    (["a"], ["b"], ["b", "c"], ["a"]),
    (["a"], ["b"], ["a", "c"], ["b"]),
    (["a"], ["a", "b"], ["a", "c"], ["a", "b"]),
    (["a"], ["b"], ["a", "b"], []),
    (["a"], None, ["b"], ["a"]),
    (["a"], None, ["a"], None),
    (None, ["a"], ["a", "b"], None),
    (["a"], ["b"], None, ["b", "a"]),
    ({"k": "a"}, {"l": "b"}, {"m": "c"}, {"k": "a", "l": "b"}),
    ({"k": "a"}, {"k": "b"}, {"k": "a", "m": "c"}, {"k": "b"}),
    ({"k": ["a"]}, {"k": ["b"]}, {"k": ["c"]}, {"k": ["b", "a"]}),
]


@pytest.mark.parametrize(("last", "tried", "wanted", "left"), CASES)
def test_a_value_after_an_update_that_failed(last: Any, tried: Any, wanted: Any, left: Any) -> None:
    def kept(value: Any) -> dict[str, Any]:
        return {"properties": {} if value is None else {"P": value}}

    found = left_by_failure(kept(last), kept(tried), kept(wanted)["properties"])
    assert found["properties"] == kept(left)["properties"]


def test_attack_what_is_shown_of_either_is_no_secret() -> None:
    last = {"properties": {"P": ["secret"], "Q": 1}, "shown": {"P": ["****"], "Q": 1}}
    tried = {"properties": {"P": ["sealed"], "Q": 1}, "shown": {"P": "****", "Q": 1}}
    found = left_by_failure(last, tried, {"P": ["other"], "Q": 1})
    assert found["properties"]["P"] == ["sealed", "secret"]
    assert found["shown"] == {"P": "****", "Q": 1}
