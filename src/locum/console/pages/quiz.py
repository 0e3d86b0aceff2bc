"""The quiz: a question at a time, its answer, and the command by which the plane shows it."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from locum.console.aws import CallFailed
from locum.console.person import Person, View, url
from locum.core.errors import ConfigurationError
from locum.labs.quiz import THEMES, Question, letter, question, questions


async def listing(person: Person) -> Response:
    """The themes, and the questions of each."""
    themes = {title: [it for it in questions() if it.theme == theme] for theme, title in THEMES.items()}
    return person.page("quiz.html", themes=themes)


async def ask(person: Person) -> Response:
    """One question."""
    return _page(person, _question(person), "")


async def answer(person: Person) -> Response:
    """The same with the answer to what was chosen."""
    return _page(person, _question(person), person.field("answer"))


def _question(person: Person) -> Question:
    try:
        return question(int(person.path["number"]))
    except (ValueError, ConfigurationError) as error:
        raise CallFailed("NotFound", str(error), "quiz") from error


def _page(person: Person, asked: Question, chosen: str) -> Response:
    answers = [(letter(index), text) for index, text in enumerate(asked.answers)]
    values = {"answers": answers, "chosen": chosen, "theme": THEMES[asked.theme], "total": len(questions())}
    return person.page("question.html", question=asked, **values)


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("quiz"), listing),
    ("GET", f"{url('quiz')}/{{number}}", ask),
    ("POST", f"{url('quiz')}/{{number}}", answer),
)
