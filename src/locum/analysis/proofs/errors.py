"""The reasons for which a question about policies has no answer. A check that ends with one of them never passes."""

from __future__ import annotations

from locum.core.errors import LocumError


class NotDecided(LocumError):
    """The question cannot be decided: it cannot be translated, or took too long. The text says why, for people."""


class SolverMissing(LocumError):
    """The package z3-solver is not installed."""
