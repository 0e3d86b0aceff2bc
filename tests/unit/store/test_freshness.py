"""The age of a state: by the questions that were answered, whatever else is heard."""

from __future__ import annotations

import pytest

from locum.store.freshness import Freshness
from support.silent_journals import Uptime


class Followed:
    """A state with a sequence number alone, and its freshness."""

    def __init__(self) -> None:
        self.sequence = 0
        self.uptime = Uptime()
        self.freshness = Freshness(lambda: self.sequence, 2.0, self.uptime)


@pytest.fixture
def followed() -> Followed:
    return Followed()


def test_a_state_of_which_nothing_was_heard_is_stale(followed: Followed) -> None:
    assert followed.freshness.stale
    assert followed.freshness.age == float("inf")


def test_it_is_as_old_as_the_question_not_as_its_answer(followed: Followed) -> None:
    asked = followed.uptime.now
    followed.uptime.now += 1.5
    followed.freshness.told(asked, 0)
    assert (followed.freshness.age, followed.freshness.stale) == (1.5, False)
    followed.uptime.now += 0.51
    assert followed.freshness.stale


def test_that_there_is_more_makes_no_state_current_before_it_has_that(followed: Followed) -> None:
    followed.freshness.told(followed.uptime.now, 2)
    assert followed.freshness.stale
    followed.sequence = 1
    followed.freshness.reached()
    assert followed.freshness.stale
    followed.sequence = 2
    followed.freshness.reached()
    assert not followed.freshness.stale


def test_a_state_that_others_change_all_the_time_is_as_old_as_what_it_has_of_them(followed: Followed) -> None:
    """What is asked for is beyond it each time: the first of the questions counts, once it has that."""
    for _ in range(10):
        followed.freshness.told(followed.uptime.now, followed.sequence + 1)
        followed.uptime.now += 1.0
        followed.freshness.told(followed.uptime.now, followed.sequence + 2)
        followed.sequence += 1
        followed.freshness.reached()
        assert followed.freshness.age == 1.0


def test_an_answer_that_comes_late_makes_no_state_older(followed: Followed) -> None:
    asked = followed.uptime.now
    followed.uptime.now += 1.0
    followed.freshness.told(followed.uptime.now, 0)
    followed.freshness.told(asked, 0)
    assert followed.freshness.age == 0.0
