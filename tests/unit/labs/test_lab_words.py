"""What labs and the quiz say, and what the documents say of them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from locum.labs import LABS, Lab
from locum.labs.quiz import THEMES, questions
from locum.labs.sweeping import FINDERS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "labs.md").read_text()
ROW = re.compile(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)


def rows(heading: str) -> list[tuple[str, str, str]]:
    """The rows of the table below a heading of the page."""
    return ROW.findall(PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0])


def test_the_page_lists_the_labs() -> None:
    assert rows("The labs") == [(lab.id, lab.theme, lab.title) for lab in LABS.values()]


def test_the_page_lists_the_themes_of_the_quiz() -> None:
    count = Counter(each.theme for each in questions())
    assert rows("The quiz") == [(theme, str(count[theme]), about) for theme, about in THEMES.items()]


@pytest.mark.parametrize("lab", LABS.values(), ids=lambda lab: lab.id)
def test_a_lab_has_a_goal_of_a_sentence_and_hints(lab: Lab) -> None:
    assert re.fullmatch(r"[^.]+(\.[^ ][^.]*)*\.", lab.goal), lab.goal
    assert len(lab.hints) >= 2
    assert len(lab.story) > 100
    assert set(lab.services) <= set(FINDERS)


@pytest.mark.parametrize("lab", LABS.values(), ids=lambda lab: lab.id)
def test_the_names_that_a_lab_tells_are_its_own(lab: Lab) -> None:
    text = " ".join((lab.goal, lab.story, *lab.hints))
    assert all(name.startswith(f"lab-{lab.id}") for name in re.findall(r"\blab-[a-z-]+", text))
