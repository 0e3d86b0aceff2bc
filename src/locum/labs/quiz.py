"""The quiz: questions of several answers, of which one is right, and each with a proof that it is.

The questions are data (`questions/THEME.yaml`):

    - id: WORDS                 of its own among all questions
      ask: TEXT
      right: TEXT
      wrong: [TEXT, TEXT, ...]  two or three
      why: TEXT
      proof: [STEP, ...]        `locum.labs.proofs`
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from locum.core.errors import ConfigurationError
from locum.labs.words import flowing, rows

THEMES: Final = {
    "roles": "IAM roles",
    "profiles": "instance profiles",
    "metadata": "the instance metadata service",
    "sts": "sessions of STS",
    "evaluation": "how policies are evaluated",
    "cloudtrail": "CloudTrail",
    "launching": "what launches with a role: EC2, Lambda, ECS",
    "troubleshooting": "what went wrong",
}
"""The themes, and what each is about."""


class Question(NamedTuple):
    """A question. `number` counts from 1 over all themes; `steps` are those of the proof."""

    number: int
    theme: str
    id: str
    ask: str
    right: str
    wrong: tuple[str, ...]
    why: str
    steps: tuple[dict[str, Any], ...]

    @property
    def answers(self) -> list[str]:
        """All answers, always in the same order, which says nothing about which is right."""
        return sorted((self.right, *self.wrong), key=lambda text: hashlib.sha256(f"{self.id}{text}".encode()).digest())

    @property
    def letter(self) -> str:
        """The letter of the right one."""
        return letter(self.answers.index(self.right))


def letter(index: int) -> str:
    """What the answer at `index` is chosen by."""
    return "abcd"[index]


@cache
def questions() -> tuple[Question, ...]:
    """All questions, theme by theme."""
    return tuple(_numbered())


def question(number: int) -> Question:
    """Raises ConfigurationError where there is none of that number."""
    if not 1 <= number <= len(questions()):
        raise ConfigurationError(f"the questions are numbered 1 to {len(questions())}")
    return questions()[number - 1]


def _numbered() -> Iterator[Question]:
    every = ((theme, row) for theme in THEMES for row in rows("questions", f"{theme}.yaml"))
    for number, (theme, row) in enumerate(every, 1):
        words = {name: flowing(row[name]) for name in ("ask", "right", "why")}
        wrong, steps = tuple(map(flowing, row["wrong"])), tuple(row["proof"])
        yield Question(number=number, theme=theme, id=row["id"], wrong=wrong, steps=steps, **words)
