"""The work that may be done for one question: what costs too much has no answer (`NotDecided`)."""

from __future__ import annotations

from typing import Final

from locum.analysis.proofs.errors import NotDecided

WORK: Final = 3_000_000
"""The default: steps of automata and evaluations of conditions, some seconds of a processor."""

TOO_LONG: Final = "The policies are too complex: the check was ended before it had a result."


class Budget:
    """The steps that are left. `solver_ms`: milliseconds for one call of the solver."""

    __slots__ = ("left", "solver_ms")

    def __init__(self, work: int = WORK, solver_ms: int = 10_000) -> None:
        self.left = work
        self.solver_ms = solver_ms

    def spend(self, steps: int = 1) -> None:
        """Take `steps` from what is left. Raises NotDecided when nothing is."""
        self.left -= steps
        if self.left < 0:
            raise NotDecided(TOO_LONG)
