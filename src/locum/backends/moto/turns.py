"""The turn to run moto's code or to read its models: one thread at a time has it.

moto's objects know no threads: one that is replaced while another thread reads it is closed under it, and a dictionary
that grows while it is iterated raises an error. Its services use the models of one another, so that there is one turn
for all of them. As moto is plain Python, this costs little of what could run at the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Taken(Exception):
    """Another thread has the turn."""


_turn: Final = Lock()


def in_turn(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work` when it is this thread's turn. Blocks until then; not to be nested."""
    with _turn:
        return work(*args, **kwargs)


def at_once(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work` without waiting for the turn. Raises Taken, with nothing done, where another thread has it."""
    if not _turn.acquire(blocking=False):
        raise Taken
    try:
        return work(*args, **kwargs)
    finally:
        _turn.release()
