"""The dimensions of a request, and which of their values there are: the theory that the solver asks.

A dimension has one text (the action, the resource, a condition key with one value) or several (a key with many). What
is asked of texts is decided by automata (`languages`), of numbers, dates, addresses and bytes by representatives. A key
that is compared both ways is decided where one of them contradicts itself, or a representative passes all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from locum.analysis.proofs.budget import Budget
from locum.analysis.proofs.errors import NotDecided
from locum.analysis.proofs.formulas import Atom, Comparison, Scope, Test
from locum.analysis.proofs.languages import Language, Refuted, Wanted, member, search
from locum.core.principal import ANONYMOUS, ContextValue
from locum.policy.conditions import PreparedCondition, prepare
from locum.policy.document import Condition
from locum.policy.prepared import PreparedRequest, Request

ACTION: Final = "action"
RESOURCE: Final = "resource"
CALLER: Final = "caller"
"""The names of what is no condition key: those have a colon."""

ABSENT: Final = "absent"
BLANK: Final = "blank"
OPEN: Final = "open"
"""What a condition key can be: not there; the empty string; or any other text, of which the atoms speak.

Further choices are values that are of interest on their own, as `=VALUE`.
"""


class Dimension(NamedTuple):
    """A dimension. `choices`: the flags of a condition key; none of the action and of the resource.

    `domain`: what all its texts have in common. `representatives`: values for its comparisons. `marks`: those that its
    texts can have in them.
    """

    name: str
    choices: tuple[str, ...] = ()
    multivalued: bool = False
    domain: tuple[Wanted, ...] = ()
    representatives: tuple[str, ...] = ()
    marks: str = ""


Answer = str | tuple[str, ...]
Tested = tuple[Test, bool]
Wants = tuple[tuple[Atom, bool], ...]
"""What is wanted of one dimension: which atoms are to hold, and which not."""


class Values:
    """The theory: which values the dimensions of one question have."""

    def __init__(self, dimensions: dict[str, Dimension], budget: Budget) -> None:
        self.dimensions = dimensions
        self._budget = budget
        self._known: dict[tuple[str, tuple[Tested, ...]], str | Refuted] = {}

    def of(self, dimension: str, wants: Wants) -> Answer | Conflict:
        """A value, or several, under which all atoms are as wanted; or which of them contradict. Raises NotDecided."""
        kind = self.dimensions[dimension]
        if not kind.multivalued:
            found = self._one(kind, wants)
            return found if isinstance(found, str) else _conflict(wants, found)
        # Not each value passes: some does not. No value passes: each does not.
        common = tuple(want for want in wants if (want[0].scope is Scope.EACH) is want[1])
        demands = [(*common, want) for want in wants if want not in common]
        answers: dict[str, None] = {}
        for tests in demands or [common]:
            found = self._one(kind, tests)
            if isinstance(found, Refuted):
                return _conflict(tests, found)
            answers[found] = None
        return tuple(answers)

    def _one(self, kind: Dimension, wants: Wants) -> str | Refuted:
        tests = tuple((atom.test, wanted) for atom, wanted in wants)
        key = kind.name, tests
        if key not in self._known:
            self._known[key] = self._value(kind, tests)
        return self._known[key]

    def _value(self, kind: Dimension, tests: Sequence[Tested]) -> str | Refuted:
        """A text for tests of one value. The core of a refutation has the indices of tests."""
        places = [i for i, (test, _) in enumerate(tests) if isinstance(test, Language)]
        languages = [(test, wanted) for test, wanted in tests if isinstance(test, Language)]
        comparisons = [(i, test, wanted) for i, (test, wanted) in enumerate(tests) if isinstance(test, Comparison)]
        if kind.representatives:
            fitting = [text for text in kind.representatives if self._passes(text, comparisons)]
            if not fitting:
                return Refuted(self._least(kind.representatives, comparisons))
            for text in fitting:
                if all(member(text, language) is wanted for language, wanted in (*languages, *kind.domain)):
                    return text
        found = search([*languages, *kind.domain], self._budget, kind.marks)
        if isinstance(found, Refuted):
            return Refuted(frozenset(places[i] for i in found.core if i < len(places)))
        if kind.representatives:
            raise NotDecided(f"The condition key {kind.name} is compared in different ways, which cannot be analyzed.")
        return found

    def _passes(self, text: str, comparisons: Sequence[tuple[int, Comparison, bool]]) -> bool:
        self._budget.spend(1 + len(comparisons))
        return all(passes(comparison, text) is wanted for _, comparison, wanted in comparisons)

    def _least(self, texts: Sequence[str], comparisons: Sequence[tuple[int, Comparison, bool]]) -> frozenset[int]:
        """The indices of a smallest part of the comparisons that no text passes."""
        left = list(comparisons)
        for comparison in comparisons:
            fewer = [other for other in left if other is not comparison]
            if not any(self._passes(text, fewer) for text in texts):
                left = fewer
        return frozenset(i for i, _, _ in left)


class Conflict(NamedTuple):
    """What is wanted of a dimension and contradicts itself."""

    wants: Wants


def _conflict(wants: Wants, refuted: Refuted) -> Conflict:
    return Conflict(tuple(wants[i] for i in sorted(refuted.core)))


def passes(comparison: Comparison, text: str) -> bool:
    """Whether a value of a request passes a comparison: the evaluator's own answer."""
    return _prepared(comparison).holds(asking(_KEY, text))


_KEY: Final = "proof:value"


@lru_cache(maxsize=4096)
def _prepared(comparison: Comparison) -> PreparedCondition:
    condition = Condition(comparison.operator, _KEY, comparison.values, ())
    return prepare(condition, allows=comparison.allows, variables=False)


def asking(key: str, value: ContextValue | None) -> PreparedRequest:
    """A request with nothing but one condition key, for the evaluator's conditions."""
    return PreparedRequest(Request(ANONYMOUS, "", "*", "", {} if value is None else {key: value}))


def atom_of(kind: Dimension, test: Test, scope: Scope) -> Atom:
    """The atom of a test of `kind`: of a key with one value, each value and some value are the same."""
    return Atom(kind.name, test, scope if kind.multivalued else Scope.ONE)
