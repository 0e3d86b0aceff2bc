"""Propositional formulas over atoms: what is asked of the values of one dimension of a request, and flags.

The dimensions are the action, the resource and the condition keys. An atom speaks of the values of one of them, so
that a theory of values decides which atoms can hold together; flags are the choices of the translation: which caller,
and whether a key is present.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

from locum.analysis.proofs.languages import Language


class Scope(StrEnum):
    """The values that an atom speaks of."""

    ONE = "the value"
    EACH = "each value"
    SOME = "some value"


class Comparison(NamedTuple):
    """A condition on one value that is no language of texts: its operator, its values, whether it is of an Allow."""

    operator: str
    values: tuple[str, ...]
    allows: bool


Test = Language | Comparison


class Atom(NamedTuple):
    """The value (or each, or some value) of `dimension` passes `test`."""

    dimension: str
    test: Test
    scope: Scope = Scope.ONE


class Flag(NamedTuple):
    """A choice: of `subject` (a condition key, the caller), it is `choice`."""

    subject: str
    choice: str


class Between(NamedTuple):
    """A test of which only bounds are known, as it has policy variables: it holds if `lower` does, and only if `upper`.

    `about` tells apart tests with the same bounds. That a test is one and the same in two policies is known.
    """

    about: tuple[str, ...]
    lower: Formula
    upper: Formula


class Not(NamedTuple):
    """The negation of a formula."""

    part: Formula


class Every(NamedTuple):
    """The conjunction of formulas."""

    parts: tuple[Formula, ...]


class Either(NamedTuple):
    """The disjunction of formulas."""

    parts: tuple[Formula, ...]


Compound = Atom | Flag | Between | Not | Every | Either
Formula = bool | Compound
Literal = Atom | Flag | Between


def every(parts: Iterable[Formula]) -> Formula:
    """The conjunction, simplified by its constants."""
    return _joined(parts, Every, neutral=True)


def either(parts: Iterable[Formula]) -> Formula:
    """The disjunction, simplified by its constants."""
    return _joined(parts, Either, neutral=False)


def _joined(parts: Iterable[Formula], kind: type[Every] | type[Either], *, neutral: bool) -> Formula:
    """The parts without those that make no difference, each once; the constant that decides, where there is one."""
    kept: dict[Formula, None] = {}
    for part in parts:
        if not isinstance(part, bool):
            kept[part] = None
        elif part is not neutral:
            return part
    if not kept:
        return neutral
    return next(iter(kept)) if len(kept) == 1 else kind(tuple(kept))


def negation(part: Formula) -> Formula:
    """The negation, simplified by constants."""
    if isinstance(part, bool):
        return not part
    return part.part if isinstance(part, Not) else Not(part)


def holds(formula: Formula, values: Callable[[Literal], bool]) -> bool:
    """Whether `formula` is true of a complete assignment."""
    if isinstance(formula, bool):
        return formula
    if isinstance(formula, Not):
        return not holds(formula.part, values)
    if isinstance(formula, Every):
        return all(holds(part, values) for part in formula.parts)
    if isinstance(formula, Either):
        return any(holds(part, values) for part in formula.parts)
    return values(formula)


def reasons(formula: Formula, values: Callable[[Literal], bool], chosen: dict[Atom, bool]) -> None:
    """Add atoms of a complete assignment to `chosen` that suffice for the value that it gives `formula`.

    Where one part suffices, it is the one that adds the fewest.
    """
    if isinstance(formula, Atom):
        chosen[formula] = values(formula)
    elif isinstance(formula, Not):
        reasons(formula.part, values, chosen)
    elif isinstance(formula, Every | Either):
        deciding = isinstance(formula, Either)  # the value of a part that alone decides
        deciders = [part for part in formula.parts if holds(part, values) is deciding]
        if not deciders:
            for part in formula.parts:
                reasons(part, values, chosen)
            return
        best: dict[Atom, bool] | None = None
        for part in deciders:
            added: dict[Atom, bool] = {}
            reasons(part, values, added)
            new = {atom: value for atom, value in added.items() if atom not in chosen}
            if best is None or len(new) < len(best):
                best = new
            if not best:
                return
        chosen.update(best or {})
