"""Why a principal may do something, or not: the explanation of a decision on a call that nobody made."""

from __future__ import annotations

from typing import Any

from locum.analysis.asked import Asked, owned
from locum.analysis.candidates import Candidate
from locum.analysis.openly import answer, answer_json
from locum.analysis.who_can import decided, ruling_of
from locum.authz import FactsOf, Presumed, Ruling, Supposition
from locum.state import State


def why(state: State, who: Candidate, asked: Asked, facts: FactsOf) -> dict[str, Any]:
    """The decision on a call of `who` that has the keys that are given and no others, as JSON values.

    `explanation` is as in a record; `depends` is what other keys would make of it (`openly.answer_json`), None where
    the call is denied whatever they are. Raises ConfigurationError where it is not known whose the resource is.
    """
    note, call = owned(asked, facts), asked.call(who.caller(asked.now))
    supposed = Supposition(asked.given, asked.absent, tags_open=who.tags_open, unidentified=who.unidentified)
    made = decided(state, call, asked, facts, supposed._replace(closed=True))

    def rule_on(presumed: Presumed) -> Ruling | None:
        return ruling_of(state, call, asked, facts, supposed, presumed)

    open_answer = answer(rule_on)
    return {
        "principal": who.arn,
        "verdict": made.verdict,
        "denial": "" if made.allowed else made.fault().message,
        "determining": list(made.determining),
        "explanation": made.explanation(),
        "depends": None if open_answer is None else answer_json(open_answer),
        "note": note,
    }
