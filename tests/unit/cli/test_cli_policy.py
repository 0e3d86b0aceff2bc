"""`locum policy`: times, and what its text shows of the plane's answers."""

from __future__ import annotations

from typing import Any

import click
import pytest

from locum.cli import policies
from locum.cli.moments import Moment
from locum.core.clock import system_clock


def since(text: str) -> float:
    return Moment().convert(text, None, None)


@pytest.mark.parametrize("text", ["2026-11-28T12:00:00Z", "2026-11-28T13:00:00+01:00", "2026-11-28T12:00:00"])
def test_a_time_is_utc_unless_it_says_otherwise(text: str) -> None:
    assert since(text) == 1795867200.0


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604_800)])
def test_a_time_may_be_so_long_ago(text: str, seconds: int) -> None:
    before = system_clock()
    assert before - seconds <= since(text) <= system_clock() - seconds


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="is no time"):
        since("soon")


def change(**members: Any) -> dict[str, Any]:
    told = {"requestId": "r-1", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "times": 1, "was": "allow",
            "becomes": "implicit-deny", "present": "allow", "determinedBy": [], "reason": "because"}  # fmt: skip
    return told | members


def replayed(*changed: dict[str, Any], **members: Any) -> str:
    found = {
        "calls": 30,
        "records": 40,
        "changed": list(changed),
        "stillDenied": [],
        "notDecided": [],
        "truncated": False,
    }
    return "\n".join(policies.about_replay(found | members))


def test_every_call_that_would_be_denied_is_named() -> None:
    text = replayed(*(change(requestId=f"r-{number}") for number in range(30)))
    assert all(f"r-{number} s3:GetObject on arn:aws:s3:::b/k" in text for number in range(30))


def test_a_change_of_the_policies_since_is_told_apart_from_the_proposals() -> None:
    assert "by the policies of today it is implicit-deny" in replayed(change(present="implicit-deny"))
    assert "by the policies of today" not in replayed(change())


def test_what_was_not_looked_at_and_what_cannot_be_decided_is_said() -> None:
    doubtful = {
        "requestId": "r-9",
        "operation": "s3:GetObject",
        "at": 0.0,
        "times": 1,
        "verdict": "allow",
        "reason": "it is gone",
    }
    text = replayed(notDecided=[doubtful], truncated=True)
    assert "NOT COMPLETE" in text
    assert "r-9 s3:GetObject at 1970-01-01T00:00:00Z, allow: it is gone" in text
    assert "1 not decided" in text
