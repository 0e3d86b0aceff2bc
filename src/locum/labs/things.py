"""A thing of a lab that is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Thing(NamedTuple):
    """What it is called, and the function that removes it with all that hangs on it."""

    name: str
    remove: Callable[[], Any]
