"""What an operation on a stack set does next: regions in their order, accounts as far as failures are tolerated."""

from __future__ import annotations

from typing import Any

import pytest

from locum.services.cloudformation.stack_sets.progress import EXCEEDED, STOPPED, next_of
from locum.state import StackSetOperation, StackSetResult

LETTERS = {"p": "PENDING", "r": "RUNNING", "s": "SUCCEEDED", "f": "FAILED", "c": "CANCELLED"}


def step(regions: dict[str, str], status: str = "RUNNING", **preferences: Any) -> str:
    """What comes next, as text: `regions` has the letters of results by region; those that begin, are cancelled."""
    own: dict[str, Any] = {"account": "000000000000", "region": "us-east-1", "stack_set": "s"}
    operation = StackSetOperation(
        **own,
        id="o",
        order=1,
        action="CREATE",
        status=status,
        created=1.0,
        regions=tuple(regions),
        preferences=preferences,
    )
    results = [
        StackSetResult(
            **own, operation="o", target=str(number), place=region, order=number, token="t", status=LETTERS[letter]
        )
        for region, letters in regions.items()
        for number, letter in enumerate(letters)
    ]
    coming = next_of(operation, results)
    begun = ",".join(f"{it.place}{it.target}" for it in coming.begin)
    cancelled = ",".join(f"{it.place}{it.target}" for it in coming.cancel)
    assert not cancelled or coming.reason == (STOPPED if status == "STOPPING" else EXCEEDED)
    return f"{begun}|{cancelled}|{coming.ended}"


SOFT: dict[str, Any] = {"ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"}


@pytest.mark.parametrize(
    ("regions", "preferences", "expected"),
    [
        ({"a": "ppp", "b": "ppp"}, {}, "a0||"),
        ({"a": "rpp", "b": "ppp"}, {}, "||"),
        ({"a": "sss", "b": "ppp"}, {}, "b0||"),
        ({"a": "sss", "b": "sss"}, {}, "||SUCCEEDED"),
        ({}, {}, "||SUCCEEDED"),
        ({"a": "ppp", "b": "ppp"}, {"RegionConcurrencyType": "PARALLEL"}, "a0,b0||"),
        # The lower of the concurrency and one more than the failures that are still tolerated.
        ({"a": "pppp"}, {"MaxConcurrentCount": 3}, "a0||"),
        ({"a": "pppp"}, {"MaxConcurrentCount": 3, "FailureToleranceCount": 1}, "a0,a1||"),
        ({"a": "fppp"}, {"MaxConcurrentCount": 3, "FailureToleranceCount": 1}, "a1||"),
        ({"a": "pppp"}, {"MaxConcurrentCount": 3, **SOFT}, "a0,a1,a2||"),
        ({"a": "fppp"}, {"MaxConcurrentCount": 3, "FailureToleranceCount": 1, **SOFT}, "a1,a2,a3||"),
        # Percentages are rounded down, but to no less than one account at a time.
        ({"a": "ppp"}, {"MaxConcurrentPercentage": 10, **SOFT}, "a0||"),
        ({"a": "ppppp"}, {"MaxConcurrentPercentage": 50, **SOFT}, "a0,a1||"),
        ({"a": "fpp"}, {"FailureTolerancePercentage": 33}, "|a1,a2|FAILED"),
        ({"a": "fpp"}, {"FailureTolerancePercentage": 34}, "a1||"),
        # More failures than tolerated end the region and those after it; what has begun is finished.
        ({"a": "fp", "b": "pp"}, {}, "|a1,b0,b1|FAILED"),
        ({"a": "frp", "b": "p"}, {"MaxConcurrentCount": 2, **SOFT}, "|a2,b0|"),
        ({"a": "fc", "b": "cc"}, {}, "||FAILED"),
        ({"a": "ss", "b": "fp", "c": "rp"}, {"RegionConcurrencyType": "PARALLEL"}, "|b1,c1|"),
        ({"a": "rp", "b": "fp"}, {"RegionConcurrencyType": "PARALLEL"}, "|b1|"),
        ({"a": "sp", "b": "fc"}, {"RegionConcurrencyType": "PARALLEL"}, "a1||"),
    ],
)
def test_what_begins_and_what_is_cancelled(regions: dict[str, str], preferences: dict[str, Any], expected: str) -> None:
    assert step(regions, **preferences) == expected


@pytest.mark.parametrize(
    ("letters", "expected"), [("srpp", "|a2,a3|"), ("sscc", "||STOPPED"), ("pp", "|a0,a1|STOPPED"), ("fr", "||")]
)
def test_a_stopped_operation_begins_nothing(letters: str, expected: str) -> None:
    assert step({"a": letters}, "STOPPING") == expected
