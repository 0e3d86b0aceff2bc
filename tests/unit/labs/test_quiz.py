"""The quiz: each right answer is shown on the plane, step by step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from locum.core.errors import ConfigurationError
from locum.labs import World
from locum.labs.proofs import Unproven, clear, prove
from locum.labs.quiz import THEMES, Question, question, questions
from support.labs import Classroom, identities

pytestmark = pytest.mark.xdist_group("labs")

ASKING = ("do", "metadata", "decide")


def world(room: Classroom, number: int) -> World:
    return World(f"quiz-{number}", room.client, "us-east-1", room)


@pytest.mark.parametrize("each", questions(), ids=lambda each: each.id)
def test_the_plane_shows_the_right_answer_and_nothing_is_left_of_it(classroom: Classroom, each: Question) -> None:
    before = identities(classroom)
    told = list(prove(world(classroom, each.number), each.steps))
    assert len(told) == len(each.steps)
    assert identities(classroom) == before


def test_there_are_fifty_questions_of_all_themes() -> None:
    assert len(questions()) == 50
    assert {each.theme for each in questions()} == set(THEMES)
    assert [each.number for each in questions()] == list(range(1, 51))
    assert len({each.id for each in questions()}) == 50


@pytest.mark.parametrize("each", questions(), ids=lambda each: each.id)
def test_a_question_has_one_right_answer_among_three_or_four(each: Question) -> None:
    assert 3 <= len(each.answers) <= 4
    assert len(set(each.answers)) == len(each.answers)
    assert each.answers["abcd".index(each.letter)] == each.right
    assert each.why


@pytest.mark.parametrize("each", questions(), ids=lambda each: each.id)
def test_a_proof_asks_the_plane_something_that_could_come_out_otherwise(each: Question) -> None:
    asked = [step for step in each.steps if any(kind in step for kind in ASKING)]
    assert any({"refused", "shows", "is", "status", "has"} & set(step) for step in asked)


def test_the_letter_says_nothing_about_which_answer_is_right() -> None:
    letters = Counter(each.letter for each in questions())
    assert max(letters.values()) < len(questions()) / 2


def test_no_text_has_a_value_left_in_it() -> None:
    texts = [text for each in questions() for text in (each.ask, each.why, *each.answers)]
    assert not [text for text in texts if re.search(r"\$\$|\$\{", text)]


REFUSED: dict[str, Any] = {"do": "iam.get_user", "with": {"UserName": "${p}nobody"}, "refused": "NoSuchEntity"}
FALSE = {
    "another error": {**REFUSED, "refused": "AccessDenied"},
    "another message": {**REFUSED, "says": "explicit deny"},
    "a success": {"do": "sts.get_caller_identity", "refused": "AccessDenied"},
    "a failure": {"do": "iam.get_user", "with": {"UserName": "${p}nobody"}},
    "another value": {"do": "sts.get_caller_identity", "shows": {"Account": "111122223333"}},
    "another decision": {"decide": [{"Action": "s3:*"}], "action": "s3:ListAllMyBuckets", "is": "implicitDeny"},
}


@pytest.mark.parametrize("step", FALSE.values(), ids=FALSE)
def test_a_step_that_comes_out_otherwise_is_no_proof(classroom: Classroom, step: dict[str, Any]) -> None:
    before = identities(classroom)
    with pytest.raises(Unproven):
        list(prove(world(classroom, 99), ({"user": "someone"}, step)))
    assert identities(classroom) == before


def test_what_a_proof_left_that_was_broken_off_is_removed(classroom: Classroom) -> None:
    before = identities(classroom)
    steps: tuple[dict[str, Any], ...] = ({"profile": "app"}, {"user": "someone"})
    walking: Iterator[str] = prove(world(classroom, 98), steps)
    next(walking)
    next(walking)
    assert identities(classroom) != before
    walking.close()  # type: ignore[attr-defined]  # it is a generator
    assert identities(classroom) == before
    clear(world(classroom, 98), steps)


@pytest.mark.parametrize("number", [0, 51, -1])
def test_a_number_that_is_no_questions_is_refused(number: int) -> None:
    with pytest.raises(ConfigurationError):
        question(number)
