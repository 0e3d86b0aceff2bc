"""Whether conditions can hold together: what is impossible is known to be, and nothing else is."""

from __future__ import annotations

import pytest

from locum.analysis.holding import Context, can_hold
from locum.analysis.openly import Answer, Clause, Condition


def answer(*conditions: tuple[str, str, str], unless: tuple[tuple[str, str, str], ...] = ()) -> Answer:
    """An answer that needs conditions, and none of those in `unless`."""

    def clause(operator: str, key: str, value: str) -> Clause:
        return Clause("identity-based policy", "own", "", 0, "", (Condition(operator, key, (value,)),))

    way = tuple((clause(*it),) for it in conditions)
    return Answer("conditional", (way,), tuple(clause(*it) for it in unless))


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (("StringEquals", "a:k", "red"), "red"),
        (("StringNotEquals", "a:k", "red"), "other"),
        (("StringEqualsIgnoreCase", "a:k", "red"), "RED"),
        (("Null", "a:k", "true"), None),
        (("Bool", "a:k", "true"), "true"),
        (("NumericGreaterThan", "a:k", "10"), "11"),
        (("DateLessThan", "a:k", "2027-01-01T00:00:00Z"), "2026-12-31T23:59:59Z"),
        (("IpAddress", "a:k", "10.0.0.0/8"), "10.0.0.0"),
        (("NotIpAddress", "a:k", "10.0.0.0/8"), "192.0.2.1"),
    ],
)
def test_a_value_of_each_range_is_tried(told: tuple[str, str, str], wanted: str | None) -> None:
    tried: list[str | None] = []

    def noted(context: Context) -> bool:
        tried.append(context["a:k"])
        return False

    assert not can_hold(answer(told), noted)
    assert wanted in tried


def test_what_no_value_allows_cannot_hold_and_what_one_allows_can() -> None:
    both = answer(("StringEquals", "a:K", "red"), unless=(("StringEquals", "a:k", "red"),))
    assert not can_hold(both, lambda _context: False)
    assert can_hold(both, lambda context: context["a:k"] is None)


@pytest.mark.parametrize(
    "told",
    [
        ("StringLike", "a:k", "re*"),
        ("ArnLike", "a:k", "arn:aws:iam::*:role/x"),
        ("StringEquals", "a:k", "${aws:username}"),
        ("ForAnyValue:StringEquals", "a:k", "red"),
    ],
)
def test_what_is_not_known_of_all_values_is_taken_to_hold(told: tuple[str, str, str]) -> None:
    assert can_hold(answer(told), lambda _context: False)
    assert can_hold(answer(told, ("NumericEquals", "a:k", "1")), lambda _context: False)


def test_more_contexts_than_can_be_tried_are_taken_to_hold() -> None:
    many = answer(*(("StringEquals", f"a:k{number}", "red") for number in range(9)))
    assert can_hold(many, lambda _context: False)


@pytest.mark.parametrize("denied", [("red", "RED"), ("red", "RED", "REd", "Red"), ("k", "K"), ("ks", "KS", "Ks", "kS")])
def test_attack_a_spelling_that_is_not_denied_is_tried(denied: tuple[str, ...]) -> None:
    """A text in a letter case that no condition mentions, where all that are mentioned are denied."""

    def meets(context: Context) -> bool:
        value = context["a:k"]
        return value is not None and value.lower() == denied[0] and value not in denied

    told = answer(
        ("StringEqualsIgnoreCase", "a:k", denied[0]), unless=tuple(("StringEquals", "a:k", it) for it in denied)
    )
    assert can_hold(told, meets)
