"""Satisfiability modulo the values of requests.

z3 chooses which atoms are to hold; the theory of each dimension says whether it has such values. Where it has not, a
smallest part of what contradicts becomes a clause, and z3 chooses again. Each clause rules out at least one choice, so
that it ends (ADR 37).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import permutations
from types import ModuleType
from typing import Any, Final, NamedTuple

from locum.analysis.proofs.budget import TOO_LONG, Budget
from locum.analysis.proofs.dimensions import Answer, Conflict, Wants
from locum.analysis.proofs.errors import NotDecided, SolverMissing
from locum.analysis.proofs.formulas import (
    Atom,
    Compound,
    Either,
    Every,
    Flag,
    Formula,
    Literal,
    Not,
    reasons,
)

MISSING: Final = (
    "Custom policy checks and analyzers of external access need the package z3-solver, which is not installed: "
    "pip install 'locum[analyze]' adds it."
)
_FEW: Final = 6
"""The number of atoms of a dimension up to which each two are compared before the solver begins."""
_ROUND: Final = 200
"""What one choice of the solver costs of the budget, in steps of automata."""

Theory = Callable[[str, Wants], Answer | Conflict]
"""Values of a dimension under which the atoms hold as wanted, or which of them contradict."""


def check_installed() -> None:
    """Raise SolverMissing where there is no z3, which is not loaded."""
    if find_spec("z3") is None:
        raise SolverMissing(MISSING)


@cache
def _library() -> ModuleType:
    """z3, which takes a tenth of a second to load. Raises SolverMissing."""
    try:
        return importlib.import_module("z3")
    except ImportError as error:
        raise SolverMissing(MISSING) from error


class Model(NamedTuple):
    """Choices by their subjects under which the formulas hold, and what is wanted of each dimension."""

    choices: dict[str, str]
    wants: dict[str, Wants]


class Solver:
    """Formulas that are to hold together, and what is known of their atoms. For one thread at a time."""

    def __init__(self, theory: Theory, budget: Budget) -> None:
        self._z3: Any = _library()
        self._context = self._z3.Context()
        self._solver = self._z3.SolverFor("QF_FD", ctx=self._context)
        self._theory = theory
        self._budget = budget
        self._required: list[Formula] = []
        self._flags: list[Flag] = []
        self._paired: set[tuple[Atom, Atom]] = set()
        self._symbols: dict[Literal, Any] = {}
        self._terms: dict[Formula, Any] = {}

    def require(self, formula: Formula) -> None:
        """Have `formula` hold in every model."""
        self._required.append(formula)
        self._solver.add(self._term(formula))

    def choose(self, flags: Sequence[Flag]) -> None:
        """Have exactly one of `flags` be set in every model."""
        self._flags += flags
        self._solver.add(self._z3.PbEq([(self._symbol(flag), 1) for flag in flags], 1))

    def model(self, formula: Formula) -> Model | None:
        """A model in which `formula` holds, too; None where there is none. Raises NotDecided."""
        if formula is False:
            return None
        chosen = self._z3.FreshBool(ctx=self._context)
        self._solver.add(self._z3.Implies(chosen, self._term(formula)))
        self._solver.set("timeout", self._budget.solver_ms)
        self._learn_pairs()
        while True:
            self._budget.spend(_ROUND)
            result = self._solver.check(chosen)
            if result == self._z3.unsat:
                return None
            if result != self._z3.sat:
                raise NotDecided(TOO_LONG)
            model = self._wants(formula)
            if not self._refuted(model.wants):
                return model

    def _wants(self, formula: Formula) -> Model:
        found = self._solver.model()
        known: dict[Literal, bool] = {}

        def value(literal: Literal) -> bool:
            if literal not in known:
                symbol = self._symbols.get(literal)
                known[literal] = symbol is not None and bool(self._z3.is_true(found[symbol]))
            return known[literal]

        chosen: dict[Atom, bool] = {}
        for required in (formula, *self._required):
            reasons(required, value, chosen)
        wants: dict[str, list[tuple[Atom, bool]]] = {}
        for atom, wanted in chosen.items():
            wants.setdefault(atom.dimension, []).append((atom, wanted))
        choices = {flag.subject: flag.choice for flag in self._flags if value(flag)}
        return Model(choices, {name: tuple(listed) for name, listed in wants.items()})

    def _refuted(self, wants: dict[str, Wants]) -> bool:
        """Whether some dimension has no such values; what contradicts is then added as clauses."""
        refuted = False
        for dimension, wanted in wants.items():
            found = self._theory(dimension, wanted)
            if isinstance(found, Conflict):
                refuted = True
                self._exclude(found)
        return refuted

    def _exclude(self, conflict: Conflict) -> None:
        opposites = [self._opposite(atom, value) for atom, value in conflict.wants]
        self._solver.add(self._z3.Or([self._term(formula=False), *opposites]))

    def _learn_pairs(self) -> None:
        """Add what is known of each two atoms of a dimension that has few, where that is not done yet."""
        by_dimension: dict[str, list[Atom]] = {}
        for literal in self._symbols:
            if isinstance(literal, Atom):
                by_dimension.setdefault(literal.dimension, []).append(literal)
        for dimension, atoms in by_dimension.items():
            for first, second in permutations(atoms, 2) if len(atoms) <= _FEW else ():
                if (first, second) not in self._paired:
                    self._paired.add((first, second))
                    for wanted in (True, False):
                        self._refute(dimension, ((first, True), (second, wanted)))

    def _refute(self, dimension: str, wants: Wants) -> None:
        """Add what contradicts in `wants`, if anything does."""
        try:
            found = self._theory(dimension, wants)
        except NotDecided:
            if self._budget.left < 0:
                raise
            return
        if isinstance(found, Conflict):
            self._exclude(found)

    def _opposite(self, atom: Atom, value: bool) -> Any:
        return self._z3.Not(self._symbol(atom)) if value else self._symbol(atom)

    def _symbol(self, literal: Literal) -> Any:
        if literal not in self._symbols:
            self._symbols[literal] = self._z3.Bool(f"p{len(self._symbols)}", ctx=self._context)
        return self._symbols[literal]

    def _term(self, formula: Formula) -> Any:
        if isinstance(formula, bool):
            return self._z3.BoolVal(formula, ctx=self._context)
        if formula not in self._terms:
            self._terms[formula] = self._compound(formula)
        return self._terms[formula]

    def _compound(self, formula: Compound) -> Any:
        if isinstance(formula, Not):
            return self._z3.Not(self._term(formula.part))
        if isinstance(formula, Every):
            return self._z3.And([self._term(part) for part in formula.parts])
        if isinstance(formula, Either):
            return self._z3.Or([self._term(part) for part in formula.parts])
        return self._symbol(formula)
